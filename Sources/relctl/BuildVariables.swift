import CommandLine
import ConfigStore
import DiskReserve
import Events
import Posix
import Redaction

/// The variables that a build gets: as files of an ENV_DIR, which keep what is secret out of the output, and as the
/// environment of `relpack`.
struct BuildVariables {
  /// Those of ENV_DIR.
  private(set) var config = ConfigSet()
  /// Those of relctl's own environment that a build needs and that are no secrets.
  let environment: [String: String]

  static let options = [
    Option(
      "--env", value: "NAME[=VALUE]",
      "a variable for the build; NAME alone takes its value from this environment"),
    Option("--env-file", value: "FILE", "variables for the build, a NAME=VALUE a line"),
  ]

  /// What is said last goes first: `--env`, `--env-file`, what the app keeps, this environment.
  init(_ call: Call, app: String?) throws(Cause) {
    let passed = call.context.environment.filter { Self.isPassed($0.key) }
    environment = passed.filter { !Self.isSecret($0.key) }
    for (name, value) in passed
    where Self.isSecret(name) || !URLLogin(in: value).secrets.isEmpty {
      config.set(name, to: value)
    }
    if let app { take(try BuildConfig(home: call.home(), app: app).load()) }
    for file in call.arguments.allValues["--env-file"] ?? [] {
      take(ConfigSet(try Self.read(file, call.context)))
    }
    for word in call.arguments.allValues["--env"] ?? [] { try take(word, call.context) }
  }

  private mutating func take(_ set: ConfigSet) {
    for (name, value) in set.values {
      config.set(name, to: value, isSecret: set.secret.contains(name))
    }
  }

  private mutating func take(_ word: String, _ context: Context) throws(Cause) {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    try ConfigStore.check(name: name)
    guard let value = parts.count == 2 ? String(parts[1]) : context.environment[name] else {
      throw Cause(
        .usage, "'\(name)' is not set in this environment",
        remedy: "Set it there; or write --env \(name)=VALUE for what is not secret.")
    }
    config.set(name, to: value)
  }

  private static func read(_ file: String, _ context: Context) throws(Cause) -> [String: String] {
    let path = context.absolute(file)
    guard Files.isFile(path) else {
      throw Cause(.sourceMissing, "cannot read '\(file)': there is no such file")
    }
    let bytes: [UInt8]
    do throws(PosixError) {
      bytes = try Files.read(path, limit: EnvironmentFile.greatestSize)
    } catch { throw Cause(error) }
    return try EnvironmentFile.values(in: bytes, called: file)
  }

  /// Makes them the files of an ENV_DIR that only its owner can enter.
  func write(to folder: String) throws(Cause) {
    do throws(PosixError) {
      try Files.makeFolder(folder)
      for (name, value) in config.values {
        try File.open(folder + "/" + name, .create).write(value)
      }
    } catch { throw Cause(error) }
  }
}

// MARK: - What of relctl's environment is handed on

extension BuildVariables {
  private static let names: Set<String> = [
    "PATH", "HOME", "LANG", "RELEASE_NAME", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "MIX_HOME", "MIX_REBAR3", "GIT_SSH_COMMAND",
    "SSH_AUTH_SOCK",
  ]
  private static let proxies: Set<String> = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"]
  private static let families = ["RELPACK_", "HEX_", "NPM_CONFIG_", "GIT_CONFIG_"]

  private static func isPassed(_ name: String) -> Bool {
    let upper = name.uppercased()
    // npm and curl know some in small letters.
    let isKnown =
      names.contains(name) || proxies.contains(upper)
      || families.contains { name.hasPrefix($0) || $0 == "NPM_CONFIG_" && upper.hasPrefix($0) }
    return isKnown && ConfigStore.isName(name)
  }

  /// Whether a name says that its value lets somebody in.
  private static func isSecret(_ name: String) -> Bool {
    let upper = name.uppercased()
    return ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD"].contains { upper.contains($0) }
      || upper.hasSuffix("_AUTH")
      // git's own way to give a header or a URL with a token.
      || upper.hasPrefix("GIT_CONFIG_VALUE_") || upper == "GIT_CONFIG_PARAMETERS"
  }
}

extension Call {
  /// - Throws: where variables are given for what is not built.
  func refuseBuildVariables(for name: String) throws(Cause) {
    let options = BuildVariables.options.map(\.name)
    if let option = options.first(where: { arguments.allValues[$0] != nil }) {
      throw Cause(
        .usage, "'\(option)' has no use: '\(name)' is not built, but taken as it is",
        remedy: "Config vars for its runs are set with: relctl config APP set NAME=VALUE")
    }
  }
}
