import CommandLine
import Events
import HomeLayout
import Operations
import Posix
import ReleaseModel
import SlugStore

extension Command {
  static let previewComment = Command(
    CommandSyntax(
      "preview comment", "[PREVIEW]", count: 0...1, "print what CI writes below a pull request",
      details: """
        Markdown with the address, the commit, the state and the lease, and with what differs from the
        release that the parent runs: applications, variables, migrations, boot time, size. Its first line is
        a mark by which CI finds the comment that it is to replace; see docs/guide/previews.md.
        """, options: Option.pullRequest)
  ) { call throws(Cause) in
    let app = try call.preview()
    let now = Timestamp(milliseconds: Clock.now())
    guard let report = PreviewReport(app, now: now) else { return .success }
    let parent = try call.board().apps[report.parent]
    let store = StoredSlugs(home: try call.home())
    let release = parent?.currentRelease
    let shown = app.currentRelease
    var diff: SlugDiff?
    if let release, let shown, let old = try? store.manifest(release.slug),
      let new = try? store.manifest(shown.slug)
    {
      diff = SlugDiff(from: old, to: new)
    }
    let comment = PreviewComment(
      report, parent: release.map { AppRelease(app: report.parent, release: $0.number) },
      diff: diff,
      boot: (release?.boots?.last?.total, shown?.boots?.last?.total))
    call.context.print(String(comment.markdown.dropLast()))
    return .success
  }
}
