import Posix

/// ENV_DIR: a folder with one file for each config var. The bytes of the file are the value.
public struct ConfigFolder: Sendable {
  public var values: [String: String] = [:]
  /// One line for each config var that no environment can hold.
  public var warnings: [String] = []

  /// The greatest size in bytes of one string of an environment, with name and `=`: execve(2), MAX_ARG_STRLEN.
  private static let longest = 128 << 10

  init() {}

  public init(_ path: String?) throws(BuildFailure) {
    guard let path else { return }
    do throws(PosixError) {
      for name in try Files.list(path, skippingOthers: true) where Self.isName(name) {
        try take(name, path + "/" + name)
      }
    } catch {
      // For an app without config vars a platform may name a folder that does not exist.
      if error.errno != .noSuchFile { throw .unreadable(error) }
    }
  }

  /// The config vars, and the build's settings in the environment. Config vars take precedence.
  public func steering(_ environment: [String: String]) -> [String: String] {
    environment.filter { BuildSettings.names.contains($0.key) }.merging(values) { $1 }
  }

  /// Treats the key for debug information as a config var even if it is in the environment, so that it is masked.
  mutating func takeKey(from environment: [String: String]) {
    let name = "RELPACK_DEBUG_INFO_KEY"
    if let key = environment[name], values[name] == nil { values[name] = key }
  }

  private mutating func take(_ name: String, _ path: String) throws(PosixError) {
    // Opening a named pipe would block.
    guard let real = try? Files.resolve(path), try Files.info(real)?.kind == .file else { return }
    let limit = Self.longest - name.utf8.count - 2
    do throws(PosixError) {
      guard let value = String(validating: try Files.read(real, limit: limit), as: UTF8.self)
      else { return leaveOut(name, "it is not UTF-8") }
      if value.utf8.contains(0) { return leaveOut(name, "it holds a zero byte") }
      values[name] = value
    } catch {
      guard error.errno == .fileTooLarge else { throw error }
      leaveOut(name, "it is longer than a program's environment may be, 128 KiB")
    }
  }

  private mutating func leaveOut(_ name: String, _ reason: String) {
    warnings.append("the config var \(name) is left out of the build: \(reason)")
  }

  static func isName(_ name: String) -> Bool {
    guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
    return name.utf8.allSatisfy {
      (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 95
    }
  }
}
