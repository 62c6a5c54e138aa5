import ErlangTerm
import Glibc
import Posix
import TestSupport

@testable import ErlangDistribution

/// The other side of a connection, played over a real socket.
enum FakeNode {
  static let cookie = Cookie.test("secret")
  static let name = NodeName.test("n@127.0.0.1")

  static func message(_ client: File, width: Int = 2) throws -> [UInt8] {
    let length = try exactly(width, client).reduce(0) { $0 << 8 | Int($1) }
    return try exactly(length, client)
  }

  private static func exactly(_ count: Int, _ client: File) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let part = try client.read(upTo: count - bytes.count, within: 60_000)
      if part.isEmpty { throw Ended() }
      bytes += part
    }
    return bytes
  }

  struct Ended: Error {}

  static func say(_ message: [UInt8], _ client: File, width: Int = 2) throws {
    try client.write(length(message.count, width) + message)
  }

  static func length(_ count: Int, _ width: Int) -> [UInt8] {
    (0..<width).reversed().map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) }
  }

  /// Shakes hands as a node does.
  static func shake(_ client: File, name: String = "n@127.0.0.1") throws {
    _ = try message(client)
    try say(HandshakeTests.named, client)
    let head: [UInt8] = [78, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x30, 0x39, 0, 0, 0, 7]
    try say(head + length(name.utf8.count, 2) + Array(name.utf8), client)
    let answer = try message(client)
    let challenge = answer[1..<5].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    guard Array(answer[5...]) == HandshakeTests.digest else { throw Ended() }
    try say([97] + MD5.digest(Array("secret\(challenge)".utf8)), client)
  }

  /// A server that shakes hands and goes on like this.
  static func serving(_ talk: @escaping @Sendable (File) throws -> Void) throws -> LoopbackServer {
    try LoopbackServer(talking: { client in
      try shake(client)
      try talk(client)
    })
  }

  /// Waits until the other side closes.
  static func linger(_ client: File) throws {
    while try !client.read(upTo: 65_536, within: 60_000).isEmpty {}
  }

  /// Takes a spawn request.
  /// - Returns: its reference and its group leader.
  static func request(_ client: File) throws -> (Term, Term) {
    let (control, _) = try ExternalFormat.decode(try message(client, width: 4), from: 1)
    guard let parts = control.tuple, parts.count > 3 else { throw Ended() }
    return (parts[1], parts[3])
  }

  static func down(_ reference: Term, _ reason: Term) throws -> [UInt8] {
    let own = Term.Pid(node: "R1@h", id: 1, serial: 0, creation: 9)
    let message = try frame(
      [.integer(28), .pid(Played.process), .pid(own), reference], reason)
    return length(message.count, 4) + message
  }
}

extension Cookie {
  static func test(_ text: String) -> Cookie {
    guard let cookie = Cookie(text) else { preconditionFailure("'\(text)' is no cookie") }
    return cookie
  }
}

extension NodeAddress {
  static func fake(_ port: UInt16) -> NodeAddress {
    NodeAddress(name: FakeNode.name, door: .port(port))
  }
}

extension Connection {
  /// Goes on until something has happened that is asked for.
  mutating func run<Found>(
    _ limit: Int64 = 10_000, until found: (SessionEvent) -> Found?
  ) throws -> Found {
    let end = Clock.monotonic() + limit
    while Clock.monotonic() < end {
      guard let interest else { break }
      let left = max(0, min(nextTick, end) - Clock.monotonic())
      let ready = try Poll.wait([interest], milliseconds: left).first
      var result: Found?
      for event in try advance(ready) { result = result ?? found(event) }
      if let result { return result }
    }
    throw Played.Odd(text: "nothing happened")
  }

  /// Goes on until hands are shaken.
  mutating func shakeHands(_ limit: Int64 = 10_000) throws {
    while session == nil {
      try run(limit) { if case .up = $0 { () } else { nil } }
    }
  }

  /// Goes on until it has failed.
  mutating func failure(_ limit: Int64 = 10_000) throws -> DistributionError {
    do {
      return try run(limit) { _ in nil }
    } catch let error as DistributionError { return error }
  }

  mutating func answer(to call: RemoteCall, _ limit: Int64 = 10_000) throws -> Answer {
    let id = try self.call(call)
    return try run(limit) { if case .answer(id, let answer) = $0 { answer } else { nil } }
  }
}
