import Posix

/// What config vars say of the build itself.
public struct BuildSettings: Hashable, Sendable {
  public enum DebugInfo: String, CaseIterable, Sendable { case strip, keep, encrypt }

  /// One of them, for the reference page: its name, what it may be, what it does.
  public static let table: [(name: String, values: String, meaning: String)] = [
    (
      "RELPACK_RELEASES", "names, or all",
      "which OTP releases of several; two and more share the slug"
    ),
    (
      "RELEASE_NAME", "as RELPACK_RELEASES",
      "the same, where that is not set; each release starts under its own name all the same"
    ),
    ("MIX_ENV", "any; prod without it", "as mix has it; rebar3 builds its profile prod"),
    (
      "RELPACK_FOLDER", "a folder",
      "where in the source the project is, if neither at its top nor alone in a subfolder"
    ),
    (
      "RELPACK_REHEARSAL", RehearsalChoice.allCases.map(\.rawValue).joined(separator: ", "),
      "whether the slug is booted at the end of the build, and what becomes of one that cannot"
    ),
    ("RELPACK_CACHE", "on, off", "whether what earlier builds left is used"),
    (
      "RELPACK_DEBUG_INFO", DebugInfo.allCases.map(\.rawValue).joined(separator: ", "),
      "what becomes of the debug information in the code; without it: strip"
    ),
    (
      "RELPACK_DEBUG_INFO_KEY", "any", "with what it is encrypted: beam_lib(3), debug_info_key"
    ),
    (
      "RELPACK_TIME_LIMIT", "minutes",
      "when the platform ends a build; on Heroku's stacks 15 without it"
    ),
    (
      "RELPACK_TOOLCHAIN_URL", "https:, http: or file:",
      "where Erlang and Elixir are fetched from, laid out as builds.hex.pm is"
    ),
    ("RELPACK_RECORD", "slug", "the build's events travel inside the slug"),
    (
      "RELPACK_PUBLIC", "names of config vars, or all",
      "whose values may be in the slug: no refusal and no warning"
    ),
  ]

  /// What may be set in the environment of the build too; a platform's own MIX_ENV is for its tools.
  static let names = Set(table.map(\.name)).subtracting(["MIX_ENV"])

  /// Those that change what is compiled, or what a slug may hold.
  static let compiling: Set<String> = [
    "RELPACK_RELEASES", "RELEASE_NAME", "RELPACK_FOLDER", "RELPACK_DEBUG_INFO",
    "RELPACK_DEBUG_INFO_KEY", "RELPACK_PUBLIC",
  ]

  /// A line for each config var that looks like one of these and is none.
  static func warnings(_ config: [String: String]) -> [String] {
    config.keys.filter { $0.hasPrefix("RELPACK_") && !names.contains($0) }.sorted().map {
      "the config var \($0) is not known; see the names in: relpack compile --help"
    }
  }

  /// How the slug is rehearsed.
  public enum RehearsalChoice: String, CaseIterable, Sendable {
    case off, warn, fail, network, real
  }

  /// Names of the OTP releases to be built; empty where nobody chose.
  public var releases: [String]
  public var environment: String
  public var folder: String?
  public var rehearsal: RehearsalChoice
  public var usesCache: Bool
  public var debugInfo: DebugInfo
  /// Set where the debug information is to be encrypted.
  public var debugInfoKey: String?
  /// Milliseconds that the platform gives a build; nil for any number.
  public var timeLimit: Int64?
  public var toolchainURL: String?
  public var recordTravels: Bool
  /// Names of config vars whose values may be in the slug; `all` is one too.
  public var publicNames: Set<String>

  /// - Parameters:
  ///   - stack: the platform's `STACK`.
  ///   - usualEnvironment: `MIX_ENV` where the config vars don't say.
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
    rehearsal = try choice("RELPACK_REHEARSAL", else: .warn)
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

  /// The config vars whose values are looked for in the slug. What steers the build is no secret, but for a key.
  func mayLeak(_ config: [String: String]) -> [String: String] {
    if publicNames.contains("all") { return [:] }
    let steering = Set(Self.table.map(\.name)).subtracting(["RELPACK_DEBUG_INFO_KEY"])
    return config.filter { !publicNames.contains($0.key) && !steering.contains($0.key) }
  }

  private enum Switch: String, CaseIterable { case on, off }

  /// Whether the events are to be carried inside the slug; asked before anything else can fail.
  static func recordTravels(_ config: [String: String]) throws(BuildFailure) -> Bool {
    switch config["RELPACK_RECORD"] {
    case nil, "": return false
    case "slug", "slug\n": return true
    default: throw .config("RELPACK_RECORD", allowed: "slug")
    }
  }
}
