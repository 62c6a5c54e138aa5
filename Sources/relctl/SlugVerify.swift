import CommandLine
import Events
import SlugStore

extension Command {
  static let slugVerify = Command(
    CommandSyntax(
      "slug verify", "[SLUG…|--all]", count: 0...1000, "hold stored slugs against their manifests",
      details: """
        Every file's content, kind and executable bit, every link's target, that nothing is missing
        and nothing is there besides; and the manifest against the slug's id. Of all slugs where
        none is named. Exit code 65 if one is damaged.
        """,
      options: [Option("--all", "all slugs of the home"), .json])
  ) { call throws(Cause) in
    let store = StoredSlugs(home: try call.home())
    let named = call.arguments.positional
    if call.arguments.has("--all"), !named.isEmpty {
      throw Cause(.usage, "'--all' and '\(named[0])' do not go together")
    }
    let ids =
      named.isEmpty
      ? try store.list() : try named.map { name throws(Cause) in try store.find(name) }
    var done: [SlugVerification] = []
    for id in ids {
      guard let result = store.verify(id) else { continue }
      done.append(result)
      if !call.wantsJSON { for line in lines(of: result) { call.context.print(call.shown(line)) } }
    }
    if call.wantsJSON { call.print(json: done) }
    let damaged = done.filter { !$0.findings.isEmpty }.map { String($0.slug.prefix(12)) }
    if damaged.isEmpty {
      if done.isEmpty, !call.wantsJSON { call.context.print("no slugs yet") }
      return .success
    }
    throw Cause(
      .slugDamaged,
      damaged.count == 1
        ? "slug \(damaged[0]) is damaged"
        : "\(damaged.count) of \(done.count) slugs are damaged: "
          + damaged.prefix(10).joined(separator: ", "),
      remedy: "Look at the disk, and deploy another slug; what runs from this one may fail.")
  }

  private static func lines(of result: SlugVerification) -> [String] {
    let id = result.slug.prefix(12)
    if result.findings.isEmpty {
      return ["\(id)  as it was stored: \(result.files) files, \(ByteCount.text(result.bytes))"]
    }
    return result.findings.map { "\(id)  \($0.sentence)" }
  }
}
