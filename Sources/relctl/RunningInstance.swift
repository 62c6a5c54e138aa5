import Events
import HomeLayout
import Instance
import Operations
import SlugStore

extension CommandCall {
  /// The named instance, or the app's first running one.
  func runningInstance() throws(Cause) -> (app: Board.App, run: Board.Run) {
    let (name, instance) = try target()
    let app = try app(name)
    let running = app.liveRuns.filter { $0.state == .ready || $0.state == .unready }
      .sorted { $0.instance < $1.instance }
    guard let run = running.first(where: { instance == nil || $0.instance == instance }) else {
      throw Cause(
        .remote,
        instance.map { "'\($0)' of '\(name)' is not running" } ?? "'\(name)' is not running",
        remedy: "See the instances with: relctl ps \(name)")
    }
    return (app, run)
  }

  func specification(of run: Board.Run, _ app: Board.App) throws(Cause) -> RunSpecification {
    let home = try home()
    guard let release = app.release(run.release) else {
      throw Refusal.unknownRelease(run.release, app: app.name).cause
    }
    return try RunSpecification(
      run, of: app, StoredSlugs(home: home).manifest(release.slug), home: home,
      environment: context.environment)
  }
}
