import Events

/// A version that people asked for, with where they did.
public struct VersionWish: Hashable, Sendable {
  /// What was written, without a leading `v`.
  public var text: String
  public var version: ToolVersion
  /// For Elixir, the OTP it is to be compiled for: 25 of `1.14.5-otp-25`.
  public var otp: Int?
  public var place: FilePlace

  /// Three numbers or more, or a candidate, are one version; fewer are any release that begins with them.
  public var isExact: Bool { version.numbers.count >= 3 || version.candidate != nil }

  public func matches(_ other: ToolVersion) -> Bool {
    if isExact { return other == version }
    return other.candidate == nil && other.numbers.starts(with: version.numbers)
  }

  /// What a word in such a file asks for.
  enum Reading: Hashable {
    case version(VersionWish)
    /// Something that has no number, as `latest`: why it is no wish.
    case none(String)
  }

  /// - Throws: `RT-BUILD-FILE` for what is neither.
  static func read(_ text: String, of tool: String, at place: FilePlace) throws(Cause) -> Reading {
    if let reason = unnumbered(text) { return .none(reason) }
    let plain = text.hasPrefix("v") ? String(text.dropFirst()) : text
    var (number, otp) = (plain, Int?.none)
    if let mark = plain.firstRange(of: "-otp-") {
      otp = ToolVersion(plain[mark.upperBound...])?.major
      number = otp == nil ? "" : String(plain[..<mark.lowerBound])
    }
    guard let version = ToolVersion(number) else {
      throw place.refusal(
        "\(tool): '\(text.prefix(40))' is no version",
        remedy: "Write numbers, as 1.14.5, or 1.14 for any release of 1.14.")
    }
    return .version(VersionWish(text: plain, version: version, otp: otp, place: place))
  }

  private static func unnumbered(_ text: String) -> String? {
    switch text {
    case "system": return "what the image has is taken where it fits"
    case "latest", "stable", "lts": return "'\(text)' is no version; write the number"
    default: break
    }
    for prefix in [
      "ref:", "path:", "sub-", "branch ", "prefix:", "latest:", "lts", "main", "master",
    ]
    where text.hasPrefix(prefix) {
      return "'\(text.prefix(40))' cannot be had; write the number of a release"
    }
    return nil
  }
}
