/// The name of a node, `name@host`, and its port, if that is given.
public struct NodeName: Hashable, Sendable, CustomStringConvertible {
  /// The part before `@`.
  public let name: String
  /// The part behind `@`: a host's name or address.
  public let host: String

  /// The longest name: an atom has no more characters, and EPMD accepts no longer name.
  public static let longest = 255

  public init?(name: String, host: String) {
    let text = "\(name)@\(host)"
    let isPlain = text.unicodeScalars.allSatisfy { $0.value > 32 && $0.value != 127 }
    guard !name.isEmpty, !host.isEmpty, !name.contains("@"), !host.contains("@"), isPlain,
      text.unicodeScalars.count <= Self.longest
    else { return nil }
    (self.name, self.host) = (name, host)
  }

  /// Reads `name@host`.
  public init?(_ text: String) {
    let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    self.init(name: String(parts[0]), host: String(parts[1]))
  }

  /// Reads `name@host:port` or `name@host`. An IPv6 address before a port stands in brackets, `name@[::1]:4370`.
  public static func parse(_ text: String) -> (name: NodeName, port: UInt16?)? {
    guard let at = text.firstIndex(of: "@") else { return nil }
    let name = String(text[..<at])
    let rest = text[text.index(after: at)...]
    if rest.hasPrefix("["), let bracket = rest.lastIndex(of: "]") {
      let host = String(rest[rest.index(after: rest.startIndex)..<bracket])
      return assemble(name, host, port: rest[rest.index(after: bracket)...])
    }
    let colons = rest.filter { $0 == ":" }.count
    guard colons == 1, let colon = rest.firstIndex(of: ":") else {
      return assemble(name, String(rest), port: "")
    }
    return assemble(name, String(rest[..<colon]), port: rest[colon...])
  }

  private static func assemble(
    _ name: String, _ host: String, port: Substring
  ) -> (name: NodeName, port: UInt16?)? {
    guard let node = NodeName(name: name, host: host) else { return nil }
    if port.isEmpty { return (node, nil) }
    guard port.hasPrefix(":"), let number = UInt16(port.dropFirst()), number > 0 else { return nil }
    return (node, number)
  }

  public var description: String { "\(name)@\(host)" }
}
