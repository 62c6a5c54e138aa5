import Posix

struct BuildEnvironment {
  var variables: [String: String]

  /// Config vars that would break the tools. Source: Heroku, "Buildpack API".
  static let refused: Set<String> = [
    "PATH", "GIT_DIR", "CPATH", "CPPATH", "LD_PRELOAD", "LIBRARY_PATH",
  ]

  /// - Parameters:
  ///   - programs: folders that come first in `PATH`.
  ///   - tools: the folder for the files that mix, Hex and rebar3 install.
  ///   - work: the work folder, with the paths that the tools see; nil if they work in the source itself.
  ///   - temporary: a folder that no other build uses.
  init(
    inherited: [String: String], config: [String: String], settings: BuildSettings,
    programs: [String], tools: String, work: WorkFolder?, temporary: String
  ) {
    var variables = inherited.filter { Self.isPassed($0.key) }
    variables.merge(config.filter { Self.isPassed($0.key) && !Self.refused.contains($0.key) }) {
      $1
    }
    variables["PATH"] =
      (programs + [inherited["PATH"] ?? Invocation.standardPath]).joined(separator: ":")
    variables["MIX_ENV"] = settings.environment
    variables["LANG"] = "C.UTF-8"
    variables["TMPDIR"] = temporary
    variables["HEX_HOME"] = tools + "/hex"
    (variables["MIX_BUILD_PATH"], variables["REBAR_BASE_DIR"]) = (work?.build, work?.build)
    variables["REBAR_CACHE_DIR"] = tools + "/rebar3"
    variables["REBAR_COLOR"] = "none"
    if !variables.keys.contains(where: { $0.lowercased() == "npm_config_cache" }) {
      variables["npm_config_cache"] = tools + "/npm"
    }
    variables["MIX_REBAR3"] = variables["MIX_REBAR3"] ?? Self.rebar3(variables)
    // Tests need the source paths that `deterministic` removes.
    if work != nil {
      variables["ERL_COMPILER_OPTIONS"] = Self.compilerOptions(
        variables["ERL_COMPILER_OPTIONS"], settings)
    }
    // Files that tools write to HOME, such as a token of git, must not be kept.
    if variables["HOME", default: ""].isEmpty { variables["HOME"] = work?.home ?? tools }
    // An image with Hex has it in MIX_HOME or else in ~/.mix.
    let home = inherited["MIX_HOME"] ?? (inherited["HOME"] ?? "") + "/.mix"
    variables["MIX_HOME"] = Files.isFolder(home + "/archives") ? home : tools + "/mix"
    self.variables = variables
  }

  /// mix looks for rebar3 in MIX_REBAR3 and in its own folder. Without the variable it would fetch a second rebar3 although
  /// PATH has one.
  private static func rebar3(_ variables: [String: String]) -> String? {
    try? Invocation(["rebar3"], environment: variables).program()
  }

  private static func isPassed(_ name: String) -> Bool {
    name != "RELTUI_HOME" && !name.hasPrefix("RELPACK_") && !name.hasPrefix("LC_")
  }

  /// Adds the option `deterministic`, which keeps paths of the build out of compiled code: compile(3). The variable's
  /// own Erlang term is a list or one option.
  private static func compilerOptions(_ own: String?, _ settings: BuildSettings) -> String {
    var options = ["deterministic"]
    if let key = settings.debugInfoKey, settings.debugInfo == .encrypt {
      options.append("{debug_info_key,\(erlangString(key))}")
    }
    guard let own, own.contains(where: { !$0.isWhitespace }) else {
      return "[\(options.joined(separator: ","))]"
    }
    let isList = own.first { !$0.isWhitespace } == "["
    return "[\(options.joined(separator: ","))|\(isList ? own : "[\(own)]")]"
  }

  private static func erlangString(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }

  /// Variables that platforms set anew for each build. A change of one invalidates the cache only if a file names it.
  static let perBuild = [
    "SOURCE_VERSION", "GIT_REV", "REQUEST_ID", "HEROKU_SLUG_COMMIT", "HEROKU_BUILD_COMMIT",
    "HEROKU_SLUG_DESCRIPTION", "HEROKU_RELEASE_VERSION", "HEROKU_RELEASE_CREATED_AT",
    "DOKKU_APP_RESTORE", "DYNO",
  ]
}
