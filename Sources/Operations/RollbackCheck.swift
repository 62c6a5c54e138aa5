import Events
import ReleaseModel

/// What is known, before a rollback, of how the former release will meet the database and the config vars of now.
/// Its JSON is part of what `relctl rollback --dry-run --json` prints.
public struct RollbackCheck: Hashable, Encodable, Sendable {
  public enum Verdict: String, Encodable, Sendable {
    /// The target knows every migration that may have run since it served.
    case safe
    /// A migration has run that the target does not know.
    case unsafe
    /// Something that could speak against the rollback is not known.
    case unknown
  }

  /// A migration that the target does not know.
  public struct Migration: Hashable, Encodable, Sendable {
    /// Whether it has run. The log tells only whether the release phase did.
    public enum Run: String, Encodable, Comparable, Sendable {
      /// The release has no release phase, but may have run it as it started.
      case unrecorded
      /// The release phase failed, or has not ended yet.
      case possible
      /// The release phase ran to its end.
      case phase

      public static func < (left: Run, right: Run) -> Bool { left.rank < right.rank }
      private var rank: Int { self == .unrecorded ? 0 : self == .possible ? 1 : 2 }
    }

    public var application: String
    /// Below the application's `priv`.
    public var folder: String
    public var name: String
    /// The release that brought it.
    public var release: ReleaseNumber
    public var run: Run
  }

  /// An application, or ERTS, that is another one in the target's slug.
  public struct Application: Hashable, Encodable, Sendable {
    public var name: String
    /// Its version in the release that is left; nil if the target adds it.
    public var from: String?
    /// Nil if the target does not have it.
    public var to: String?
    /// How many of its files differ; nil if it is added or removed.
    public var files: Int?
  }

  /// The config vars of the new release, compared with those of the release that is left.
  public struct Config: Hashable, Sendable {
    public var changes: ConfigChanges
    /// Secrets that changed since and keep their present values.
    public var kept: [String]

    public init(_ changes: ConfigChanges, kept: [String] = []) {
      (self.changes, self.kept) = (changes, kept)
    }
  }

  public private(set) var verdict = Verdict.safe
  /// Sentences, the most important first.
  public private(set) var reasons: [String] = []
  /// The release that is left.
  public let from: ReleaseNumber
  /// The release that is brought back, or stays if a deployment is given up.
  public let to: ReleaseNumber
  public private(set) var migrations: [Migration] = []
  /// Nil if the config vars could not be compared.
  public private(set) var config: ConfigChanges?
  public private(set) var kept: [String] = []
  /// Differences in what the code reads.
  public private(set) var variables: [SlugDiff.Variable] = []
  /// Nil if the slugs could not be compared.
  public private(set) var applications: [Application]?

  let hasSameSlug: Bool
  let staysCurrent: Bool
  /// Why something is not known.
  private var gaps: [String] = []

  private enum CodingKeys: String, CodingKey {
    case verdict, reasons, from, to, migrations, config, kept, variables, applications
  }

  /// At most this many slugs are read, the newest ones.
  private static let mostSlugs = 20

  /// - Parameters:
  ///   - manifest: reads the manifest of a slug by its id.
  ///   - config: compares the config vars of the release that is left with those that it would be replaced with.
  /// - Returns: nil if the app has no such release.
  public init?(
    _ rollback: Rollback, in app: Board.App, manifest: (String) throws(Cause) -> Manifest,
    config: (_ left: Board.Release, _ target: Board.Release) throws(Cause) -> Config
  ) {
    guard let current = app.currentRelease,
      let target = app.release(rollback.release) ?? app.previousRelease
    else { return nil }
    staysCurrent = target.number == current.number
    let left = staysCurrent ? app.release(app.deployment?.release) ?? current : current
    (from, to) = (left.number, target.number)
    hasSameSlug = left.slug == target.slug
    if !staysCurrent {
      judge(target)
      compareConfig(left, target, config)
    }
    if !hasSameSlug { compareSlugs(left, target, app, manifest) }
    conclude()
  }

