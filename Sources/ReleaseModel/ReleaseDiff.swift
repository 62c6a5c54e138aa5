import Events

/// The changes from one release of an app to another. Its JSON is what `relctl diff --json` prints.
public struct ReleaseDiff: Encodable, Sendable {
  public var from: ReleaseReport
  public var to: ReleaseReport
  public var config: ConfigChanges
  public var slug: SlugDiffReport
  /// Nil if the times of one of them are not kept.
  public var boot: BootDiff?
  private let unbooted: [ReleaseNumber]

  private enum CodingKeys: String, CodingKey { case from, to, config, slug, boot }

  /// - Parameter manifest: reads the manifest of a slug by its id.
  public init(
    from old: Board.Release, to new: Board.Release, of app: Board.App, config: ConfigChanges,
    manifest: (String) throws(Cause) -> Manifest
  ) throws(Cause) {
    (from, to) = (ReleaseReport(old, of: app), ReleaseReport(new, of: app))
    self.config = config
    slug = SlugDiffReport(
      from: old.slug, to: new.slug,
      SlugDiff(from: try manifest(old.slug), to: try manifest(new.slug)))
    if let first = old.boots?.last, let last = new.boots?.last {
      boot = BootDiff(from: first, to: last)
    }
    unbooted = [old, new].filter { $0.boots?.isEmpty != false }.map(\.number)
  }

  public var lines: [String] {
    var text = DiffText()
    for release in [from, to] { text.add("\(release.release)", [Self.line(release)]) }
    text.add("config vars", config.isEmpty ? ["the same"] : SlugDiff.some(config.lines))
    return text.lines + slug.lines + bootLines
  }

  private var bootLines: [String] {
    var text = DiffText()
    if let boot {
      text.add("boot", boot.lines)
    } else {
      let names = unbooted.map(\.description).joined(separator: " and ")
      text.add("boot", ["no times of \(names) are kept"])
    }
    return text.lines
  }

  /// `by ana, 2026-11-21T06:31:10.000Z, deploy: Say hello (4be1c90)`
  private static func line(_ release: ReleaseReport) -> String {
    let commit = release.commit.map { " (\($0.prefix(7)))" } ?? ""
    let facts = [release.by.map { "by \($0)" }, "\(release.time)", release.reason + commit]
    return facts.compactMap { $0 }.joined(separator: ", ")
  }
}
