import Posix

/// The facts that a node gives about itself in the handshake.
public struct Peer: Hashable, Sendable {
  public var name: String
  public var creation: UInt32
  /// Its capabilities; see `Handshake.Flag`.
  public var flags: UInt64
}

/// The handshake of version 6, from the side that dials, as a value: it takes messages and returns messages.
///
/// It asks the peer for a name, so that no name of ours stays behind in the peer's atom table.
/// Source: "Distribution Handshake", Erlang distribution protocol, ERTS user's guide.
public struct Handshake: Sendable {
  enum Flag {
    static let spawn: UInt64 = 1 << 32
    static let nameMe: UInt64 = 1 << 33

    /// Our capabilities. `FRAGMENTS`, the atom cache and aliases are left out, so that each message is one frame
    /// without a header. Both kinds of monitors are in: erpc needs them. `PUBLISHED` is left out, so we are hidden.
    static let ours: UInt64 = 0x0D_0747_5FBC | nameMe
  }

  /// The result: the peer, and the name that it has given us.
  public struct Result: Hashable, Sendable {
    public var peer: Peer
    public var ownName: String
    public var ownCreation: UInt32
  }

  private enum Stage {
    case status, challenge
    case acknowledgement(UInt32, Peer)
    case done
  }

  private let node: NodeName
  private let cookie: Cookie
  private let challenge: UInt32
  /// Bytes of a message's length: two, but over TLS four (`inet_tls_dist`, SSL application).
  let width: Int
  private var stage = Stage.status
  private var ownName = ""
  private var ownCreation: UInt32 = 0

  /// Whether our answer to the challenge was sent. If the peer closes after that, it has another cookie.
  var isAnswered: Bool { if case .acknowledgement = stage { true } else { false } }

  /// The longest message of the handshake, which holds a node's name.
  static let longest = 4096

  /// - Parameter challenge: a random number that cannot be guessed.
  public init(_ node: NodeName, _ cookie: Cookie, challenge: UInt32, isOverTLS: Bool = false) {
    (self.node, self.cookie, self.challenge) = (node, cookie, challenge)
    width = isOverTLS ? 4 : 2
  }

  /// `send_name`: with `NAME_ME` it holds the name of our host only.
  public func opening(host: String) -> [UInt8] {
    let name = Array(host.utf8.prefix(200))
    return framed(
      [UInt8(ascii: "N")] + Flag.ours.bytes + UInt32(0).bytes + UInt16(name.count).bytes + name)
  }

  /// Takes one message without its length.
  /// - Returns: the bytes to send, and the result when the handshake is done.
  public mutating func receive(
    _ message: [UInt8]
  ) throws(DistributionError) -> (reply: [UInt8], result: Result?) {
    var reader = ByteReader(message)
    let tag = try reader.byte()
    switch stage {
    case .status:
      guard tag == UInt8(ascii: "s") else { throw Self.fault("tag \(tag) for a status") }
      return (try status(&reader), nil)
    case .challenge:
      guard tag == UInt8(ascii: "N") else { throw .tooOld(node) }
      return (try answer(&reader), nil)
    case .acknowledgement(let theirs, let peer):
      guard tag == UInt8(ascii: "a") else { throw Self.fault("tag \(tag) for an answer") }
      guard Array(reader.rest) == digest(theirs) else { throw .wrongCookie(node) }
      stage = .done
      return ([], Result(peer: peer, ownName: ownName, ownCreation: ownCreation))
    case .done: throw Self.fault("more than it should have")
    }
  }

  private mutating func status(_ reader: inout ByteReader) throws(DistributionError) -> [UInt8] {
    let text = String(decoding: reader.rest.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self)
    switch text {
    case "named":
      _ = try reader.take(6)
      let length = Int(try reader.number(2))
      let name = try reader.take(length)
      guard let name = String(validating: name, as: UTF8.self), NodeName(name) != nil else {
        throw Self.fault("a name that is none")
      }
      ownName = name
      ownCreation = UInt32(truncatingIfNeeded: try reader.number(4))
      stage = .challenge
      return []
    case "nok", "not_allowed": throw .notAllowed(node)
    case "ok", "ok_simultaneous", "alive": throw .tooOld(node)
    default: throw Self.fault("an unknown status")
    }
  }

  /// Answers the peer's challenge and sends ours.
  private mutating func answer(_ reader: inout ByteReader) throws(DistributionError) -> [UInt8] {
    let flags = try reader.number(8)
    let theirs = UInt32(truncatingIfNeeded: try reader.number(4))
    let creation = UInt32(truncatingIfNeeded: try reader.number(4))
    let length = Int(try reader.number(2))
    let name = String(decoding: try reader.take(length), as: UTF8.self)
    guard name == node.description else { throw .otherNode(wanted: node, found: name) }
    stage = .acknowledgement(challenge, Peer(name: name, creation: creation, flags: flags))
    return framed([UInt8(ascii: "r")] + challenge.bytes + digest(theirs))
  }

  /// The proof that we know the cookie, which does not contain it.
  private func digest(_ challenge: UInt32) -> [UInt8] {
    MD5.digest(Array(cookie.text.utf8) + Array(String(challenge).utf8))
  }

  private static func fault(_ what: String) -> DistributionError {
    .malformed(.handshake(what))
  }

  private func framed(_ body: [UInt8]) -> [UInt8] { UInt32(body.count).bytes.suffix(width) + body }
}

/// A reader of numbers and bytes of a message. Reading beyond its end throws.
struct ByteReader {
  private(set) var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  mutating func byte() throws(DistributionError) -> UInt8 {
    guard let byte = rest.popFirst() else { throw .malformed(.handshake("too few bytes")) }
    return byte
  }

  mutating func take(_ count: Int) throws(DistributionError) -> [UInt8] {
    guard count <= rest.count else { throw .malformed(.handshake("too few bytes")) }
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }

  /// An unsigned number of up to eight bytes, the most significant first.
  mutating func number(_ width: Int) throws(DistributionError) -> UInt64 {
    try take(width).reduce(0) { $0 << 8 | UInt64($1) }
  }
}
