import CommandLine
import Events
import HomeLayout
import Observation
import Posix
import SlugStore

extension Command {
  static let slugList = Command(
    CommandSyntax(
      "slug list", "", "show the slugs of this home and who needs them, newest first",
      options: [.json])
  ) { call throws(Cause) in
    let home = try call.home()
    let reports = try SlugReport.all(in: home)
    if call.wantsJSON { return call.report(json: reports) }
    if reports.isEmpty {
      call.context.print("no slugs yet; build one with: relctl build DIR")
      return .success
    }
    let now = Timestamp(milliseconds: Clock.now())
    let rows = reports.map { report in
      [
        String(report.slug.prefix(12)), report.time.map { Age.text(now.elapsed(since: $0)) } ?? "–",
        report.bytes.map(ByteCount.text) ?? "damaged", report.usage,
        call.shown(report.line ?? report.folder ?? ""),
      ]
    }
    let head = ["SLUG", "AGE", "SIZE", "RELEASES", "WHAT"]
    call.context.print(trimmed(Table.render([head] + rows)))
    return .success
  }

  static let slugInspect = Command(
    CommandSyntax(
      "slug inspect", "SLUG", count: 1...1, "show what a slug says of itself",
      details: "With --json: its manifest, whole.", options: [.json])
  ) { call throws(Cause) in
    let store = StoredSlugs(home: try call.home())
    let id = try store.find(call.positional(0))
    let manifest = try store.manifest(id)
    if call.wantsJSON { return call.report(json: manifest) }
    for line in SlugDescription(id, manifest, store.provenance(id)).lines {
      call.context.print(call.shown(line))
    }
    return .success
  }
}

/// A stored slug, as lists show it.
private struct SlugReport: Encodable {
  var slug: String
  var time: Timestamp?
  var by: String?
  var commit: String?
  var line: String?
  var folder: String?
  /// The size of all files; nil if the manifest is damaged.
  var bytes: Int?
  var releases: [Board.SlugUser]

  static func all(in home: Home) throws(Cause) -> [SlugReport] {
    let store = StoredSlugs(home: home)
    let users = try LiveBoard.board(of: home, program: "relctl").board.slugUsers
    let reports = try store.list().map { id in
      let provenance = store.provenance(id)
      return SlugReport(
        slug: id, time: provenance?.time, by: provenance?.by, commit: provenance?.commit,
        line: provenance?.line, folder: provenance?.folder,
        bytes: (try? store.manifest(id))?.size,
        releases: (users[id] ?? []).filter { $0.release != nil })
    }
    let none = Timestamp(milliseconds: 0)
    return reports.sorted { ($1.time ?? none, $0.slug) < ($0.time ?? none, $1.slug) }
  }

  /// The newest release of each app, and how many others it has.
  var usage: String {
    let apps = Dictionary(grouping: releases, by: \.app).sorted { $0.key < $1.key }
    let words = apps.map { app, releases in
      let newest = releases.compactMap(\.release).max().map { " \($0)" } ?? ""
      return app + newest + (releases.count > 1 ? " +\(releases.count - 1)" : "")
    }
    return words.isEmpty ? "–" : words.joined(separator: ", ")
  }
}
