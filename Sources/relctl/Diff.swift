import CommandLine
import ConfigStore
import Events
import Operations
import ReleaseModel
import SlugStore

extension Command {
  static let diff = Command(
    CommandSyntax(
      "diff", "APP [vN [vM]]", count: 1...3, "show what changes from one release to another",
      details: """
        Without a number it compares the release before the current one with the current one; with one
        number, that release with the current one. It shows who made them, the names of config vars that
        differ, what differs in the slugs (see relctl slug diff), and how long each boot took, part by
        part. Boot times are kept of the newest two releases that booted.
        """,
      options: [.json])
  ) { call throws(Cause) in
    let app = try call.app(call.target().app)
    let (old, new) = try call.releases(of: app)
    let (slugs, sets) = (
      StoredSlugs(home: try call.home()), ConfigSets(home: try call.home(), app: app.name)
    )
    let config = ConfigChanges(
      from: try sets.load(old.config).values, to: try sets.load(new.config).values)
    let diff = try ReleaseDiff(from: old, to: new, of: app, config: config) { slug throws(Cause) in
      try slugs.manifest(slug)
    }
    if call.wantsJSON { return call.report(json: diff) }
    for line in diff.lines { call.context.print(call.shown(line)) }
    return .success
  }
}

extension CommandCall {
  /// The two releases that the command is to compare.
  fileprivate func releases(of app: Board.App) throws(Cause) -> (Board.Release, Board.Release) {
    let first = try releaseNumber(1, of: app.name)
    let second = try releaseNumber(2, of: app.name) ?? app.current
    guard let second else { throw Refusal.noRelease(app: app.name).cause }
    guard let new = app.release(second) else {
      throw Refusal.unknownRelease(second, app: app.name).cause
    }
    if let first {
      if let old = app.release(first) { return (old, new) }
      throw Refusal.unknownRelease(first, app: app.name).cause
    }
    if let old = app.releases.last(where: { $0.number < second && $0.wasCurrent }) {
      return (old, new)
    }
    throw Cause(.releaseUnknown, "'\(app.name)' has no release before \(second) that served")
  }
}
