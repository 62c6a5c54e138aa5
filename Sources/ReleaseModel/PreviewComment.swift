import Events
import HomeLayout

/// What CI writes below a pull request: where its preview is, and what differs from the release that its parent runs.
public struct PreviewComment {
  let preview: PreviewReport
  /// The release that the parent runs, with its name; nil if there is none.
  let parent: AppRelease?
  /// Nil if there is no such release, or a slug is gone.
  let diff: SlugDiff?
  /// Milliseconds of the last boots; nil if they are not known.
  let boot: (old: Int64?, new: Int64?)

  public init(
    _ preview: PreviewReport, parent: AppRelease?, diff: SlugDiff?, boot: (old: Int64?, new: Int64?)
  ) {
    (self.preview, self.parent, self.diff, self.boot) = (preview, parent, diff, boot)
  }

  /// Its first line, by which CI finds the comment that it is to replace.
  public static func mark(_ app: String) -> String { "<!-- reltui preview \(app) -->" }

  public var markdown: String {
    var lines = [
      Self.mark(preview.app), "### Preview of #\(preview.pull): \(preview.state.rawValue)", "",
    ]
    if let cause = preview.cause {
      lines += [Self.code(cause.sentence) + (cause.remedy.map { " – \(Self.code($0))" } ?? ""), ""]
    }
    lines += ["| | |", "|---|---|"] + rows.map { "| \($0) | \($1) |" }
    if let parent {
      lines += ["", "Compared with \(parent.words):", ""] + differences.map { "- \($0)" }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private var rows: [(String, String)] {
    let commit = preview.commit.map { Self.code(String($0.prefix(12))) }
    let line = preview.line.map(Self.code)
    return [
      ("URL", preview.url ?? "none: no router runs"),
      ("Commit", [commit, line].compactMap { $0 }.joined(separator: " ")),
      (
        "Slug",
        [preview.slug.map { Self.code(String($0.prefix(12))) }, preview.release.map { "as \($0)" }]
          .compactMap { $0 }.joined(separator: " ")
      ),
      ("Stays", preview.until.map { "until \($0)" } ?? "until it is closed"),
    ].filter { !$0.1.isEmpty }
  }

  private var differences: [String] {
    guard let diff else { return ["The slugs cannot be compared."] }
    let found = [
      applications(diff), variables(diff), migrations(diff), bootTime, size(diff),
    ].compactMap { $0 }
    return found.isEmpty ? ["Nothing differs."] : found
  }

  private func applications(_ diff: SlugDiff) -> String? {
    let parts = diff.otpReleases.flatMap { release in
      release.added.map { "added \(Self.code("\($0.name) \($0.version)"))" }
        + release.removed.map { "removed \(Self.code($0.name))" }
        + release.changed.map {
          $0.from == $0.to
            ? "\(Self.code($0.name)) (\($0.files == 1 ? "1 file" : "\($0.files) files"))"
            : Self.code("\($0.name) \($0.from) → \($0.to)")
        }
    }
    return Self.list("Applications", parts)
  }

  private func variables(_ diff: SlugDiff) -> String? {
    Self.list(
      "Variables",
      diff.variables.map { variable in
        let word =
          variable.to == nil
          ? "no longer read"
          : variable.isNewlyRequired ? "**now required**" : variable.to?.rawValue ?? ""
        return "\(Self.code(variable.name)) \(word)"
      })
  }

  private func migrations(_ diff: SlugDiff) -> String? {
    Self.list(
      "Migrations",
      diff.migrations.added.map { "new \(Self.code($0.name))" }
        + diff.migrations.removed.map { "gone \(Self.code($0.name))" })
  }

  private var bootTime: String? {
    guard let new = boot.new else { return nil }
    guard let old = boot.old else { return "Boot: \(new) ms" }
    return "Boot: \(new) ms (\(new < old ? "−" : "+")\(abs(new - old)) ms)"
  }

  private func size(_ diff: SlugDiff) -> String? {
    guard let old = diff.size.from, let new = diff.size.to, old != new else { return nil }
    let change = SlugDiff.bytes(abs(new - old))
    return "Size: \(SlugDiff.bytes(new)) (\(new < old ? "−" : "+")\(change))"
  }

  private static let most = 12

  private static func list(_ name: String, _ parts: [String]) -> String? {
    if parts.isEmpty { return nil }
    let more = parts.count > most ? " and \(parts.count - most) more" : ""
    return "\(name): \(parts.prefix(most).joined(separator: ", "))\(more)"
  }

  /// Text from outside as code, in which neither markup nor names of people have an effect. CommonMark, 6.1
  private static func code(_ text: String) -> String {
    let plain = String(
      text.unicodeScalars.map { scalar -> Character in
        scalar.value < 32 || "`|".unicodeScalars.contains(scalar) ? " " : Character(scalar)
      })
    return "`\(plain)`"
  }
}
