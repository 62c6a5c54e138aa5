import HomeLayout
import JSONText

/// The name of an app: a lower-case letter, then letters, digits and dashes, at most 30.
///
/// It serves as a folder's name, a label of a host name (RFC 1123) and part of a node's name, so it
/// must be valid as each of them.
public enum AppName {
  public static let longest = 30

  public static func isValid(_ name: String) -> Bool {
    guard let first = name.utf8.first, name.utf8.count <= longest, isLetter(first) else {
      return false
    }
    return name.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
      && name.utf8.last != UInt8(ascii: "-")
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte) }
  private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
}

/// A place in an app's formation: `web.1`.
public struct InstanceName: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let process: String
  public let index: Int

  public init(_ process: String, _ index: Int) {
    (self.process, self.index) = (process, index)
  }

  public init?(_ text: String) {
    guard let dot = text.utf8.firstIndex(of: UInt8(ascii: ".")) else { return nil }
    let (process, digits) = (String(text[..<dot]), text.utf8[dot...].dropFirst())
    guard (1...4).contains(digits.count), digits.first != UInt8(ascii: "0"),
      digits.allSatisfy({ (48...57).contains($0) }), ProcessType.isValid(process)
    else { return nil }
    self.init(process, digits.reduce(0) { $0 * 10 + Int($1 - 48) })
  }

  public var description: String { "\(process).\(index)" }

  /// `web` sorts before all others because operators look for it first.
  public static func < (left: InstanceName, right: InstanceName) -> Bool {
    if left.process == right.process { return left.index < right.index }
    return ProcessType.precedes(left.process, right.process)
  }
}

extension InstanceName: TextCoded {}
extension Timestamp: TextCoded {}

/// The process types that a Procfile names.
public enum ProcessType {
  public static let web = "web"
  /// Heroku's release phase: runs once before a release becomes current.
  public static let release = "release"

  /// Commands of app.json's `scripts` that run once for a preview: after it is made, and before it is closed.
  public static let postdeploy = "postdeploy"
  public static let predestroy = "pr-predestroy"
  public static let scripts = [postdeploy, predestroy]

  /// Whether a run of it does its work once and ends.
  public static func runsOnce(_ process: String) -> Bool {
    process == release || scripts.contains(process)
  }

  /// Whether a new run may work beside the old one. Only `web` may, because its requests come
  /// through a port of its own; two workers would do the same work twice.
  public static func mayRunTwice(_ process: String) -> Bool { process == web }

  /// Whether the name has only letters, digits, `_` and `-`, as Heroku's Procfile article requires.
  public static func isValid(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 30
      && name.utf8.allSatisfy {
        (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 45
          || $0 == 95
      }
  }

  static func precedes(_ left: String, _ right: String) -> Bool {
    if left == web || right == web { return left == web && right != web }
    return left < right
  }
}

/// The number of a release in its app's ledger, `v1` and up.
public struct ReleaseNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let value: Int

  private static let greatest = 999_999_999

  public init(_ value: Int) { self.value = value }

  /// Reads `v12` or `12`.
  public init?(_ text: String) {
    guard let value = Int(text.hasPrefix("v") ? text.dropFirst() : text[...]),
      (1...Self.greatest).contains(value)
    else { return nil }
    self.init(value)
  }

  public var description: String { "v\(value)" }
  public static func < (left: ReleaseNumber, right: ReleaseNumber) -> Bool {
    left.value < right.value
  }
}

extension ReleaseNumber: TextCoded {}

/// A release of a named app: `staging/v12`.
public struct AppRelease: Hashable, Sendable, CustomStringConvertible {
  public let app: String
  public let release: ReleaseNumber

  public init(app: String, release: ReleaseNumber) { (self.app, self.release) = (app, release) }

  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, AppName.isValid(parts[0]), let release = ReleaseNumber(parts[1])
    else { return nil }
    self.init(app: parts[0], release: release)
  }

  public var description: String { "\(app)/\(release)" }

  /// In a sentence: `staging v12`.
  public var words: String { "\(app) \(release)" }
}

extension AppRelease: TextCoded {}

/// The name of a run's node. It is unique on the host, so that two runs can be alive at once.
public enum RunNodeName {
  /// The name of a new run's node.
  /// - Parameter secret: what no other user can guess. Any program may register a name with epmd, and would keep the
  ///   node from starting.
  public static func of(app: String, instance: InstanceName, secret: String) -> String {
    "\(app)-\(instance.process)-\(instance.index)-\(secret)@127.0.0.1"
  }

  /// The name of a run whose `instance.starting` has none; older versions wrote such events.
  public static func of(app: String, instance: InstanceName, run: UInt64) -> String {
    "\(app)-\(instance.process)-\(instance.index)-\(run)@127.0.0.1"
  }
}

/// The id of one build: 64 random bits as 16 lower-case hexadecimal digits.
public enum BuildID {
  public static func isValid(_ text: String) -> Bool {
    text.utf8.count == 16
      && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  }
}

/// The environment variable with the build's folder, by which a build's processes are known.
public enum BuildMark {
  public static let variable = "RELPACK_MARK"
}

public enum ConfigVar {
  /// The variables that the agent sets for every run; setting one of them as a config var is refused.
  public static let reserved: Set<String> = [
    "PORT", "HOME", "PATH", "RELEASE_NODE", "RELEASE_DISTRIBUTION", "RELEASE_COOKIE",
    "RELEASE_TMP", "ERL_EPMD_PORT", "ERL_EPMD_ADDRESS", "ERL_CRASH_DUMP", "DYNO",
    "RELTUI_APP", "RELTUI_INSTANCE", "RELTUI_RELEASE", "RELTUI_RUN",
  ]

  /// Whether every run has the variable: the agent, the shell or the release's start script sets it.
  public static func isGiven(_ name: String) -> Bool {
    reserved.contains(name) || others.contains(name) || name.hasPrefix("RELEASE_")
  }

  private static let others: Set<String> = [
    "LANG", "ERL_CRASH_DUMP_BYTES", "ERL_ZFLAGS", "VMARGS_PATH", "PWD", "ROOTDIR", "BINDIR", "EMU",
    "PROGNAME",
  ]
}
