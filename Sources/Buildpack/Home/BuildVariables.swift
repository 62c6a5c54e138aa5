import Events
import Posix
import Redaction

/// The variables that a build for a home gets: as files of an ENV_DIR, whose values relpack masks in its output, and as
/// the environment of relpack.
public struct BuildVariables: Sendable {
  public private(set) var config = ConfigSet()
  /// The variables of the caller's environment that a build needs and that are not secret.
  let environment: [String: String]

  /// - Parameter inherited: the caller's environment. Only variables that a build needs are taken from it.
  public init(inherited: [String: String]) {
    let passed = inherited.filter { Self.isPassed($0.key) }
    environment = passed.filter { !Self.isSecret($0.key) }
    for (name, value) in passed
    where Self.isSecret(name) || !URLLogin(in: value).secrets.isEmpty {
      config.set(name, to: value)
    }
  }

  /// Those for code of a fork: what is needed to fetch and build, and nothing that may be secret.
  public static func forFork(_ inherited: [String: String]) -> BuildVariables {
    let others = ["GIT_CONFIG_", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "RELPACK_", "RELEASE_NAME"]
    var variables = BuildVariables(
      inherited: inherited.filter { entry in
        !others.contains { entry.key.hasPrefix($0) } && URLLogin(in: entry.value).secrets.isEmpty
      })
    variables.config = ConfigSet()
    return variables
  }

  /// Adds variables. They replace earlier ones of the same names.
  public mutating func take(_ set: ConfigSet) {
    for (name, value) in set.values {
      config.set(name, to: value, isSecret: set.secret.contains(name))
    }
  }

  /// Writes the files of an ENV_DIR, in a folder that only its owner can enter.
  func write(to folder: String) throws(Cause) {
    do throws(PosixError) {
      try Files.makeFolder(folder)
      for (name, value) in config.values {
        try File.open(folder + "/" + name, .create).write(value)
      }
    } catch { throw Cause(error) }
  }

  private static let names: Set<String> = [
    "PATH", "HOME", "LANG", "RELEASE_NAME", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "MIX_HOME", "MIX_REBAR3", "GIT_SSH_COMMAND",
    "SSH_AUTH_SOCK",
  ]
  private static let proxies: Set<String> = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"]
  private static let families = ["RELPACK_", "HEX_", "NPM_CONFIG_", "GIT_CONFIG_"]

  private static func isPassed(_ name: String) -> Bool {
    let upper = name.uppercased()
    // npm and curl also read lower-case names.
    let isKnown =
      names.contains(name) || proxies.contains(upper)
      || families.contains { name.hasPrefix($0) || $0 == "NPM_CONFIG_" && upper.hasPrefix($0) }
    return isKnown && ConfigFolder.isName(name)
  }

  /// Whether the name says that the value is a secret.
  private static func isSecret(_ name: String) -> Bool {
    let upper = name.uppercased()
    return ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD"].contains { upper.contains($0) }
      || upper.hasSuffix("_AUTH")
      // git takes a header or a URL with a token from these.
      || upper.hasPrefix("GIT_CONFIG_VALUE_") || upper == "GIT_CONFIG_PARAMETERS"
  }
}
