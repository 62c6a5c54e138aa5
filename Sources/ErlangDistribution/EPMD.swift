import Posix

/// A client of the Erlang port mapper daemon of this host.
/// Source: Erlang Distribution Protocol, "Protocol between EPMD and Erlang Node" (erts user's guide).
public struct EPMD: Hashable, Sendable {
  public let port: UInt16

  public init(port: UInt16) { self.port = port }

  /// The name under which a node registers, the part before `@`, and the port it listens on.
  public struct Node: Hashable, Sendable {
    public var name: String
    public var port: UInt16
  }

  private static let namesRequest: UInt8 = 110
  private static let killRequest: UInt8 = 107
  public static let patience: Int64 = 1000

  /// All nodes that are registered; an error if no epmd answers.
  /// - Parameters:
  ///   - process: asks the epmd in the network namespace of this process.
  ///   - milliseconds: how long an answer may take.
  public func nodes(inNetworkOf process: Int32? = nil, milliseconds: Int64 = patience)
    throws(PosixError) -> [Node]
  {
    let answer = try Loopback.exchange(
      Self.framed([Self.namesRequest]), port: port, milliseconds: milliseconds,
      inNetworkOf: process)
    // The answer begins with epmd's own port; a program that answers otherwise is not an epmd.
    guard answer.starts(with: [0, 0] + port.bytes) else {
      throw PosixError("understand epmd on", "127.0.0.1:\(port)", .invalid)
    }
    return Self.nodes(in: answer)
  }

  /// Asks the daemon to end. It refuses while nodes are registered.
  /// - Returns: whether it ends.
  public func kill() throws(PosixError) -> Bool {
    let answer = try Loopback.exchange(
      Self.framed([Self.killRequest]), port: port, milliseconds: Self.patience)
    return answer.starts(with: Array("OK".utf8))
  }

  /// A two-byte length goes before each request.
  static func framed(_ request: [UInt8]) -> [UInt8] {
    UInt16(truncatingIfNeeded: request.count).bytes + request
  }

  /// Reads a NAMES_RESP: epmd's own port in four bytes, then `name NAME at port PORT` lines.
  /// A line of another form is left out.
  static func nodes(in answer: [UInt8]) -> [Node] {
    String(decoding: answer.dropFirst(4), as: UTF8.self).split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 5, words[0] == "name", words[2] == "at", words[3] == "port",
        let port = UInt16(words[4])
      else { return nil }
      return Node(name: String(words[1]), port: port)
    }
  }

  /// The answer to the question for a node's port.
  enum PortAnswer: Equatable {
    case port(UInt16)
    case unknown
    /// This is not an answer of an epmd.
    case nonsense
    /// The answer is not complete yet.
    case unfinished
  }

  /// PORT_PLEASE2_REQ, the question for a node's port.
  static func portRequest(_ name: String) -> [UInt8] { framed([122] + Array(name.utf8)) }

  /// Reads a PORT2_RESP: 119, a result, and the port if the result is 0.
  static func port(in answer: [UInt8]) -> PortAnswer {
    if let tag = answer.first, tag != 119 { return .nonsense }
    guard answer.count >= 2 else { return .unfinished }
    if answer[1] != 0 { return .unknown }
    guard answer.count >= 4 else { return .unfinished }
    return .port(UInt16(answer[2]) << 8 | UInt16(answer[3]))
  }
}
