import HomeLayout

extension Board {
  /// An app, and perhaps its release, that needs a slug.
  public struct SlugUser: Hashable, Encodable, Sendable {
    public var app: String
    /// Nil for a request that has not made its release yet.
    public var release: ReleaseNumber?
  }

  /// The apps and releases that need each slug. Every release in a ledger needs its slug, because a
  /// rollback can bring the release back.
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

/// The choice of slugs to remove: those that no release and no request needs.
public enum SlugChoice {
  /// Milliseconds for which a slug is kept after it was stored or looked up for a deployment. This
  /// is longer than a request lives.
  public static let quarantine: Int64 = 60 * 60 * 1000

  /// - Parameters:
  ///   - slugs: when each slug was last stored or looked up for use.
  ///   - keep: how many unused slugs to keep besides those of the last hour, the newest first.
  /// - Returns: the slugs that may be removed, oldest first.
  public static func removable(
    _ slugs: [String: Timestamp], used: Set<String>, keep: Int, now: Timestamp
  ) -> [String] {
    let old = slugs.filter { !used.contains($0.key) && now - $0.value >= quarantine }
    let ids = old.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
    return ids.dropFirst(max(0, keep)).reversed()
  }
}
