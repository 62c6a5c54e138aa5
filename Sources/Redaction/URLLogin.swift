/// The secrets in a URL such as `https://USER:PASSWORD@HOST/` (RFC 3986, section 3.2.1).
public struct URLLogin: Hashable, Sendable {
  /// The password, and a user that is a token; as written and with percent escapes decoded.
  public private(set) var secrets: [String] = []
  /// Whether the rest of the text is public: one URL, or a host and port, without a query that could hold a key.
  public private(set) var isPlain: Bool

  /// A user of at least this many bytes is taken for a token, whatever the password.
  private static let shortestToken = 20

  public init(in text: String) {
    let words = text.utf8.split { $0 <= 32 }
    let url = words.first.map { Substring($0) } ?? ""
    let start = url.firstRange(of: "://")?.upperBound ?? url.startIndex
    let authority = url[start...].prefix { $0 != "/" }
    // A password that contains a slash continues after the apparent host.
    isPlain =
      words.count == 1 && !url.utf8.contains(where: "?#,;".utf8.contains)
      && !url[authority.endIndex...].utf8.contains(UInt8(ascii: "@"))
    // A password may contain an `@` that should have been written as `%40`.
    guard let at = authority.lastIndex(of: "@") else { return }
    let login = authority[..<at].split(
      separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let (user, password) = (login[0], login.count == 2 ? login[1] : "")
    if !password.isEmpty { add(password) }
    if password.isEmpty || user.utf8.count >= Self.shortestToken { add(user) }
  }

  private mutating func add(_ secret: Substring) {
    let meant = Self.decoded(secret)
    secrets += meant == String(secret) ? [meant] : [String(secret), meant]
  }

  private static func decoded(_ text: Substring) -> String {
    var (bytes, rest) = ([UInt8](), Array(text.utf8)[...])
    while let byte = rest.popFirst() {
      let digits = String(decoding: rest.prefix(2), as: UTF8.self)
      if byte == UInt8(ascii: "%"), digits.utf8.count == 2, let code = UInt8(digits, radix: 16) {
        bytes.append(code)
        rest.removeFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
