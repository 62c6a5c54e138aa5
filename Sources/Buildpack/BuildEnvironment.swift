import Posix

/// The environment that the tools of a build see.
struct BuildEnvironment {
  /// The app's config vars: what the platform put into ENV_DIR.
  let config: [String: String]
  let variables: [String: String]

  /// Config vars that would break the tools. Source: Heroku, "Buildpack API".
  static let refused: Set<String> = [
    "PATH", "GIT_DIR", "CPATH", "CPPATH", "LD_PRELOAD", "LIBRARY_PATH",
  ]

  /// - Parameters:
  ///   - inherited: the platform's own variables.
  ///   - tools: the folder where mix and Hex keep what they install.
  ///   - build: the folder that mix compiles into, so that no stale `_build` is ever used.
  init(inherited: [String: String], config: [String: String], tools: String, build: String) {
    self.config = config
    var variables = inherited.filter { name, _ in
      name != "RELTUI_HOME" && !name.hasPrefix("RELPACK_") && !name.hasPrefix("LC_")
    }
    variables.merge(config.filter { !Self.refused.contains($0.key) }) { $1 }
    variables["MIX_ENV"] = config["MIX_ENV"].flatMap { $0.isEmpty ? nil : $0 } ?? "prod"
    variables["LANG"] = "C.UTF-8"
    variables["MIX_HOME"] = tools + "/mix"
    variables["HEX_HOME"] = tools + "/hex"
    variables["MIX_BUILD_PATH"] = build
    if variables["HOME", default: ""].isEmpty { variables["HOME"] = tools }
    self.variables = variables
  }

  /// Reads ENV_DIR: a file per variable, whose bytes are the value as they are.
  static func readConfig(_ folder: String?) throws(BuildFailure) -> [String: String] {
    guard let folder else { return [:] }
    var config: [String: String] = [:]
    do throws(PosixError) {
      for name in try Files.list(folder) where isVariableName(name) {
        let path = folder + "/" + name
        if Files.isFolder(path) { continue }
        config[name] = String(decoding: try Files.read(path, limit: 1 << 20), as: UTF8.self)
      }
    } catch {
      // The folder may be named and not be there: an app without config vars.
      if error.errno == .noSuchFile { return [:] }
      throw .unreadable(error)
    }
    return config
  }

  /// Whether the config vars ask for the build's events to travel inside the slug.
  static func recordTravels(_ config: [String: String]) throws(BuildFailure) -> Bool {
    switch config["RELPACK_RECORD"] {
    case nil, "": return false
    // `echo slug > ENV_DIR/RELPACK_RECORD` leaves a newline.
    case "slug", "slug\n": return true
    default: throw .config("RELPACK_RECORD", allowed: "slug")
    }
  }

  private static func isVariableName(_ name: String) -> Bool {
    guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
    return name.utf8.allSatisfy {
      (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 95
    }
  }
}
