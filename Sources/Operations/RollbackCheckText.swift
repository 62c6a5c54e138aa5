import Events
import ReleaseModel

extension RollbackCheck {
  var allClear: String {
    if hasSameSlug { return "\(to) has the same slug as \(from)" }
    return staysCurrent
      ? "\(from) runs no migration that \(to) does not know"
      : "no new migration was deployed since \(to) served"
  }

  func sentence(_ run: Migration.Run, _ release: ReleaseNumber, _ names: [String]) -> String {
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

extension RollbackCheck.Verdict {
  /// The word at the beginning of a sentence.
  public var word: String { rawValue.capitalizedFirst }
}

extension String {
  /// A release's name such as `v3` stays small at the beginning of a sentence.
  fileprivate var capitalizedFirst: String {
    let isRelease = first == "v" && dropFirst().first?.isNumber == true
    return isRelease ? self : prefix(1).uppercased() + dropFirst()
  }
}
