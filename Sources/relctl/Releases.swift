import CommandLine
import Events
import HomeLayout
import Posix

extension Command {
  static let releases = Command(
    CommandSyntax(
      "releases", "APP", count: 1...1, "show an app's ledger, newest first", options: [.json])
  ) { call throws(Cause) in
    let app = try call.app(call.target().app)
    let reports = app.releases.reversed().map { ReleaseReport($0, of: app) }
    if call.wantsJSON { return call.report(json: reports) }
    if reports.isEmpty {
      call.context.print("no releases yet; make one with: relctl deploy \(app.name) DIR")
      return .success
    }
    let now = Timestamp(milliseconds: Clock.now())
    let rows = reports.map { report in
      [
        report.isCurrent ? "*" : "", "\(report.release)", String(report.slug.prefix(12)),
        report.by ?? "–", Age.text(now.elapsed(since: report.time)),
        call.shown(report.cause.map { "failed: \($0.sentence)" } ?? report.reason),
      ]
    }
    let head = ["", "RELEASE", "SLUG", "BY", "AGE", "WHAT"]
    call.context.print(trimmed(Table.render([head] + rows)))
    return .success
  }
}