  /// Notes what the ledger says of the target itself.
  private mutating func judge(_ target: Board.Release) {
    if let cause = target.failure {
      gaps.append("\(to) failed: \(cause.sentence)")
    } else if !target.wasCurrent {
      gaps.append("\(to) never served")
    } else if target.wasLeft == true {
      gaps.append("\(to) was rolled back itself")
    }
  }

  private mutating func compareConfig(
    _ left: Board.Release, _ target: Board.Release,
    _ compare: (Board.Release, Board.Release) throws(Cause) -> Config
  ) {
    do throws(Cause) {
      let found = try compare(left, target)
      (config, kept) = (found.changes, found.kept)
    } catch {
      gaps.append("the config vars cannot be compared: \(error.sentence)")
    }
  }

  private mutating func compareSlugs(
    _ left: Board.Release, _ target: Board.Release, _ app: Board.App,
    _ read: (String) throws(Cause) -> Manifest
  ) {
    guard let old = manifest(of: target, read) else { return }
    if old.migrations == nil { gaps.append("the build of \(to) did not look for migrations") }
    let suspects = suspects(left, target, app)
    let slugs = Self.slugs(of: [left] + suspects.reversed())
    if slugs.count > Self.mostSlugs {
      gaps.append("only the newest \(Self.mostSlugs) slugs since \(to) were looked at")
    }
    var found: [Manifest.Migration: Brought] = [:]
    for slug in slugs.prefix(Self.mostSlugs) {
      let carriers = suspects.filter { $0.slug == slug }
      guard let new = manifest(of: carriers.first ?? left, read) else { continue }
      if slug == left.slug, !staysCurrent { compare(new, old) }
      found.merge(migrations(carriers, new, old, app), uniquingKeysWith: Brought.surest)
    }
    if !found.isEmpty, !staysCurrent {
      for seen in migrationsSeen(by: target, app, read) { found[seen] = nil }
    }
    migrations = found.map { Migration($0, $1) }.sorted {
      ($0.release, $0.application, $0.name) < ($1.release, $1.application, $1.name)
    }
  }

  /// The release that brought a migration, and whether it ran it.
  fileprivate struct Brought {
    var release: ReleaseNumber
    var run: Migration.Run

    /// The surer one, and of equal ones the first release.
    static func surest(_ one: Brought, _ other: Brought) -> Brought {
      (one.run, other.release) < (other.run, one.release) ? other : one
    }
  }

  private static func slugs(of releases: [Board.Release]) -> [String] {
    releases.reduce(into: []) { slugs, release in
      if !slugs.contains(release.slug) { slugs.append(release.slug) }
    }
  }

  private mutating func manifest(
    of release: Board.Release, _ read: (String) throws(Cause) -> Manifest
  ) -> Manifest? {
    do throws(Cause) { return try read(release.slug) } catch {
      gaps.append("the slug of \(release.number) cannot be read: \(error.sentence)")
      return nil
    }
  }

  /// The releases whose migrations the target may not know, oldest first: those since it served last.
  private func suspects(_ left: Board.Release, _ target: Board.Release, _ app: Board.App)
    -> [Board.Release]
  {
    if staysCurrent { return [left] }
    let last = app.releases.last { $0.slug == target.slug && Self.served($0) } ?? target
    return app.releases.filter { $0.number > last.number && $0.slug != target.slug }
  }

  private static func served(_ release: Board.Release) -> Bool {
    release.wasCurrent && release.failure == nil
  }

