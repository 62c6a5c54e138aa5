/// A TCP port that a program of the home keeps, in a file: `format 1` and `port 8080`.
public struct PortRecord: Hashable, Sendable {
  public var port: UInt16

  public init(_ port: UInt16) { self.port = port }

  public var text: String { "format \(HomeFormat.current)\nport \(port)\n" }

  /// - Returns: nil if the text names no port.
  public init?(text: String) {
    let line = text.split(separator: "\n").first { $0.hasPrefix("port ") }
    guard let port = line.flatMap({ UInt16($0.dropFirst(5)) }) else { return nil }
    self.port = port
  }
}
