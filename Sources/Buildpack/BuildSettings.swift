/// How the slug is booted at the end of the build.
public enum BootCheckMode: String, CaseIterable, Sendable { case off, warn, fail, network, real }

/// The settings of a build, read from config vars.
public struct BuildSettings: Hashable, Sendable {
  public enum DebugInfo: String, CaseIterable, Sendable { case strip, keep, encrypt }

  /// Every setting with its allowed values and its effect. The reference page is made from this.
  public static let table: [(name: String, values: String, meaning: String)] = [
    (
      "RELPACK_RELEASES", "names, or all",
      "which OTP releases of several; two and more share the slug"
    ),
    (
      "RELEASE_NAME", "as RELPACK_RELEASES",
      "the same, if that is not set; each release still starts under its own name"
    ),
    ("MIX_ENV", "any; prod by default", "mix's environment; rebar3 always builds its profile prod"),
    (
      "RELPACK_FOLDER", "a folder",
      "the project's folder in the source, if it is neither the top nor the only project below it"
    ),
    (
      bootCheckNames[0], BootCheckMode.allCases.map(\.rawValue).joined(separator: ", "),
      "whether the build boots the slug at its end, and whether a failed boot fails the build; "
        + "warn by default"
    ),
    (bootCheckNames[1], "as RELPACK_BOOT_CHECK", "an older name for it, used if that is not set"),
    ("RELPACK_CACHE", "on, off", "whether the build uses results of earlier builds"),
    (
      "RELPACK_DEBUG_INFO", DebugInfo.allCases.map(\.rawValue).joined(separator: ", "),
      "whether compiled code keeps its debug information; strip by default"
    ),
    (
      "RELPACK_DEBUG_INFO_KEY", "any", "the key that encrypts it: beam_lib(3), debug_info_key"
    ),
    (
      "RELPACK_TIME_LIMIT", "minutes",
      "how long the platform lets a build run; 15 by default on Heroku's stacks"
    ),
    (
      "RELPACK_TOOLCHAIN_URL", "https:, http: or file:",
      "where to fetch Erlang and Elixir from, with the layout of builds.hex.pm"
    ),
    ("RELPACK_RECORD", "slug", "write the build's events into the slug"),
    (
      "RELPACK_PUBLIC", "names of config vars, or all",
      "config vars whose values may be in the slug without a refusal or a warning"
    ),
  ]

  /// The name of the setting for the boot check, and its older name, which is used if the first is not set.
  static let bootCheckNames = ["RELPACK_BOOT_CHECK", "RELPACK_REHEARSAL"]

  /// Settings that may also be in the environment of the build. A platform sets MIX_ENV there for its own tools.
  static let names = Set(table.map(\.name)).subtracting(["MIX_ENV"])

  /// Settings that change what is compiled, or what a slug may hold.
  static let compiling: Set<String> = [
    "RELPACK_RELEASES", "RELEASE_NAME", "RELPACK_FOLDER", "RELPACK_DEBUG_INFO",
    "RELPACK_DEBUG_INFO_KEY", "RELPACK_PUBLIC",
  ]

  /// One line for each config var whose name begins with `RELPACK_` and is not a setting.
  static func warnings(_ config: [String: String]) -> [String] {
    config.keys.filter { $0.hasPrefix("RELPACK_") && !names.contains($0) }.sorted().map {
      "the config var \($0) is not known; see the names in: relpack compile --help"
    }
  }

  /// Names of the OTP releases to build; empty if no setting names any.
  public var releases: [String]
  public var environment: String
  public var folder: String?
  public var bootCheck: BootCheckMode
  public var usesCache: Bool
  public var debugInfo: DebugInfo
  public var debugInfoKey: String?
  /// Milliseconds that the platform gives a build; nil for no limit.
  public var timeLimit: Int64?
  public var toolchainURL: String?
  public var recordTravels: Bool
  /// Names of config vars whose values may be in the slug, or `all`.
  public var publicNames: Set<String>

  /// - Parameter usualEnvironment: `MIX_ENV` if the config vars do not set it.
  public init(
    config: [String: String], stack: String?, usualEnvironment: String = "prod"
  ) throws(BuildFailure) {
    /// `echo off > ENV_DIR/NAME` leaves a newline.
    func text(_ name: String) -> String? {
      let value = (config[name] ?? "").split(whereSeparator: \.isWhitespace).joined(separator: " ")
      return value.isEmpty ? nil : value
    }
    func choice<Choice: RawRepresentable & CaseIterable>(_ name: String, else usual: Choice)
      throws(BuildFailure) -> Choice where Choice.RawValue == String
    {
      guard let text = text(name) else { return usual }
      guard let choice = Choice(rawValue: text) else {
        throw .config(name, allowed: Choice.allCases.map(\.rawValue).joined(separator: ", "))
      }
      return choice
    }
    func names(_ name: String) -> [String]? {
      text(name)?.split { $0 == " " || $0 == "," }.map(String.init)
    }
    releases = names("RELPACK_RELEASES") ?? names("RELEASE_NAME") ?? []
    publicNames = Set(names("RELPACK_PUBLIC") ?? [])
    environment = text("MIX_ENV") ?? usualEnvironment
    folder = text("RELPACK_FOLDER")
    let bootCheckName = Self.bootCheckNames.first { text($0) != nil } ?? Self.bootCheckNames[0]
    bootCheck = try choice(bootCheckName, else: .warn)
    usesCache = try choice("RELPACK_CACHE", else: Switch.on) == .on
    debugInfo = try choice("RELPACK_DEBUG_INFO", else: .strip)
    debugInfoKey = text("RELPACK_DEBUG_INFO_KEY")
    toolchainURL = text("RELPACK_TOOLCHAIN_URL")
    recordTravels = try Self.recordTravels(config)
    timeLimit = stack?.hasPrefix("heroku") == true ? 15 * 60_000 : nil
    if let limit = text("RELPACK_TIME_LIMIT") {
      guard let minutes = Int64(limit), (1...1440).contains(minutes) else {
        throw .config("RELPACK_TIME_LIMIT", allowed: "minutes, 1 to 1440")
      }
      timeLimit = minutes * 60_000
    }
    if debugInfo == .encrypt, debugInfoKey == nil {
      throw .config(
        "RELPACK_DEBUG_INFO", allowed: "strip, keep, or encrypt with RELPACK_DEBUG_INFO_KEY")
    }
  }

  /// The config vars whose values may not be in the slug. Of the settings, only RELPACK_DEBUG_INFO_KEY is secret.
  func mayLeak(_ config: [String: String]) -> [String: String] {
    if publicNames.contains("all") { return [:] }
    let steering = Set(Self.table.map(\.name)).subtracting(["RELPACK_DEBUG_INFO_KEY"])
    return config.filter { !publicNames.contains($0.key) && !steering.contains($0.key) }
  }

  private enum Switch: String, CaseIterable { case on, off }

  /// Whether the events are written into the slug. The setting is read first, so that later failures can be recorded.
  static func recordTravels(_ config: [String: String]) throws(BuildFailure) -> Bool {
    switch config["RELPACK_RECORD"] {
    case nil, "": return false
    case "slug", "slug\n": return true
    default: throw .config("RELPACK_RECORD", allowed: "slug")
    }
  }
}
