import CommandLine
import Events
import HomeLayout
import Journal
import Posix
import SlugStore

extension Command {
  /// How many unused slugs are kept: enough for the builds of a day or two.
  private static let kept = 5

  static let slugGC = Command(
    CommandSyntax(
      "slug gc", "", "remove slugs that no release needs",
      details: """
        Kept are the slugs of every release in a ledger and of every open request, those that
        something runs from, those stored or asked for within the last hour, and of the others the
        \(kept) newest, or as many as --keep says.
        """,
      options: [
        Option("--dry-run", "say what would go, and remove nothing"),
        Option("--keep", value: "N", "keep the N newest unused ones"), .json,
      ])
  ) { call throws(Cause) in
    let home = try call.home()
    let store = StoredSlugs(home: home)
    let keep = try call.number(
      "--keep", in: 0...(.max), of: "slugs", remedy: "As in: --keep \(kept)")
    func choose() throws(Cause) -> [String] {
      var slugs: [String: Timestamp] = [:]
      for id in try store.list() { slugs[id] = store.lastUse(id) }
      return SlugChoice.removable(
        slugs, used: try SlugUse(of: home).used, keep: keep ?? kept,
        now: Timestamp(milliseconds: Clock.now()))
    }
    let isTry = call.arguments.has("--dry-run")
    let freed =
      isTry
      ? SlugRemoval(store).estimate(try choose())
      : try call.remove(from: home, choose: choose) { id in
        call.context.print("removed \(id.prefix(12))")
      }
    if call.wantsJSON { return call.report(json: freed) }
    if isTry { for id in freed.removed { call.context.print("would remove \(id.prefix(12))") } }
    let count = try store.list().count - (isTry ? freed.removed.count : 0)
    call.context.print(
      "\(ByteCount.text(freed.bytes)) \(isTry ? "would be " : "")freed; \(count == 1 ? "1 slug stays" : "\(count) slugs stay")"
    )
    return .success
  }

  static let slugRemove = Command(
    CommandSyntax(
      "slug rm", "SLUG…", count: 1...1000, "remove slugs by name",
      details: "One that a release in a ledger needs is refused, and none is removed then.",
      options: [.json])
  ) { call throws(Cause) in
    let home = try call.home()
    let store = StoredSlugs(home: home)
    let freed = try call.remove(from: home) { () throws(Cause) in
      let ids = try call.arguments.positional.map { name throws(Cause) in try store.find(name) }
      let use = try SlugUse(of: home)
      for id in ids { if let reason = use.reason(id) { throw reason } }
      return Set(ids).sorted()
    } told: { _ in
    }
    if call.wantsJSON {
      call.print(json: freed)
    } else {
      call.context.print("\(ByteCount.text(freed.bytes)) freed")
    }
    return .success
  }
}

extension CommandCall {
  /// Removes slugs under the store's lock, and writes an event for each.
  func remove(
    from home: Home, choose: () throws(Cause) -> [String],
    isUnused: ((String) throws(Cause) -> Bool)? = nil, told: (String) -> Void
  ) throws(Cause) -> SlugRemoval.Freed {
    let journal = EventJournal(home: home, program: "relctl")
    return try SlugRemoval(StoredSlugs(home: home)).run(
      choose: choose,
      isUnused: { id throws(Cause) in
        if let isUnused { return try isUnused(id) }
        return try SlugUse(of: home).reason(id) == nil
      },
      tell: { id throws(Cause) in
        try journal.append(
          .slugRemoved, app: nil, EventData { ($0.slug, $0.by) = (id, user) })
        if !wantsJSON { told(id) }
      })
  }
}
