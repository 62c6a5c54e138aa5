import Events

/// A version of a tool that the project requires, and the line that requires it.
public struct VersionRequirement: Hashable, Sendable {
  public var text: String
  public var version: ToolVersion
  /// For Elixir, the OTP for which it is compiled: 25 of `1.14.5-otp-25`.
  public var otp: Int?
  public var place: FilePlace

  /// Whether it means one version: it has three numbers or more, or a candidate's name. Otherwise every release that begins
  /// with the numbers fits.
  public var isExact: Bool { version.numbers.count >= 3 || version.candidate != nil }

  public func matches(_ other: ToolVersion) -> Bool {
    if isExact { return other == version }
    return other.candidate == nil && other.numbers.starts(with: version.numbers)
  }

  enum Reading: Hashable {
    case version(VersionRequirement)
    /// A word without a number, such as `latest`, and why it is ignored.
    case none(String)
  }

  /// - Throws: `RT-BUILD-FILE` for any other word.
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
        "\(tool): '\(text.prefix(40))' is not a version",
        remedy: "Write numbers, as 1.14.5, or 1.14 for any release of 1.14.")
    }
    return .version(VersionRequirement(text: plain, version: version, otp: otp, place: place))
  }

  private static func unnumbered(_ text: String) -> String? {
    switch text {
    case "system": return "the image's version is used if it fits"
    case "latest", "stable", "lts": return "'\(text)' is not a version; write the number"
    default: break
    }
    for prefix in [
      "ref:", "path:", "sub-", "branch ", "prefix:", "latest:", "lts", "main", "master",
    ]
    where text.hasPrefix(prefix) {
      return "'\(text.prefix(40))' is not supported; write the number of a release"
    }
    return nil
  }
}
