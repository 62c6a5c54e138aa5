import DiskReserve
import Events
import HomeLayout
import JSONText
import Posix
import Redaction

/// The sets of config vars of one app. Each set is one immutable file, named by a keyed digest, which reveals nothing
/// about the values.
public struct ConfigSets: Sendable {
  private let home: Home
  private let folder: AppFolder

  public init(home: Home, app: String) {
    self.home = home
    folder = home.app(app)
  }

  /// The content of a file; `secret` is missing if no variable is marked as secret.
  private struct Content: Codable {
    var format = HomeFormat.current
    var values: [String: String]
    var secret: [String]?

    init(_ set: ConfigSet) {
      values = set.values
      secret = set.secret.isEmpty ? nil : set.secret.sorted()
    }

    var set: ConfigSet { ConfigSet(values, secret: secret ?? []) }
  }

  /// Stores a set, which is durable when this returns.
  public func save(_ set: ConfigSet) throws(Cause) -> String {
    let bytes = JSON.encode(Content(set))
    do throws(PosixError) {
      let digest = Hex.encode(SHA256.authenticate(bytes, key: try key()))
      try Files.makeFolder(folder.configs)
      let path = folder.config(digest)
      if try !Files.createIfMissing(path, with: bytes), try Files.read(path) != bytes {
        // The file is damaged; storing the set again repairs it, as the remedy of `load` says.
        try Files.replace(path, with: bytes)
      }
      // A set that was there needs this too: the process that saved it may have been killed before it did this.
      try ConfigMark(home).move()
      return digest
    } catch { throw Cause(error, as: .homeUnwritable) }
  }

  /// The set with a digest, which is checked against its content.
  public func load(_ digest: String) throws(Cause) -> ConfigSet {
    let damaged = Cause(
      .configDamaged, "the config vars \(digest.prefix(12)) are not what was stored",
      remedy: "Set them again: relctl config APP set …")
    guard Self.isDigest(digest) else { throw damaged }
    let (bytes, key): ([UInt8], [UInt8])
    do throws(PosixError) {
      bytes = try Files.read(folder.config(digest), limit: Self.longest)
      key = try self.key()
    } catch { throw error.errno == .noSuchFile ? damaged : Cause(error) }
    guard Hex.encode(SHA256.authenticate(bytes, key: key)) == digest,
      let content = try? JSON.decode(Content.self, from: bytes)
    else { throw damaged }
    guard content.format <= HomeFormat.current else {
      throw Cause(
        .formatNewer, "the config vars \(digest.prefix(12)) have format \(content.format)")
    }
    return content.set
  }

  private static let longest = 16 << 20

  private static func isDigest(_ name: String) -> Bool {
    name.utf8.count == 64 && name.allSatisfy(\.isHexDigit)
  }

  /// - Returns: nil if the name is not that of a set.
  static func id(of digest: String) -> SetID? {
    isDigest(digest) ? SetID(digest.prefix(16), radix: 16) : nil
  }

  /// The content of a file without a check against its digest: enough to know which values must be masked.
  func unchecked(_ digest: String) -> ConfigSet? {
    guard Self.isDigest(digest),
      let bytes = try? Files.read(folder.config(digest), limit: Self.longest)
    else { return nil }
    return (try? JSON.decode(Content.self, from: bytes))?.set
  }

  private func key() throws(PosixError) -> [UInt8] {
    if let key = try Files.readIfThere(home.secret, limit: 64) { return key }
    try Files.makeFolder(home.root)
    _ = try Files.createIfMissing(home.secret, with: Random.bytes(32))
    return try Files.read(home.secret, limit: 64)
  }

  /// Whether a text can be the name of an environment variable: letters, digits and `_`, no digit first.
  public static func isName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 128 && !(48...57).contains(name.utf8.first ?? 48)
      && name.utf8.allSatisfy {
        (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 95
      }
  }

  /// Whether a text can be the name of a config var that an app may have.
  public static func check(name: String, reserved: Set<String> = []) throws(Cause) {
    if !isName(name) {
      throw Cause(
        .configName, "'\(name)' cannot be the name of a config var",
        remedy: "Use letters, digits and '_', a letter first.")
    }
    if reserved.contains(name) {
      throw Cause(
        .configName, "'\(name)' is set by reltui for each run and cannot be a config var",
        remedy: name == "PORT"
          ? "Listen on the PORT your run is given; relctl ps shows it."
          : "Use a variable of your own and read it in config/runtime.exs.")
    }
  }

  /// The most bytes of one variable, with its name, `=` and the zero at its end: MAX_ARG_STRLEN. execve(2)
  private static let longestVariable = 131_072
  /// The most bytes of all variables: half of what the kernel allows for arguments and environment with the usual stack
  /// of 8 MiB.
  private static let longestEnvironment = 1 << 20

  /// Whether a program can be started with the variables in its environment.
  public static func check(sizes set: ConfigSet) throws(Cause) {
    let sizes = set.values.mapValues(\.utf8.count).map {
      ($0.key, $0.key.utf8.count + $0.value + 2)
    }
    guard let (name, size) = sizes.max(by: { $0.1 < $1.1 }) else { return }
    let total = sizes.map(\.1).reduce(0, +)
    if size <= longestVariable, total <= longestEnvironment { return }
    throw Cause(
      .configTooLarge,
      size > longestVariable
        ? "\(name) has \(size) bytes; the kernel allows \(longestVariable) for one variable"
        : "the config vars have \(total) bytes together, \(name) the most; \(longestEnvironment) are allowed",
      remedy: "Keep large values in a file or a service, and a path or key in the config var.")
  }
}
