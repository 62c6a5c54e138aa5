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

        Each app has APP.localhost already. Other hosts reach the router after relctl router listen.
        """,
      options: [
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
