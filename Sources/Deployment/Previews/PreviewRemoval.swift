import Events
import HomeLayout
import Instance
import Posix

/// The removal of everything that belongs to a preview whose runs have ended. Each step can be repeated, and none keeps the
/// others from being tried.
///
/// It is made by a helper program, since it takes longer than the agent may wait.
public struct PreviewRemoval {
  let home: Home
  let app: String
  let preview: Board.Preview
  private var removed: [String] = []
  private var failures: [Cause] = []

  public init(home: Home, app: String, preview: Board.Preview) {
    (self.home, self.app, self.preview) = (home, app, preview)
  }

  /// - Parameter removeSlugs: removes the slugs that nothing else needs, and returns their ids.
  public static func run(
    home: Home, app: String, preview: Board.Preview, removeSlugs: () throws(Cause) -> [String]
  ) -> PreviewOutcome {
    var removal = PreviewRemoval(home: home, app: app, preview: preview)
    removal.removeAddOns()
    removal.removeUsersTraces()
    // The folder has the list of add-ons and the uid, so it goes when those are gone.
    if removal.failures.isEmpty { removal.removeFolder() }
    removal.attempt { () throws(Cause) in try removeSlugs().map { "slug \($0.prefix(12))" } }
    return removal.outcome
  }

  private var outcome: PreviewOutcome {
    guard let first = failures.first else { return PreviewOutcome(removed: removed) }
    let more = failures.count > 1 ? ", and \(failures.count - 1) more" : ""
    return PreviewOutcome(
      removed: removed,
      cause: Cause(
        .previewLeftover, "'\(app)' is not closed completely: \(first.sentence)\(more)",
        remedy: first.remedy ?? "It is tried again every minute."))
  }

  private mutating func attempt(_ step: () throws(Cause) -> [String]) {
    do throws(Cause) { removed += try step() } catch { failures.append(error) }
  }

  private mutating func removeAddOns() {
    let hooks = AddOnHooks(home: home, app: app, preview: preview)
    attempt { [home, app] () throws(Cause) in
      var gone: [String] = []
      var failure: Cause?
      for name in try AddOnStore(home: home, app: app).load().addons.keys.sorted() {
        do throws(Cause) {
          try hooks.destroy(name)
          gone.append("add-on \(name)")
        } catch { failure = failure ?? error }
      }
      if let failure { throw failure }
      return gone
    }
  }

  /// Only where the preview has a uid of its own is it known what is its.
  private mutating func removeUsersTraces() {
    guard User.isRoot else { return }
    attempt { [home, app] () throws(Cause) in
      guard let user = try AppUser.known(app, in: home) else { return [] }
      let count = try Cause.explaining(UserTraces(of: user.id, sparing: home.root).remove())
      return count == 0 ? [] : ["\(count) files, processes and shared memory of the uid \(user.id)"]
    }
  }

  private mutating func removeFolder() {
    let folder = home.app(app).path
    attempt { () throws(Cause) in
      guard Files.exists(folder) else { return [] }
      try Cause.explaining(Files.remove(folder))
      return ["config vars, runs and logs"]
    }
  }
}
