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
    for type in call.arguments.allValues["--require"] ?? [] {
      if try call.journal().has(type, of: slug) { continue }
      throw Cause(
        .eventRequired, "the log has no event \(type) for the slug \(slug.prefix(12))",
        remedy:
          "It is written by: relctl events emit \(type) --data '{\"slug\":\"\(slug.prefix(12))\"}'")
    }
    try call.warnOfVariables(of: slug, for: name)
    if call.arguments.has("--dry-run") { return try call.outline(Deploy(app: name, slug: slug)) }
    return try call.request(Deploy(app: name, slug: slug))
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
    let lines = try DeploymentOutline.lines(for: operation, on: board(), home: home())
    if wantsJSON { return report(json: lines) }
    for (index, line) in lines.enumerated() { context.print(shown("\(index + 1). \(line)")) }
    return .success
  }

  /// Warns of unset variables that the release's run-time configuration needs. The deployment may still succeed, since
  /// the release's own scripts can set variables.
  func warnOfVariables(of slug: String, for app: String) throws(Cause) {
    let manifest = try StoredSlugs(home: home()).manifest(slug)
    let set = try config(of: try board().apps[app]).values
    var told: Set<String> = []
    for variable in manifest.variables ?? [] where variable.need == .required {
      let (name, said) = (variable.name, manifest.appJSON?.env?[variable.name])
      // The agent and the release's own scripts set these.
      let isOurs = ConfigVar.reserved.contains(name) || name.hasPrefix("RELEASE_")
      let isGiven = set[name] != nil || said?.value != nil || said?.generator != nil
      guard !isOurs, !isGiven, told.insert(name).inserted else { continue }
      let line =
        " !     "
        + shown(
          "needs \(name) (\(variable.file):\(variable.line)): not among the config vars")
      if wantsJSON { context.note(line) } else { context.print(line) }
    }
  }
}
