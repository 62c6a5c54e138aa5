import Posix

/// A lookup of the addresses of a host's name, without blocking.
///
/// A static program has no name services, so it runs `getent`.
struct Lookup: Sendable {
  private let helper: Helper
  private let reading: File
  private var said: [UInt8] = []

  private static let longestAnswer = 65_536

  /// Addresses that are known without a name service; nil for other names.
  static func known(_ host: String, isIPv6: Bool) -> [String]? {
    if isLiteral(host) { return [host] }
    return host == "localhost" ? [isIPv6 ? "::1" : "127.0.0.1"] : nil
  }

  private static func isLiteral(_ host: String) -> Bool {
    if host.contains(":") { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
  }

  /// getent(1)
  init(_ host: String, isIPv6: Bool) throws(PosixError) {
    let (reading, writing) = try File.pipe()
    try reading.setNonBlocking()
    let question = Invocation(
      ["getent", isIPv6 ? "ahostsv6" : "ahosts", "--", host],
      environment: ["PATH": Invocation.standardPath])
    helper = Helper(
      try Child.start(question, output: .file(writing), errors: .null, newSession: true))
    self.reading = reading
  }

  var descriptor: Int32 { reading.descriptor }

  /// Reads the answer; call it when the descriptor can be read.
  /// - Returns: the addresses; nil while there is more to read.
  mutating func advance() throws(PosixError) -> [String]? {
    let bytes: [UInt8]
    do throws(PosixError) { bytes = try reading.read(upTo: 4096) } catch {
      if error.errno == .again { return nil }
      throw error
    }
    said += bytes.prefix(max(0, Self.longestAnswer - said.count))
    if !bytes.isEmpty { return nil }
    var seen: [String] = []
    for line in String(decoding: said, as: UTF8.self).split(separator: "\n") {
      guard let address = line.split(separator: " ").first.map(String.init) else { continue }
      if Self.isLiteral(address), !seen.contains(address) { seen.append(address) }
    }
    // IPv4 comes first, since most nodes listen on it. For others the caller sets `isIPv6`, or the host has no IPv4.
    return seen.filter { !$0.contains(":") } + seen.filter { $0.contains(":") }
  }
}
