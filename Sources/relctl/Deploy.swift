import CommandLine
import Deployment
import Events
import Operations
import Posix
import SlugStore

extension Command {
  static let deploy = Command(
    CommandSyntax(
      "deploy", "APP SLUG|DIR|FILE", count: 2...2, "make a slug the app's next release",
      details: """
        DIR or FILE is made a slug first; see relctl build. What has no / in its name and is neither a
        folder nor a file is taken for a slug's id. The new release starts beside the old one and takes
        over when all its instances are ready; if one does not get ready, the old release is not touched.
        For the next 10 s, or as app.json says, the old release stands by: if an instance of the new one
        crashes, the old one takes over again.
        """,
      options: Option.buildVariables + [
        Option("--require", value: "TYPE", "only if the log has an event TYPE for the slug"),
        Option("--dry-run", "say what would be done; a DIR or FILE is made a slug all the same"),
        .until, .detach, .json,
      ])
  ) { call throws(Cause) in
    let name = try call.target().app
    let slug = try call.slug(for: name)
    let deploy = Deploy(app: name, slug: slug)
    for type in call.arguments.allValues["--require"] ?? [] {
      if try call.journal().has(type, of: slug) { continue }
      throw call.recorded(
        Cause(
          .eventRequired, "the log has no event \(type) for the slug \(slug.prefix(12))",
          remedy:
            "It is written by: relctl events emit \(type) --data '{\"slug\":\"\(slug.prefix(12))\"}'"
        ),
        against: deploy)
    }
    if call.arguments.has("--dry-run") { return try call.outline(deploy) }
    return try call.request(deploy)
  }
}

extension CommandCall {
  /// The slug that the operator named, or a new slug made from the named folder or file.
  fileprivate func slug(for app: String) throws(Cause) -> String {
    let (what, path) = (positional(1), context.absolute(positional(1)))
    if what.contains("/") || Files.isFolder(path) || Files.isFile(path) {
      return try SlugMaker(call: self, app: app, isBootChecked: false)
        .make(from: Source(what, context))
    }
    try refuseBuildVariables(for: what)
    let store = StoredSlugs(home: try home())
    do throws(Cause) {
      let slug = try store.find(what)
      try store.touch(slug)
      return slug
    } catch {
      guard error.id == ProblemID.slugUnknown.rawValue else { throw error }
      throw Cause(.slugUnknown, "\(error.sentence), nor a folder or file of that name")
    }
  }

  /// Prints the steps of the deployment instead of requesting it.
  fileprivate func outline(_ operation: Deploy) throws(Cause) -> Outcome {
    let board = try board()
    try tell(warnings(for: operation, on: board))
    let lines = try DeploymentOutline.lines(for: operation, on: board, home: home())
    if wantsJSON { return report(json: lines) }
    for (index, line) in lines.enumerated() { context.print(shown("\(index + 1). \(line)")) }
    return .success
  }
}
