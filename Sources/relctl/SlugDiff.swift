import CommandLine
import Events
import ReleaseModel
import SlugStore

extension Command {
  static let slugDiff = Command(
    CommandSyntax(
      "slug diff", "SLUG SLUG", count: 2...2, "show what changes from one slug to another",
      details: """
        Config vars that are newly required, migrations, process types, OTP applications, start
        types, boot order, target and files; and whether OTP could upgrade a running node, and why
        not. With --json all of it, every file too.
        """,
      options: [.json])
  ) { call throws(Cause) in
    let store = StoredSlugs(home: try call.home())
    let ids = [try store.find(call.positional(0)), try store.find(call.positional(1))]
    let report = SlugDiffReport(
      from: ids[0], to: ids[1],
      SlugDiff(from: try store.manifest(ids[0]), to: try store.manifest(ids[1])))
    if call.wantsJSON { return call.report(json: report) }
    for line in report.lines { call.context.print(call.shown(line)) }
    return .success
  }
}
