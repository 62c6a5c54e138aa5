import Events

extension SlugDiff {
  /// The changes as lines of text, those that the operator must act on early. Empty if nothing changes.
  public var lines: [String] {
    if isEmpty { return [] }
    var text = DiffText()
    text.add("size", [sizeLine])
    text.add("variables", variables.map(Self.line))
    text.add("migrations", migrationLines)
    text.add("processes", processes.map { Self.line($0.name, $0.from, $0.to) })
    text.add("app.json", appJSON.isEmpty ? [] : ["~ " + appJSON.joined(separator: ", ")])
    for release in otpReleases { text.add("release", release.lines) }
    text.add("tools", tools.map { Self.line($0.name, $0.from, $0.to, " ") })
    text.add("target", targetLines)
    text.add(
      "debug info",
      debugInfo.map {
        [Self.line("", $0.from?.rawValue ?? "unknown", $0.to?.rawValue ?? "unknown", "")]
      }
        ?? [])
    text.add("files", fileLines)
    text.add("unknown", unknownLines)
    return text.lines
  }

  private var sizeLine: String {
    let (from, to) = (size.from ?? 0, size.to ?? 0)
    if from == to { return Self.bytes(to) + ", as before" }
    let difference = from < to ? "+" + Self.bytes(to - from) : "-" + Self.bytes(from - to)
    return "\(Self.bytes(from)) → \(Self.bytes(to)) (\(difference))"
  }

  private static func line(_ variable: Variable) -> String {
    let place = variable.file + (variable.line.map { ":\($0)" } ?? "")
    let need = variable.to?.rawValue ?? ""
    switch (variable.from, variable.to) {
    case (_, nil): return "- \(variable.name)"
    case (nil, .required?): return "+ \(variable.name)  REQUIRED, \(place)"
    case (nil, _): return "+ \(variable.name)  \(need), \(place)"
    case (let before?, .required?):
      return "~ \(variable.name)  \(before.rawValue) → REQUIRED, \(place)"
    case (let before?, _): return "~ \(variable.name)  \(before.rawValue) → \(need), \(place)"
    }
  }

  private var migrationLines: [String] {
    func line(_ sign: String, _ migration: Manifest.Migration) -> String {
      "\(sign) \(migration.application)  \(migration.folder)/\(migration.name)"
    }
    return Self.some(migrations.added.map { line("+", $0) })
      + Self.some(migrations.removed.map { line("-", $0) })
  }

  private var targetLines: [String] {
    target.facts.map { Self.line($0.name, $0.from, $0.to, " ") }
      + target.librariesAdded.map { "+ \($0)" } + target.librariesRemoved.map { "- \($0)" }
  }

  /// The number of files, then the names of the largest few.
  private var fileLines: [String] {
    if files.isEmpty { return [] }
    func count(_ kind: Kind, _ sign: String) -> String? {
      let some = files.filter { $0.kind == kind }
      if some.isEmpty { return nil }
      let sum = some.reduce(0) { $0.addingClamped($1.size) }
      return "\(sign) \(some.count) (\(Self.bytes(sum)))"
    }
    let counts = [count(.added, "+"), count(.removed, "-"), count(.changed, "~")].compactMap { $0 }
    let largest = files.filter { $0.size > 0 }.sorted { ($1.size, $0.path) < ($0.size, $1.path) }
    return [counts.joined(separator: "  ")] + largest.prefix(Self.shownFiles).map(Self.line)
  }

  private static let shownFiles = 5

  private static func line(_ file: File) -> String {
    switch file.kind {
    case .added: "+ \(file.path)  \(bytes(file.size))"
    case .removed: "- \(file.path)  \(bytes(file.size))"
    case .changed:
      "~ \(file.path)  "
        + (file.from == file.to
          ? bytes(file.size) : "\(bytes(file.from ?? 0)) → \(bytes(file.to ?? 0))")
    }
  }

