import Posix

/// All that decides, beside the source, what a build makes.
struct CacheKey: Hashable, Sendable {
  struct Part: Hashable, Sendable {
    /// As people are told of it: `mix.lock`, `Elixir`.
    var name: String
    /// A version, or the digest of what must not be told.
    var value: String
  }

  /// In the order in which differences are told.
  var parts: [Part]
  /// The name of the part that is the lock file's digest. Without such a part nobody knows what would be fetched today,
  /// and nothing that was fetched is used again.
  var lock: String
  /// Variables whose values change from build to build, by name. One counts only where a file mentions it.
  var variables: [String: String]

  func value(_ name: String) -> String? { parts.first { $0.name == name }?.value }

  /// Digests of the values of variables and of git's state, for what is mentioned.
  func values(of mentioned: Set<String>, in source: String) -> [String: [UInt8]] {
    var values: [String: [UInt8]] = [:]
    for name in mentioned {
      let value = name == SourceDigests.git ? SourceDigests.gitState(of: source) : variables[name]
      values[name] = SHA256.digest(Array((value.map { "=" + $0 } ?? "").utf8))
    }
    return values
  }

  /// What differs from an older key, in words; empty where nothing does.
  func differences(from old: [Part]) -> [String] {
    var names = parts.map(\.name)
    names += old.map(\.name).filter { !names.contains($0) }
    return names.compactMap { name in
      let (before, now) = (old.first { $0.name == name }?.value, value(name))
      if before == now { return nil }
      guard let before, let now, Self.isFitToTell(before), Self.isFitToTell(now) else {
        return name + " changed"
      }
      return "\(name) \(before) → \(now)"
    }
  }

  /// A version is; a digest and what a hostile cache may hold are not.
  private static func isFitToTell(_ value: String) -> Bool {
    (1...24).contains(value.utf8.count) && value.utf8.allSatisfy { (33...126).contains($0) }
  }
}
