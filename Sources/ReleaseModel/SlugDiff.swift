/// The changes from one slug to another, computed from their manifests.
///
/// Its JSON is what `relctl slug diff --json` prints of the changes; its text is in `lines`.
public struct SlugDiff: Hashable, Encodable, Sendable {
  /// A value before and after; nil if there is none.
  public struct Change<Value: Hashable & Encodable & Sendable>: Hashable, Encodable, Sendable {
    public var from: Value?
    public var to: Value?

    public init(from: Value?, to: Value?) { (self.from, self.to) = (from, to) }

    /// - Returns: nil if nothing has changed.
    init?(_ from: Value?, _ to: Value?) {
      if from == to { return nil }
      (self.from, self.to) = (from, to)
    }

    public var kind: Kind { from == nil ? .added : to == nil ? .removed : .changed }
  }

  public enum Kind: Hashable, Sendable { case added, removed, changed }

  /// A change of something that has a name.
  public struct Named<Value: Hashable & Encodable & Sendable>: Hashable, Encodable, Sendable {
    public var name: String
    public var from: Value?
    public var to: Value?

    public var kind: Kind { Change(from: from, to: to).kind }

    /// The differences between two tables, by name.
    static func all(_ from: [String: Value], _ to: [String: Value]) -> [Named] {
      Set(from.keys).union(to.keys).sorted().filter { from[$0] != to[$0] }
        .map { Named(name: $0, from: from[$0], to: to[$0]) }
    }
  }

  /// A config var whose need has changed.
  public struct Variable: Hashable, Encodable, Sendable {
    public var name: String
    public var from: Manifest.Variable.Need?
    public var to: Manifest.Variable.Need?
    /// The file that reads or declares it, in the new slug, or in the old one if the variable was removed.
    public var file: String
    /// Nil if the file is app.json.
    public var line: Int?

    /// Whether a deployment fails unless the operator sets it first.
    public var isNewlyRequired: Bool { to == .required && from != .required }
  }

  public struct Migrations: Hashable, Encodable, Sendable {
    public var added: [Manifest.Migration]
    public var removed: [Manifest.Migration]
  }

  /// A file or link that differs. Folders are left out, since their content shows their changes.
  public struct File: Hashable, Encodable, Sendable {
    public var path: String
    /// Bytes; 0 for a link.
    public var from: Int?
    public var to: Int?

    public var kind: Kind { Change(from: from, to: to).kind }
    public var size: Int { max(from ?? 0, to ?? 0) }
  }

  public struct Target: Hashable, Encodable, Sendable {
    /// `os`, `arch`, `glibc`
    public var facts: [Named<String>]
    /// Shared libraries that a host newly needs, or no longer needs.
    public var librariesAdded: [String]
    public var librariesRemoved: [String]

    var isEmpty: Bool { facts.isEmpty && librariesAdded.isEmpty && librariesRemoved.isEmpty }

    private enum CodingKeys: String, CodingKey {
      case facts
      case librariesAdded = "libraries_added"
      case librariesRemoved = "libraries_removed"
    }
  }

  /// The OTP releases that changed, in the order of the new slug; removed ones come last.
  public var otpReleases: [OTPReleaseDiff]
  /// Newly required ones first.
  public var variables: [Variable]
  public var migrations: Migrations
  /// Parts that cannot be compared, since one of the builds did not look for them: `variables`, `migrations`.
  public var unknown: [String]
  public var processes: [Named<String>]
  /// Parts of app.json that differ: `env`, `formation`, `healthchecks`, `scripts`, `addons`, `environments.review`.
  public var appJSON: [String]
  public var tools: [Named<String>]
  public var target: Target
  public var debugInfo: Change<Manifest.DebugInfo>?
  /// Sorted by path.
  public var files: [File]
  public var size: Change<Int>

  private enum CodingKeys: String, CodingKey {
    case variables, migrations, unknown, processes, tools, target, files, size
    case otpReleases = "otp_releases"
    case appJSON = "app_json"
    case debugInfo = "debug_info"
  }

  public init(from old: Manifest, to new: Manifest) {
    let (before, after) = (Self.contents(old), Self.contents(new))
    files = Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.sorted()
      .map {
        File(path: $0, from: before[$0].map { $0.size ?? 0 }, to: after[$0].map { $0.size ?? 0 })
      }
    size = Change(from: old.size, to: new.size)
    otpReleases = OTPReleaseDiff.all(from: old, to: new, files: files)
    unknown = Self.unknown(old, new)
    variables = Self.variables(old, new, areKnown: !unknown.contains("variables"))
    migrations = Self.migrations(old, new)
    processes = Named.all(Self.commands(old), Self.commands(new))
    appJSON = Self.parts(old.appJSON ?? AppJSON(), new.appJSON ?? AppJSON())
    tools = Named.all(old.tools, new.tools)
    target = Self.target(old.target, new.target)
    debugInfo = Change(old.debugInfo, new.debugInfo)
  }

