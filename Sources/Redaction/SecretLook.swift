/// Why a config var looks like a secret. The tests have a table of examples.
public enum SecretLook: Hashable, Sendable {
  /// Its value looks secret: a private key, a URL with a password, a random token.
  case value
  /// Only its name looks secret: `DB_PASSWORD`.
  case name

  public init?(name: String, value: String) {
    let name = VariableName(name)
    if Self.hasPrivateKey(value) || Self.hasPassword(value) {
      self = .value
    } else if Self.hasToken(value), !name.isAbout(value) {
      self = .value
    } else if name.isSecret {
      self = .name
    } else {
      return nil
    }
  }

  /// Labels of PEM blocks that are public: RFC 7468.
  private static let shown = ["CERTIFICATE", "PUBLIC KEY", "X509 CRL", "DH PARAMETERS"]

  private static func hasPrivateKey(_ value: String) -> Bool {
    value.split(separator: "-----BEGIN ", omittingEmptySubsequences: false).dropFirst().contains {
      block in !shown.contains { block.prefix(64).contains($0) }
    }
  }

  /// `scheme://user:password@host`
  private static func hasPassword(_ value: String) -> Bool {
    value.split(separator: "://", omittingEmptySubsequences: false).dropFirst().contains { rest in
      let authority = rest.prefix { !"/?#\"' \n".contains($0) }
      guard let end = authority.lastIndex(of: "@") else { return false }
      let parts = authority[..<end].split(
        separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      return parts.count == 2 && !parts[1].isEmpty
    }
  }

  /// Whether a part of the value looks random. The value is split with and without slashes as separators, since base64
  /// has slashes and a path may end in a token.
  private static func hasToken(_ value: String) -> Bool {
    // The lines of a certificate look random, and so do host names of platforms: my-shop-3b1f0c9d2a7e.example.com.
    if value.contains("-----BEGIN ") || isHost(value) { return false }
    func parts(_ others: String) -> [Substring.UTF8View] {
      value.utf8.split { !isAlphanumeric($0) && !others.utf8.contains($0) }.map {
        Substring($0).utf8
      }
    }
    return (parts("-_+=") + parts("-_+=/")).contains(where: isRandom)
  }

  /// Whether a value is a host name in lower case (RFC 1123) with a top-level domain of letters.
  private static func isHost(_ value: String) -> Bool {
    let labels = value.split(separator: ".", omittingEmptySubsequences: false)
    guard labels.count > 1, let top = labels.last, top.count > 1, top.allSatisfy(\.isLetter) else {
      return false
    }
    return labels.allSatisfy { label in
      (1...63).contains(label.utf8.count)
        && label.utf8.allSatisfy {
          isDigit($0) || (97...122).contains($0) || $0 == UInt8(ascii: "-")
        }
    }
  }

  private static let shortestToken = 20

  private static func isRandom(_ text: Substring.UTF8View) -> Bool {
    if text.count < shortestToken { return false }
    let segments = text.split { !isAlphanumeric($0) }
    let characters = segments.reduce(0) { $0 + $1.count }
    if characters < shortestToken { return false }
    let all = segments.joined()
    let digits = all.count(where: isDigit)
    if digits == 0 || digits == characters { return false }
    if segments.count == 1 || isUUID(segments.map(\.count)), all.allSatisfy(isHexDigit) {
      return true
    }
    // An ordinary word has characters of one kind, except that it may begin with a capital and end with a number.
    let breaks = segments.reduce(0) { $0 + self.breaks(in: $1) }
    return breaks >= 4 && breaks * 6 >= characters
  }

  private static func isUUID(_ lengths: [Int]) -> Bool { lengths == [8, 4, 4, 4, 12] }

  /// How often the kind of character changes in a way that does not occur in ordinary words.
  private static func breaks(in segment: Substring.UTF8View) -> Int {
    let word = Array(segment.reversed().drop(while: isDigit).reversed())
    return zip(word, word.dropFirst()).count { first, second in
      kind(first) != kind(second) && !(kind(first) == .upper && kind(second) == .lower)
    }
  }

  private enum Kind { case upper, lower, digit }

  private static func kind(_ byte: UInt8) -> Kind {
    isDigit(byte) ? .digit : byte < UInt8(ascii: "a") ? .upper : .lower
  }

  fileprivate static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

  fileprivate static func isHexDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || (97...102).contains(byte) || (65...70).contains(byte)
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    isDigit(byte) || (97...122).contains(byte) || (65...90).contains(byte)
  }
}

/// A config var's name in parts, which say whether its value is secret.
private struct VariableName {
  private let parts: [String]

  init(_ name: String) {
    parts = name.uppercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
  }

  private static let secret: Set<String> = [
    "SECRET", "SECRETS", "TOKEN", "TOKENS", "PASSWORD", "PASSWORDS", "PASSWD", "PASSPHRASE", "PASS",
    "PWD", "PW", "KEY", "KEYS", "CREDENTIAL", "CREDENTIALS", "CREDS", "COOKIE", "SALT", "PRIVATE",
    "AUTH", "AUTHORIZATION", "DSN", "JWT", "PSK", "HMAC", "BEARER",
  ]

  /// `PGPASSWORD`, `AUTHTOKEN`, `KEYBASE`
  private static let endings = ["SECRET", "TOKEN", "PASSWORD", "PASSWD", "APIKEY", "KEYBASE"]

  /// Last parts of names that describe a secret and do not hold one: `TOKEN_TTL` is no token.
  private static let aspects: Set<String> = [
    "ALGORITHM", "AUDIENCE", "BACKEND", "DIR", "DOMAIN", "ENABLED", "EXPIRY", "FILE", "FORMAT",
    "HEADER", "HOST", "ISSUER", "LENGTH", "LEVEL", "LIFETIME", "METHOD", "MODE", "NAME", "PATH",
    "PORT", "PREFIX", "PROVIDER", "REGION", "SCOPE", "SIZE", "STORE", "STRATEGY", "TIMEOUT", "TTL",
    "TYPE", "URI", "URL", "USER", "USERNAME",
  ]

  private static let revisions: Set<String> = [
    "CHECKSUM", "COMMIT", "DIGEST", "GIT", "REV", "REVISION", "SHA", "VERSION",
  ]

  private var isPublic: Bool { parts.contains("PUBLIC") || parts.contains("PUBLISHABLE") }

  private func isWord(_ part: String) -> Bool {
    Self.secret.contains(part) || Self.endings.contains { part.hasSuffix($0) }
  }

  var isSecret: Bool {
    if let last = parts.last, Self.aspects.contains(last) { return false }
    // A public key is no secret.
    return parts.contains { isWord($0) && !(isPublic && $0.hasPrefix("KEY")) }
  }

  /// Whether the name explains a value that looks random: a public key, an id, a revision.
  func isAbout(_ value: String) -> Bool {
    if isPublic, !isSecret { return true }
    let isHex = value.utf8.allSatisfy { SecretLook.isHexDigit($0) || $0 == UInt8(ascii: "-") }
    return isHex && !isSecret
      && (parts.last == "ID" || parts.contains(where: Self.revisions.contains))
  }
}
