import CommandLine
import Events
import Operations

extension Command {
  static let domains = Command(
    CommandSyntax(
      "domains", "APP [add|rm NAME[/PREFIX]]", count: 1...3,
      "show or change the names under which clients reach an app",
      details: """
        Example: relctl domains greeter add greeter.example.com

        A name is a host (shop.example.com), a wildcard for one more label (*.example.com), or * for every
        host that no other domain has. With a path prefix (example.com/api) an app gets a part of a host;
        it does not see the prefix, unless relctl router set APP prefix=keep says so. The most exact name
        gets a request: a host before a wildcard, the longer prefix before the shorter.

        With --previews, *.NAME is where the app's previews have addresses, each APP-pr-N.NAME. NAME must be
        neither a domain of an app nor near one, so that no cookie of an app reaches a preview.

        Each app has APP.localhost already. Other hosts reach the router after relctl router listen.
        """,
      options: [
        Option("--previews", "it is for the app's previews"),
        Option("--share", "add it although it overlaps the domain of another app"), .detach, .json,
      ])
  ) { call throws(Cause) in
    let app = try call.target().app
    let words = call.arguments.positional.dropFirst()
    // Report an unknown app before a malformed word.
    let known = try call.app(app)
    guard let word = words.first else { return try call.showDomains(of: known) }
    guard ["add", "rm"].contains(word) else {
      throw Cause(.usage, "'\(word)' is neither 'add' nor 'rm'")
    }
    guard words.count == 2, let name = words.last else {
      throw Cause(
        .usage, "\(word) needs a domain", remedy: "relctl domains \(app) \(word) shop.example.com")
    }
    if call.arguments.has("--previews") { return try call.changePreviewHost(of: known, word, name) }
    if let fault = Domain.fault(in: name) {
      throw Cause(.domain, "'\(name)' is no domain: \(fault)")
    }
    guard let domain = Domain(name) else { return .success }
    let isShared = call.arguments.has("--share")
    return try call.request(
      ChangeDomains(app: app, word == "rm" ? .remove : isShared ? .share : .add, domain))
  }
}

extension CommandCall {
  fileprivate func changePreviewHost(of app: Board.App, _ word: String, _ name: String)
    throws(Cause)
    -> Outcome
  {
    guard name.hasPrefix("*."), let domain = Domain(name), domain.prefix.isEmpty else {
      throw Cause(
        .domain, "'\(name)' is no wildcard", remedy: "Write it as in: *.previews.example.com")
    }
    let host = String(domain.host.dropFirst(2))
    if word == "rm", app.previewHost != host {
      throw Refusal.noDomain(
        domain, app: app.name, has: app.previewHost.flatMap { Domain("*." + $0) }.map { [$0] } ?? []
      ).cause
    }
    return try request(ChangePreviews(app: app.name, ["host": word == "rm" ? "none" : host]))
  }

  fileprivate func showDomains(of app: Board.App) throws(Cause) -> Outcome {
    let domains = app.domains ?? []
    if wantsJSON { return report(json: domains) }
    if let address = app.address { context.print("\(address)\n") }
    for domain in domains { context.print("\(domain)") }
    if domains.isEmpty {
      context.print(
        "\(app.name) has no domain of its own; to give it one: relctl domains \(app.name) add NAME")
    }
    return .success
  }
}
