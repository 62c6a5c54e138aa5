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

    /// The word at the beginning of a sentence.
    public var word: String { rawValue.capitalizedFirst }
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

  private let hasSameSlug: Bool
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
    let slugs = suspects.reversed().reduce(into: [left.slug]) { slugs, release in
      if !slugs.contains(release.slug) { slugs.append(release.slug) }
    }
    if slugs.count > Self.mostSlugs {
      gaps.append("only the newest \(Self.mostSlugs) slugs since \(to) were looked at")
    }
    for slug in slugs.prefix(Self.mostSlugs) {
      let carriers = suspects.filter { $0.slug == slug }
      guard let new = manifest(of: carriers.first ?? left, read) else { continue }
      if slug == left.slug, !staysCurrent { compare(new, old) }
      if !carriers.isEmpty { findMigrations(carriers, new, old, app) }
    }
    migrations.sort {
      ($0.release, $0.application, $0.name) < ($1.release, $1.application, $1.name)
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

  /// The releases whose migrations the target may not know, oldest first. A rollback runs no release phase, and the
  /// migrations of its slug are those of an earlier release. What ran while the target served did not disturb it.
  private func suspects(_ left: Board.Release, _ target: Board.Release, _ app: Board.App)
    -> [Board.Release]
  {
    if staysCurrent { return left.from == nil ? [left] : [] }
    func served(_ release: Board.Release) -> Bool { release.wasCurrent && release.failure == nil }
    let last = app.releases.last { $0.slug == target.slug && served($0) } ?? target
    guard let next = app.releases.first(where: { $0.number > last.number && served($0) }) else {
      return []
    }
    return app.releases.filter {
      $0.number >= next.number && $0.from == nil && $0.slug != target.slug
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

  /// - Parameter carriers: the releases that have the slug with the manifest `new`.
  private mutating func findMigrations(
    _ carriers: [Board.Release], _ new: Manifest, _ old: Manifest, _ app: Board.App
  ) {
    guard let known = old.migrations, let first = carriers.first else { return }
    guard let brought = new.migrations else {
      gaps.append("the build of \(first.number) did not look for migrations")
      return
    }
    let hasPhase = new.command(of: ProcessType.release) != nil
    let runs = carriers.map { ($0, Self.run($0, hasPhase: hasPhase, app)) }
    guard let (release, run) = runs.max(by: { $0.1 < $1.1 }) else { return }
    for migration in Set(brought).subtracting(known) {
      add(
        Migration(
          application: migration.application, folder: migration.folder, name: migration.name,
          release: release.number, run: run))
    }
  }

  private static func run(_ release: Board.Release, hasPhase: Bool, _ app: Board.App)
    -> Migration.Run
  {
    if !hasPhase { return .unrecorded }
    let hasEnded = app.runs.contains {
      $0.release == release.number && $0.instance.process == ProcessType.release
        && $0.state == .stopped && $0.exit == 0
    }
    return release.wasCurrent || hasEnded ? .phase : .possible
  }

  /// Slugs share migrations: of equal ones the surest stays, and of those the first.
  private mutating func add(_ new: Migration) {
    let index = migrations.firstIndex {
      ($0.application, $0.folder, $0.name) == (new.application, new.folder, new.name)
    }
    guard let index else { return migrations.append(new) }
    let old = migrations[index]
    if (old.run, new.release) < (new.run, old.release) { migrations[index] = new }
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

// MARK: - Words

extension RollbackCheck {
  private var allClear: String {
    hasSameSlug
      ? "\(to) has the same slug as \(from)"
      : "no release since \(to) brought a migration that \(to) does not know"
  }

  private func sentence(_ run: Migration.Run, _ release: ReleaseNumber, _ names: [String]) -> String
  {
    let what = (names.count == 1 ? "the migration " : "the migrations ") + Self.list(names)
    let unknown = "which \(to) does not know"
    switch run {
    case .phase: return "the release phase of \(release) ran with \(what), \(unknown)"
    case .possible: return "the release phase of \(release) may have run \(what), \(unknown)"
    case .unrecorded:
      return "\(release) has no release phase, but may have run \(what), \(unknown), as it started"
    }
  }

  /// The verdict with its reasons, and what they mean for the operator.
  var judgement: [String] {
    guard let first = reasons.first else { return [] }
    var lines = ["\(verdict.word): \(first)."]
    lines += reasons.dropFirst().map { "\($0.capitalizedFirst)." }
    if !migrations.isEmpty {
      lines.append(
        "No migration is undone: \(to) uses the database as it is now. That works only if nothing that it needs was removed, renamed or made mandatory."
      )
    }
    return lines
  }

  /// The config vars that will be different; nil if they could not be compared.
  var configChanges: [String]? {
    config.map { changes in
      let kept =
        kept.isEmpty
        ? [] : ["Secrets that keep their present values: \(Self.list(kept))."]
      return [Self.sentence(changes)] + kept
    }
  }

  /// What will be different in the code.
  var codeChanges: [String] {
    if hasSameSlug { return ["The slug stays the same."] }
    let read = variables.filter { $0.from == nil }.map { variable in
      "\(variable.name) (\(variable.file)\(variable.line.map { ":\($0)" } ?? ""))"
    }
    return (applications.map { [Self.sentence($0)] } ?? [])
      + (read.isEmpty ? [] : ["\(to) reads variables that \(from) does not: \(Self.list(read))."])
  }

  private static func sentence(_ config: ConfigChanges) -> String {
    sentence("config var", config.changed, config.added, config.removed)
  }

  private static func sentence(_ applications: [Application]) -> String {
    func names(_ wanted: (Application) -> String?) -> [String] { applications.compactMap(wanted) }
    return sentence(
      "application",
      names { application in
        guard let from = application.from, let to = application.to else { return nil }
        if from != to { return "\(application.name) \(from) → \(to)" }
        let count = application.files ?? 0
        return "\(application.name) (\(count) \(count == 1 ? "file" : "files"), the same version)"
      }, names { $0.from == nil ? "\($0.name) \($0.to ?? "")" : nil },
      names { $0.to == nil ? "\($0.name) \($0.from ?? "")" : nil })
  }

  /// `Config vars that change: A, B; that are added: C.`
  private static func sentence(
    _ noun: String, _ changed: [String], _ added: [String], _ removed: [String]
  ) -> String {
    let parts = [("change", changed), ("are added", added), ("are removed", removed)]
      .filter { !$0.1.isEmpty }.map { "that \($0.0): \(list($0.1))" }
    return parts.isEmpty
      ? "No \(noun) changes."
      : "\(noun.capitalizedFirst)s \(parts.joined(separator: "; "))."
  }

  /// `a, b and c`; of many the first few and the number of the others.
  private static func list(_ names: [String]) -> String {
    let shown = names.count > 5 ? Array(names.prefix(4)) + ["\(names.count - 4) more"] : names
    guard let last = shown.last, shown.count > 1 else { return shown.first ?? "" }
    return shown.dropLast().joined(separator: ", ") + " and " + last
  }
}

extension String {
  /// A release's name such as `v3` stays small at the beginning of a sentence.
  fileprivate var capitalizedFirst: String {
    let isRelease = first == "v" && dropFirst().first?.isNumber == true
    return isRelease ? self : prefix(1).uppercased() + dropFirst()
  }
}
