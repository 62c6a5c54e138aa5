import Posix

/// All inputs of a build besides the source.
struct CacheKey: Hashable, Sendable {
  struct Part: Hashable, Sendable {
    /// The name in messages: `mix.lock`, `Elixir`.
    var name: String
    /// A version, or the digest of a value that must not be shown.
    var value: String
  }

  /// In the order in which differences are listed.
  var parts: [Part]
  /// The name of the part with the lock file's digest. Without this part a new fetch may give other versions, so no
  /// fetched dependency is used again.
  var lock: String
  /// Variables whose values change from build to build, by name. One counts only if a file mentions it.
  var variables: [String: String]

  func value(_ name: String) -> String? { parts.first { $0.name == name }?.value }

  /// Digests of the values of the mentioned variables, and of git's state if that is mentioned.
  func values(of mentioned: Set<String>, in source: String) -> [String: [UInt8]] {
    var values: [String: [UInt8]] = [:]
    for name in mentioned {
      let value = name == SourceDigests.git ? SourceDigests.gitState(of: source) : variables[name]
      values[name] = SHA256.digest(Array((value.map { "=" + $0 } ?? "").utf8))
    }
    return values
  }

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

  /// Whether a value can be shown: a version can; a digest, or a strange text from an untrusted cache, cannot.
  private static func isFitToTell(_ value: String) -> Bool {
    (1...24).contains(value.utf8.count) && value.utf8.allSatisfy { (33...126).contains($0) }
  }
}
