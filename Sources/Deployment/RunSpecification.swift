import ConfigStore
import Events
import HomeLayout
import Instance
import ReleaseModel
import SlugStore

extension RunSpecification {
  /// Seconds between SIGTERM and SIGKILL for a preview, at most.
  private static let previewGrace = 20

  /// The specification of a run on the board.
  /// - Parameter manifest: the manifest of the slug of the run's release.
  public init(
    _ run: Board.Run, of app: Board.App, _ manifest: Manifest, home: Home,
    environment: [String: String]
  ) throws(Cause) {
    guard let release = app.release(run.release) else {
      throw Cause(.releaseUnknown, "'\(app.name)' has no release \(run.release)")
    }
    guard let command = manifest.command(of: run.instance.process) else {
      throw Cause(
        .processUnknown,
        "\(run.release) of '\(app.name)' has no process type '\(run.instance.process)'")
    }
    self.init(
      app: app.name, run: run, folder: home.app(app.name).run(run.instance.description, run.id),
      tree: StoredSlugs(home: home).tree(release.slug),
      otpRelease: manifest.release(startedBy: run.instance.process),
      command: command,
      config: try ConfigSets(home: home, app: app.name).load(release.config).values,
      epmdPort: try EPMDKeeper(home: home).port(environment: environment),
      user: try AppUser.of(app.name, in: home))
    grace = manifest.appJSON?.reltui?.processes?[run.instance.process]?.grace
    if app.preview != nil {
      // What a preview says of itself must not keep it from being closed.
      config["RELTUI_STOP_GRACE"] = nil
      grace = min(grace ?? Self.previewGrace, Self.previewGrace)
    }
  }
}
