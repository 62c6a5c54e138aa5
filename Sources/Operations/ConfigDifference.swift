import Events

/// The names of config vars that differ between two releases of an app. They come from the ledger,
/// which has names but no values.
enum ConfigDifference: Equatable {
  case none
  case names([String])
  /// The config vars differ, but the ledger does not say which.
  case unknown

  init(from first: Board.Release, to second: Board.Release, in app: Board.App) {
    if first.config == second.config {
      self = .none
      return
    }
    let (left, right) = (Self.ancestors(of: first, in: app), Self.ancestors(of: second, in: app))
    let shared = Set(left.map(\.number)).intersection(right.map(\.number))
    var names: Set<String> = []
    for path in [left, right] {
      for release in path.prefix(while: { !shared.contains($0.number) }) {
        guard let changed = Self.changed(by: release, in: app) else {
          self = .unknown
          return
        }
        names.formUnion(changed)
      }
    }
    self = names.isEmpty ? .unknown : .names(names.sorted())
  }

  var sentence: String {
    switch self {
    case .none: "No config var changes."
    case .names(let names): "Config vars that change: \(names.joined(separator: ", "))."
    case .unknown: "Config vars change too; which ones is not recorded."
    }
  }

  /// A release and its ancestors: each release has the config vars of its parent, with changes.
  private static func ancestors(of release: Board.Release, in app: Board.App) -> [Board.Release] {
    var path = [release]
    while let last = path.last, let parent = parent(of: last, in: app) { path.append(parent) }
    return path
  }

  /// The release that was current when this one was made or, for a rollback, the earlier release. It
  /// has a lower number, so the chain of parents ends.
  private static func parent(of release: Board.Release, in app: Board.App) -> Board.Release? {
    let from = release.from.flatMap { app.release($0) }
    if let from, from.number < release.number { return from }
    return app.releases.last { $0.number < release.number && $0.wasCurrent }
  }

  /// The names that the release changed; nil if the ledger does not say.
  private static func changed(by release: Board.Release, in app: Board.App) -> [String]? {
    if release.set != nil || release.unset != nil {
      return (release.set ?? []) + (release.unset ?? [])
    }
    guard let parent = parent(of: release, in: app), parent.config == release.config else {
      return nil
    }
    return []
  }
}
