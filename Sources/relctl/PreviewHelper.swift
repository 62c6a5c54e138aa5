import CommandLine
import Deployment
import Events
import HomeLayout
import Journal
import Posix
import SlugStore

extension Command {
  /// What the agent has done for a preview by a program of its own. It prints a `PreviewOutcome` and is in no help.
  static let previewHelper = Command(
    CommandSyntax(
      "preview-helper", "provide|remove APP [SLUG]", count: 2...3, "for the agent alone")
  ) { call throws(Cause) in
    let home = try call.home()
    let name = call.positional(1)
    let board = try call.board()
    guard let preview = board.apps[name]?.preview else {
      throw Cause(.previewUnknown, "no preview '\(name)'")
    }
    let outcome: PreviewOutcome
    switch call.positional(0) {
    case "provide":
      outcome = PreviewProvision(home: home, app: name, preview: preview).run(
        slug: call.positional(2))
    case "remove":
      outcome = PreviewRemoval.run(home: home, app: name, preview: preview) { () throws(Cause) in
        try call.removeSlugs(of: name, from: home, on: board)
      }
    default: throw Cause(.usage, "'\(call.positional(0))' is neither provide nor remove")
    }
    return call.report(json: outcome)
  }
}

extension CommandCall {
  /// Removes the slugs of a preview's releases that nothing else needs.
  fileprivate func removeSlugs(of app: String, from home: Home, on board: Board) throws(Cause)
    -> [String]
  {
    let preview = board.apps[app]?.preview
    let own = Set((board.apps[app]?.releases.map(\.slug) ?? []) + (preview?.slugs ?? []))
    let store = StoredSlugs(home: home)
    // One that was announced since is for something else; if that does not come, `slug gc` takes it.
    func isAnnounced(_ id: String) -> Bool {
      // Nothing else gets a fork's.
      guard let pushed = preview?.pushed, let used = store.lastUse(id), !store.mayBeOfFork(id)
      else { return false }
      return used > pushed
    }
    func isUnused(_ id: String) throws(Cause) -> Bool {
      try SlugUse(of: home).reason(id, besides: app) == nil
    }
    return try remove(from: home) { () throws(Cause) in
      let stored = Set(try store.list())
      var unused: [String] = []
      for id in own.intersection(stored).sorted() {
        if !isAnnounced(id), try isUnused(id) { unused.append(id) }
      }
      return unused
    } isUnused: { id throws(Cause) in
      try isUnused(id)
    } told: { _ in
    }.removed
  }
}