  private var unknownLines: [String] {
    let words = ["variables": "which variables are read"]
    let parts = unknown.map { words[$0] ?? $0 }
    return parts.isEmpty ? [] : [parts.joined(separator: "; ") + ": not looked at in both builds"]
  }

  /// `+ name: new`, `- name`, `~ name: old → new`
  static func line(_ name: String, _ from: String?, _ to: String?, _ separator: String = ": ")
    -> String
  {
    switch (from, to) {
    case (nil, let to?): "+ \(name)\(separator)\(to)"
    case (_, nil): "- \(name)"
    case (let from?, let to?): "~ \(name)\(separator)\(from) → \(to)"
    }
  }

  /// At most 20 lines; the last one counts the rest.
  static func some(_ lines: [String]) -> [String] {
    lines.count <= 20 ? lines : lines.prefix(19) + ["  and \(lines.count - 19) more"]
  }

  static func bytes(_ count: Int) -> String {
    count < 1024 ? "\(count) B" : ByteCount.text(count)
  }
}

extension SlugDiffReport {
  /// The slugs, then the changes.
  public var lines: [String] {
    var text = DiffText()
    text.add("slug", ["\(from.prefix(12)) → \(to.prefix(12))"])
    if diff.isEmpty {
      text.add(
        "", [from == to ? "it is the same slug" : "nothing changes but the manifest itself"])
    }
    return text.lines + diff.lines
  }
}

/// Lines in sections. The heading of a section is beside its first line.
struct DiffText {
  private(set) var lines: [String] = []
  private static let width = 12

  mutating func add(_ heading: String, _ more: [String]) {
    for (index, line) in more.enumerated() {
      let head = index == 0 ? heading : ""
      lines.append(head + String(repeating: " ", count: max(1, Self.width - head.count)) + line)
    }
  }
}

extension OTPReleaseDiff {
  /// The first line names the OTP release.
  var lines: [String] {
    switch version.kind {
    case .added: return ["+ \(name) \(version.to ?? "")"]
    case .removed: return ["- \(name) \(version.from ?? "")"]
    case .changed: break
    }
    var lines = ["\(name) \(Self.change(version)), ERTS \(Self.change(ertsVersion))"]
    lines += SlugDiff.some(added.map { "  + \($0.name) \($0.version)" })
    lines += SlugDiff.some(removed.map { "  - \($0.name) \($0.version)" })
    lines += SlugDiff.some(changed.map(Self.line))
    for change in startTypes {
      lines.append(
        "  ~ \(change.name) is \(change.to?.rawValue ?? ""), was \(change.from?.rawValue ?? "")")
    }
    lines += SlugDiff.some(
      bootOrder.map { "  ~ \($0.name) boots as number \($0.to ?? 0), was \($0.from ?? 0)" })
    return lines + (hotUpgrade.map(Self.line) ?? [])
  }

  private static func change(_ change: SlugDiff.Change<String>) -> String {
    let (from, to) = (change.from ?? "", change.to ?? "")
    return from == to ? to : "\(from) → \(to)"
  }

  private static func line(_ application: Changed) -> String {
    let files = application.files == 1 ? "1 file differs" : "\(application.files) files differ"
    return application.from == application.to
      ? "  ~ \(application.name) \(application.to), the same version: \(files)"
      : "  ~ \(application.name) \(application.from) → \(application.to)"
  }

  private static func line(_ upgrade: HotUpgrade) -> [String] {
    let verdict =
      switch upgrade.verdict {
      case .possible: "  hot upgrade: possible, with a relup"
      case .restart: "  hot upgrade: not without a restart of the emulator:"
      case .impossible: "  hot upgrade: impossible:"
      }
    return [verdict] + upgrade.obstacles.map { "    " + $0.sentence }
  }
}

extension Int {
  /// The sum; `Int.max` if it is greater.
  func addingClamped(_ other: Int) -> Int {
    let (sum, isTooMuch) = addingReportingOverflow(other)
    return isTooMuch ? .max : sum
  }
}