  /// Whether nothing has changed, except for the manifest itself.
  public var isEmpty: Bool {
    otpReleases.isEmpty && variables.isEmpty && processes.isEmpty && appJSON.isEmpty
      && migrations.added.isEmpty && migrations.removed.isEmpty
      && tools.isEmpty && target.isEmpty && debugInfo == nil && files.isEmpty
  }

  private static func contents(_ manifest: Manifest) -> [String: Manifest.Entry] {
    let contents = manifest.files.filter { $0.kind != .folder }
    return Dictionary(contents.map { ($0.path, $0) }) { first, _ in first }
  }

  private static func commands(_ manifest: Manifest) -> [String: String] {
    Dictionary(manifest.processes.map { ($0.process, $0.command) }) { first, _ in first }
  }

  private static func parts(_ old: AppJSON, _ new: AppJSON) -> [String] {
    var parts: [String] = []
    if old.env != new.env { parts.append("env") }
    if old.formation != new.formation { parts.append("formation") }
    if old.healthchecks != new.healthchecks { parts.append("healthchecks") }
    if old.scripts != new.scripts { parts.append("scripts") }
    if old.addons != new.addons { parts.append("addons") }
    if old.environments != new.environments { parts.append("environments.review") }
    return parts
  }

  private static func target(_ old: Manifest.Target, _ new: Manifest.Target) -> Target {
    func facts(_ target: Manifest.Target) -> [String: String] {
      var facts = ["os": target.os, "arch": target.arch]
      facts["glibc"] = target.glibc
      return facts
    }
    let (before, after) = (Set(old.libraries ?? []), Set(new.libraries ?? []))
    let isKnown = old.libraries != nil && new.libraries != nil
    return Target(
      facts: Named.all(facts(old), facts(new)),
      librariesAdded: isKnown ? after.subtracting(before).sorted() : [],
      librariesRemoved: isKnown ? before.subtracting(after).sorted() : [])
  }

  private static func unknown(_ old: Manifest, _ new: Manifest) -> [String] {
    var parts: [String] = []
    if old.variables == nil || new.variables == nil { parts.append("variables") }
    if old.migrations == nil || new.migrations == nil { parts.append("migrations") }
    return parts
  }

  private static func migrations(_ old: Manifest, _ new: Manifest) -> Migrations {
    guard let before = old.migrations, let after = new.migrations else {
      return Migrations(added: [], removed: [])
    }
    let (known, wanted) = (Set(before), Set(after))
    return Migrations(
      added: after.filter { !known.contains($0) }, removed: before.filter { !wanted.contains($0) })
  }
}

extension SlugDiff {
  /// - Parameter areKnown: whether both builds looked for variables that are read; otherwise only app.json counts.
  private static func variables(_ old: Manifest, _ new: Manifest, areKnown: Bool) -> [Variable] {
    let before = needs(of: old, areKnown ? old.variables : nil)
    let after = needs(of: new, areKnown ? new.variables : nil)
    let changed = Set(before.keys).union(after.keys).filter { before[$0]?.to != after[$0]?.to }
    return changed.sorted().compactMap { name in
      guard var variable = after[name] ?? before[name] else { return nil }
      (variable.from, variable.to) = (before[name]?.to, after[name]?.to)
      return variable
    }.sorted { (rank($0), $0.name) < (rank($1), $1.name) }
  }

  /// The order in the list: variables that the operator must act on come first.
  private static func rank(_ variable: Variable) -> Int {
    if variable.isNewlyRequired { return 0 }
    switch variable.to {
    case .conditional: return 1
    case .required, .optional: return 2
    case nil: return 3
    }
  }

  /// The variables that run-time configuration reads or app.json declares, by name, each with its strictest need.
  private static func needs(of manifest: Manifest, _ read: [Manifest.Variable]?)
    -> [String: Variable]
  {
    let asked = (manifest.appJSON?.env ?? [:]).map { name, variable in
      let isNeeded = variable.isRequired
      return Variable(name: name, to: isNeeded ? .required : .optional, file: "app.json")
    }
    let all =
      (read ?? []).map { Variable(name: $0.name, to: $0.need, file: $0.file, line: $0.line) }
      + asked
    let order: [Manifest.Variable.Need?] = [.required, .conditional, .optional]
    return Dictionary(
      all.map { ($0.name, $0) },
      uniquingKeysWith: { first, other in
        (order.firstIndex(of: other.to) ?? 3) < (order.firstIndex(of: first.to) ?? 3)
          ? other : first
      })
  }
}

/// A `SlugDiff` with the ids of the two slugs.
public struct SlugDiffReport: Encodable, Sendable {
  /// Ids of slugs.
  public var from: String
  public var to: String
  public var diff: SlugDiff

  public init(from: String, to: String, _ diff: SlugDiff) {
    (self.from, self.to, self.diff) = (from, to, diff)
  }

  private enum CodingKeys: String, CodingKey { case from, to }

  public func encode(to encoder: any Encoder) throws {
    try diff.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(from, forKey: .from)
    try container.encode(to, forKey: .to)
  }
}
