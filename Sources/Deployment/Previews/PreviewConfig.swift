import ConfigStore
import Events
import HomeLayout
import Operations
import Posix
import Redaction
import ReleaseModel

/// The config vars of a preview: those that its parent's operator set for previews, those of its add-ons, and the defaults
/// of its app.json. Nothing of the parent is inherited.
public struct PreviewConfig {
  let home: Home
  let board: Board
  let app: Board.App

  public init(home: Home, board: Board, app: Board.App) {
    (self.home, self.board, self.app) = (home, board, app)
  }

  /// - Throws: a cause if a required variable has no value, or one has the value of another app's secret.
  func set(for manifest: Manifest) throws(Cause) -> ConfigSet {
    guard let preview = app.preview else { throw Refusal.noPreview(app.name).cause }
    let sets = ConfigSets(home: home, app: app.name)
    var set = try app.config.map { digest throws(Cause) in try sets.load(digest) } ?? ConfigSet()
    // What was set for previews then, and is not set any more.
    for name in try given(preview, preview.base).values.keys { set.remove(name) }
    let parents = try given(preview, board.apps[preview.parent]?.previewConfig)
    for (name, value) in parents.values {
      set.set(name, to: value, isSecret: parents.secret.contains(name))
    }
    for (name, value) in try AddOnStore(home: home, app: app.name).load().variables {
      set.set(name, to: value, isSecret: true)
    }
    let missing = manifest.missingConfig(in: set.values)
    if !missing.isEmpty {
      throw Cause(
        .configMissing,
        "app.json requires \(missing.joined(separator: ", ")), not set for previews of '\(preview.parent)'",
        remedy: "Set it first: relctl config \(preview.parent) set --preview \(missing[0])=…"
          + (preview.isFork ? " A fork gets no secret." : ""),
        facts: ["missing": missing.joined(separator: ",")])
    }
    set.values = manifest.withDefaults(set.values) { Random.hex(32) }
    try SecretOwners(home: home, board: board).check(set)
    return set
  }

  /// Those of a set that the preview may have: a fork gets no secret.
  private func given(_ preview: Board.Preview, _ digest: String?) throws(Cause) -> ConfigSet {
    guard let digest else { return ConfigSet() }
    let all = try ConfigSets(home: home, app: preview.parent).load(digest)
    return preview.isFork ? all.withoutSecrets : all
  }
}

extension ConfigSet {
  /// Whether a variable is marked as secret or looks like one.
  func isSecret(_ name: String) -> Bool {
    secret.contains(name) || values[name].map { SecretLook(name: name, value: $0) != nil } == true
  }

  /// What code of a fork may have.
  public var withoutSecrets: ConfigSet { ConfigSet(values.filter { !isSecret($0.key) }) }
}

/// The secrets of a home's ordinary apps, which no preview may have: a preview's script may empty the database that a
/// variable names.
public struct SecretOwners {
  let home: Home
  let board: Board

  public init(home: Home, board: Board) { (self.home, self.board) = (home, board) }

  /// Shorter values are equal by chance.
  private static let shortest = 6

  /// - Throws: a cause if a variable has the value of a secret of an app, now or in an earlier release.
  public func check(_ set: ConfigSet) throws(Cause) {
    let values = set.values.filter { $0.value.utf8.count >= Self.shortest }
    if values.isEmpty { return }
    for owner in board.apps.values.sorted(by: { $0.name < $1.name }) where owner.preview == nil {
      let digests = Set(owner.releases.map(\.config) + [owner.config].compactMap { $0 })
      let sets = ConfigSets(home: home, app: owner.name)
      for digest in digests {
        // One that is damaged or gone runs nowhere.
        guard let other = try? sets.load(digest) else { continue }
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
          guard
            other.values.contains(where: {
              // A service may let an app in without a password.
              $0.value == value && (other.isSecret($0.key) || value.contains("://"))
            })
          else { continue }
          throw Cause(
            .configForeign, "the value of \(name) is \(owner.name)'s",
            remedy: "Give previews one of their own: relctl config APP set --preview \(name)")
        }
      }
    }
  }
}
