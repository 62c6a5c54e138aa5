import HomeLayout

extension Board {
  /// What needs a slug.
  public struct SlugUser: Hashable, Encodable, Sendable {
    public var app: String
    /// Nil for a request that has not made its release yet.
    public var release: ReleaseNumber?
  }

  /// The apps and releases that need each slug. Every release of a ledger can be rolled back to, so each needs its slug.
  public var slugUsers: [String: [SlugUser]] {
    var users: [String: [SlugUser]] = [:]
    for app in apps.values.sorted(by: { $0.name < $1.name }) {
      for release in app.releases {
        users[release.slug, default: []].append(
          SlugUser(app: app.name, release: release.number))
      }
    }
    for request in requests {
      guard let slug = request.data.slug else { continue }
      users[slug, default: []].append(SlugUser(app: request.app))
    }
    return users
  }
}

/// Which slugs no release and no request needs.
public enum SlugChoice {
  /// Milliseconds for which one that was stored or looked up for a deployment is kept: longer than a request lives.
  public static let quarantine: Int64 = 60 * 60 * 1000

  /// - Parameters:
  ///   - slugs: when each was last stored or about to be used.
  ///   - keep: how many unused ones stay besides those of the last hour, the newest.
  /// - Returns: those that may go, oldest first.
  public static func removable(
    _ slugs: [String: Timestamp], used: Set<String>, keep: Int, now: Timestamp
  ) -> [String] {
    let old = slugs.filter { !used.contains($0.key) && now - $0.value >= quarantine }
    let ids = old.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
    return ids.dropFirst(max(0, keep)).reversed()
  }
}