  /// The migrations that have surely run before the target's slug served again, after a rollback or a revert: it has
  /// served on them.
  private func migrationsSeen(
    by target: Board.Release, _ app: Board.App, _ read: (String) throws(Cause) -> Manifest
  ) -> [Manifest.Migration] {
    let times = app.releases.filter { $0.slug == target.slug && Self.served($0) }.map(\.number)
    guard let first = times.first, let last = times.last else { return [] }
    let next = app.releases.first { $0.number > last && Self.served($0) }?.number
    let between = app.releases.filter {
      let number = $0.number
      let wasReverted = $0.wasCurrent && $0.failure != nil
      return first < number && $0.slug != target.slug
        && (number < last || wasReverted && next.map { next in number < next } ?? true)
    }
    return between.suffix(Self.mostSlugs).flatMap { release -> [Manifest.Migration] in
      guard let manifest = try? read(release.slug) else { return [] }
      return Self.run(release, of: manifest, app) == .phase ? manifest.migrations ?? [] : []
    }
  }

  private mutating func compare(_ new: Manifest, _ old: Manifest) {
    let diff = SlugDiff(from: new, to: old)
    variables = diff.variables
    applications = diff.otpReleases.flatMap(Self.applications)
  }

  private static func applications(of release: OTPReleaseDiff) -> [Application] {
    let (from, to) = (release.version.from, release.version.to)
    if from == nil || to == nil { return [Application(name: release.name, from: from, to: to)] }
    let erts = release.ertsVersion
    return
      (erts.from == erts.to ? [] : [Application(name: "ERTS", from: erts.from, to: erts.to)])
      + release.changed.map {
        Application(name: $0.name, from: $0.from, to: $0.to, files: $0.files)
      }
      + release.added.map { Application(name: $0.name, to: $0.version) }
      + release.removed.map { Application(name: $0.name, from: $0.version) }
  }

  /// The migrations that the target does not know of a slug with the manifest `new`.
  /// - Parameter carriers: the releases that have the slug and may have run its migrations.
  private mutating func migrations(
    _ carriers: [Board.Release], _ new: Manifest, _ old: Manifest, _ app: Board.App
  ) -> [Manifest.Migration: Brought] {
    guard let known = old.migrations, let first = carriers.first else { return [:] }
    guard let brought = new.migrations else {
      gaps.append("the build of \(first.number) did not look for migrations")
      return [:]
    }
    let all = carriers.compactMap { release in
      Self.run(release, of: new, app).map { Brought(release: release.number, run: $0) }
    }
    guard let some = all.first else { return [:] }
    let surest = all.dropFirst().reduce(some, Brought.surest)
    return Dictionary(Set(brought).subtracting(known).map { ($0, surest) }) { first, _ in first }
  }

  /// Whether a release has run its migrations; nil if it surely has not. A rollback runs no release phase unless the
  /// operator asks for it.
  private static func run(_ release: Board.Release, of manifest: Manifest, _ app: Board.App)
    -> Migration.Run?
  {
    if manifest.command(of: ProcessType.release) == nil { return .unrecorded }
    if release.from != nil, release.ranPhase != true { return nil }
    let hasEnded = app.runs.contains {
      $0.release == release.number && $0.instance.process == ProcessType.release
        && $0.state == .stopped && $0.exit == 0
    }
    return release.wasCurrent || hasEnded ? .phase : .possible
  }

  private mutating func conclude() {
    let grouped = Dictionary(grouping: migrations) { Pair(run: $0.run, release: $0.release) }
    reasons =
      grouped.sorted { ($1.key.run, $0.key.release) < ($0.key.run, $1.key.release) }
      .map { sentence($0.key.run, $0.key.release, $0.value.map(\.name)) } + gaps
    if !reasons.isEmpty { verdict = .unknown }
    if migrations.contains(where: { $0.run == .phase }) { verdict = .unsafe }
    if reasons.isEmpty { reasons = [allClear] }
  }

  private struct Pair: Hashable {
    var run: Migration.Run
    var release: ReleaseNumber
  }
}

extension RollbackCheck.Migration {
  fileprivate init(_ migration: Manifest.Migration, _ brought: RollbackCheck.Brought) {
    (application, folder, name) = (migration.application, migration.folder, migration.name)
    (release, run) = (brought.release, brought.run)
  }
}
