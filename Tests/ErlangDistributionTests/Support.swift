import ErlangTerm
import Posix
import TestSupport

@testable import ErlangDistribution

/// What real nodes sent: Tests/Fixtures/distribution.
enum Recorded {
  static let runtimes = ["otp25", "otp28"]

  static func read(_ name: String) throws -> [UInt8] {
    try Files.read(Fixtures.path("distribution/" + name))
  }

  /// All frames behind the handshake.
  static func frames() throws -> [[UInt8]] {
    let others = ["README.md", "status", "challenge", "acknowledgement"]
    return try Files.list(Fixtures.path("distribution")).sorted()
      .filter { name in !others.contains { name.hasSuffix($0) } }
      .map { try read($0) }
  }
}

extension NodeName {
  static func test(_ text: String) -> NodeName {
    guard let name = NodeName(text) else { preconditionFailure("'\(text)' is no node's name") }
    return name
  }
}

/// A session with a node that is played by a test, and the node's side of it.
struct Played {
  static let ownName = "R1@host"
  static let identity = Handshake.Result(
    peer: Peer(name: "n@host", creation: 7, flags: Handshake.Flag.spawn), ownName: ownName,
    ownCreation: 5)
  static let process = Term.Pid(node: "n@host", id: 100, serial: 1, creation: 7)

  var session: Session
  var now: Int64 = 1000

  init(flags: UInt64 = Handshake.Flag.spawn) {
    var identity = Self.identity
    identity.peer.flags = flags
    session = Session(identity, now: now)
  }

  /// What the session has sent since, as control message and payload; ticks are nil.
  mutating func sent() throws -> [(control: Term, payload: Term?)?] {
    var reader = FrameReader(width: 4, limit: 1 << 20)
    reader.append(session.takeOutput())
    var all: [(Term, Term?)?] = []
    while let frame = try reader.next() {
      if frame.isEmpty {
        all.append(nil)
        continue
      }
      let (control, end) = try ExternalFormat.decode(frame, from: 1)
      let payload = end < frame.count ? try ExternalFormat.decode(frame, from: end).term : nil
      all.append((control, payload))
    }
    return all
  }

  /// The operations of what it has sent; a tick is 0.
  mutating func operations() throws -> [Int] {
    try sent().map { $0?.control.tuple?.first?.integer ?? 0 }
  }

  /// Says one thing as the node would.
  @discardableResult
  mutating func hear(_ control: [Term], _ payload: Term? = nil) throws -> SessionEvent? {
    try session.receive(try frame(control, payload), now: now)
  }

  /// Begins a call.
  /// - Returns: with the reference and the group leader that the node got.
  mutating func begin(_ call: RemoteCall = RemoteCall("m", "f")) throws -> (CallID, Term, Term.Pid)
  {
    let id = try session.call(call, now: now)
    let control = try sent().last??.control.tuple ?? []
    guard control.count > 3, let leader = control[3].pid else { throw Odd(text: "\(control)") }
    return (id, control[1], leader)
  }

  mutating func spawned(_ reference: Term, _ process: Term.Pid = Self.process) throws {
    try hear([.integer(31), reference, .pid(Self.own), .integer(0), .pid(process)])
  }

  mutating func down(_ reference: Term, _ reason: Term) throws -> SessionEvent? {
    try hear([.integer(28), .pid(Self.process), .pid(Self.own), reference], reason)
  }

  /// A process asks a group leader to print.
  mutating func request(_ request: Term, of leader: Term.Pid) throws -> SessionEvent? {
    let message = Term.tuple([.atom("io_request"), .pid(Self.process), .atom("re"), request])
    return try hear([.integer(2), .atom(""), .pid(leader)], message)
  }

  static let own = Term.Pid(node: ownName, id: 1, serial: 0, creation: 5)

  static func returned(_ term: Term) -> Term {
    .tuple([.integer(0), .atom("return"), term])
  }

  struct Odd: Error { var text: String }
}

/// A frame without its length.
func frame(_ control: [Term], _ payload: Term? = nil) throws -> [UInt8] {
  try [112] + ExternalFormat.encode(.tuple(control))
    + (payload.map { try ExternalFormat.encode($0) } ?? [])
}

extension SessionEvent {
  var answer: Answer? {
    if case .answer(_, let answer) = self { answer } else { nil }
  }

  var output: String? {
    if case .output(_, let text) = self { text } else { nil }
  }
}

func term(_ text: String) throws -> Term { try TextFormat.parse(text) }
