import Posix

/// A list of prebuilt archives, with one line `NAME REF TIME SHA-256` for each. Old archives have no SHA-256.
struct BuildList {
  struct Entry: Hashable {
    var name: String
    var version: ToolVersion
    /// For Elixir, the OTP with which it was compiled.
    var otp: Int?
    /// SHA-256 as 64 lower-case hexadecimal digits.
    var sum: String?
  }

  let entries: [Entry]

  enum Kind { case otp, elixir }

  init(_ bytes: [UInt8], of kind: Kind) {
    var entries: [Entry] = []
    for line in bytes.split(separator: UInt8(ascii: "\n")) where line.count < 512 {
      let words = String(decoding: line, as: UTF8.self).split { $0 == " " || $0 == "\r" }
      guard let name = words.first, var entry = Self.entry(String(name), of: kind) else { continue }
      if words.count > 3 { entry.sum = Self.sum(words[3]) }
      entries.append(entry)
    }
    self.entries = entries
  }

  private static func entry(_ name: String, of kind: Kind) -> Entry? {
    switch kind {
    case .otp:
      guard name.hasPrefix("OTP-"), let version = ToolVersion(name.dropFirst(4)) else {
        return nil
      }
      return Entry(name: name, version: version)
    case .elixir:
      // `v1.14-otp-25` is a branch.
      guard name.hasPrefix("v"), let mark = name.firstRange(of: "-otp-"),
        let otp = ToolVersion(name[mark.upperBound...]), otp.numbers.count == 1,
        let version = ToolVersion(name[..<mark.lowerBound].dropFirst()), version.numbers.count > 2
      else { return nil }
      return Entry(name: name, version: version, otp: otp.major)
    }
  }

  private static func sum(_ text: Substring) -> String? {
    let sum = text.lowercased()
    return Hex.decode(sum)?.count == 32 ? sum : nil
  }
}

extension BuildList {
  /// The entries that fit, the newest first. Without a requirement every release fits. Entries without a checksum count only
  /// if there are no others.
  func candidates(_ required: VersionRequirement?) -> [Entry] {
    let fitting = entries.filter { entry in
      required?.matches(entry.version) ?? (entry.version.candidate == nil)
    }
    let verifiable = fitting.filter { $0.sum != nil }
    return (verifiable.isEmpty ? fitting : verifiable).sorted { $0.version > $1.version }
  }

  /// The two releases before and the two after a missing one, in their order.
  func nearest(to version: ToolVersion) -> [String] {
    let releases = Set(entries.map(\.version).filter { $0.candidate == nil }).sorted()
    let below = releases.filter { $0 < version }.suffix(2)
    let above = releases.filter { $0 > version }.prefix(2)
    return (below + above).map(\.description)
  }
}
