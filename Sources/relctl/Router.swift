import CommandLine
import Events
import HomeLayout
import Instance
import Operations
import Posix
import Router

extension Command {
  static let router = Command(
    CommandSyntax(
      "router", "", "show where the router listens, and the requests of each app",
      details: """
        Where it listens, whose X-Forwarded headers it keeps, and for each app the requests that it had
        since the router was started or read another configuration.
        """, options: [.json])
  ) { call throws(Cause) in
    try call.showRouter()
  }

  static let routerListen = Command(
    CommandSyntax(
      "router listen", "off|http=PORT [https=PORT] [metrics=PORT]", count: 1...3,
      "let other hosts reach the apps that have domains",
      details: """
        Example: relctl router listen http=80 https=443

        The router then listens on all addresses of this host, or on those that --on names, for the
        domains of the apps; relctl domains shows them. It goes on to listen on the loopback address, where
        each app has APP.localhost, too. Ports below 1024 need root. On the port metrics, Prometheus reads
        /metrics; without --on it is on the loopback address.
        """,
      options: [
        Option(
          "--on", value: "ADDRESSES",
          "listen only on these addresses, such as 192.0.2.7,2001:db8::7"),
        .detach, .json,
      ])
  ) { call throws(Cause) in
    let settings = try call.listenSettings()
    if settings.https != nil { try call.makeStandIn() }
    let outcome = try call.request(ChangeRouter(listen: settings))
    for place in try call.closedAddresses() {
      call.warn(Cause(.router, "the router does not listen on \(place)"))
    }
    return outcome
  }

  static let routerTrust = Command(
    CommandSyntax(
      "router trust", "none|CIDR…", count: 1...50, "keep the X-Forwarded headers of these proxies",
      details: """
        Example: relctl router trust 10.0.0.0/8

        Requests from these addresses come from a proxy or load balancer in front of the router: their
        X-Forwarded headers, and Forwarded, reach the app. Those of other clients are replaced.
        """, options: [.detach, .json])
  ) { call throws(Cause) in
    let words = call.arguments.positional
    let ranges = try (words == ["none"] ? [] : words).map { word throws(Cause) -> AddressRange in
      guard let range = AddressRange(word) else {
        throw Cause(
          .usage, "'\(word)' is no range of addresses", remedy: "Write it as in: 10.0.0.0/8")
      }
      return range
    }
    return try call.request(ChangeRouter(trust: ranges))
  }

  static let routerSet = Command(
    CommandSyntax(
      "router set", "APP [OPTION=VALUE…]", count: 1...10,
      "show or change how the router treats an app's requests",
      details: "Example: relctl router set greeter body=10M log=on\n\n"
        + trimmed(
          Table.render(RouteOptions.Name.allCases.map { ["  \($0.rawValue)", $0.meaning] })),
      options: [.detach, .json])
  ) { call throws(Cause) in
    let name = try call.target().app
    let app = try call.app(name)
    let words = call.arguments.positional.dropFirst()
    if words.isEmpty { return call.showOptions(of: app) }
    let change: ChangeRoute
    do throws(Refusal) { change = try ChangeRoute(app: name, words: words) } catch {
      throw error.cause
    }
    return try call.request(change)
  }

  static let routerWhy = Command(
    CommandSyntax(
      "router why", "HOST[/PATH]", count: 1...1, "say which app gets a request, by which rule",
      details: """
        Example: relctl router why shop.example.com/api/orders

        It names the rule, the app and its instances that take requests now, or why none does.
        """, options: [.json])
  ) { call throws(Cause) in
    try call.explainRoute(call.arguments.positional[0])
  }
}

extension CommandCall {
  fileprivate func listenSettings() throws(Cause) -> RouterSettings {
    let words = arguments.positional
    var settings = RouterSettings()
    if words == ["off"] { return settings }
    for word in words {
      let parts = word.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, ["http", "https", "metrics"].contains(parts[0]),
        let port = UInt16(parts[1]),
        port > 0
      else {
        throw Cause(
          .usage, "'\(word)' is none of http=PORT, https=PORT, metrics=PORT",
          remedy: "Write it as in: http=80"
        )
      }
      switch parts[0] {
      case "http": settings.http = port
      case "https": settings.https = port
      default: settings.metrics = port
      }
    }
    settings.on = try (arguments["--on"] ?? "").split(separator: ",").map { word throws(Cause) in
      guard AddressRange(String(word))?.isSingle == true else {
        throw Cause(.usage, "'\(word)' is no address", remedy: "Write it as in: 192.0.2.7")
      }
      return String(word)
    }
    try checkPorts(of: settings)
    return settings
  }

  /// Where the router should listen and cannot. A HAProxy that leaves may have a port for a moment.
  fileprivate func closedAddresses() throws(Cause) -> [String] {
    let (folder, end) = (try home().router, Clock.monotonic() + 3000)
    while let closed = RouterStatus(of: folder)?.closed, !closed.isEmpty {
      if Clock.monotonic() > end { return closed }
      Clock.pause(milliseconds: 50)
    }
    return []
  }

  /// The certificate without which HAProxy does not listen for TLS.
  fileprivate func makeStandIn() throws(Cause) {
    let folder = try home().router
    if Files.isFile(folder.standIn) { return }
    let bytes = try CertificateFile.standIn()
    do throws(PosixError) {
      try Files.makeFolder(folder.certificates)
      try Files.replace(folder.standIn, with: bytes)
    } catch { throw Cause(error, as: .homeUnwritable) }
  }

  /// Tries to listen, so that the operator learns at once which program has a port.
  private func checkPorts(of settings: RouterSettings) throws(Cause) {
    let router = RouterStatus(of: try home().router)
    let own = router.map { $0.http + $0.https + $0.metrics } ?? []
    let sockets = RouterSockets(settings)
    for place in sockets.http + sockets.https + sockets.metrics {
      if own.contains(where: { $0.hasSuffix(":\(place.port)") }) { continue }
      do throws(PosixError) { _ = try ListeningSocket.tcp(place.address, place.port) } catch {
        // A host may have no IPv6.
        if error.errno == .noAddressFamily { continue }
        if router?.addresses.contains(where: { $0.hasSuffix(":\(place.port)") }) == true {
          throw Cause(
            .portTaken, "port \(place.port) is the router's own on the loopback address",
            remedy: "Choose another one, such as http=80.")
        }
        guard error.errno == .addressInUse, let holder = PortOwner.holder(of: place.port) else {
          throw Cause(error, as: .portUnavailable)
        }
        throw Cause(
          .portTaken, "port \(place.port) is held by \(holder)",
          remedy: "Stop that program, or choose another port.",
          facts: ["port": String(place.port), "holder": holder])
      }
    }
  }

  fileprivate func showOptions(of app: Board.App) -> Outcome {
    let options = app.routing ?? RouteOptions()
    let words = RouteOptions.Name.allCases.map { ($0.rawValue, $0.text(options[$0])) }
    if wantsJSON { return report(json: Dictionary(uniqueKeysWithValues: words)) }
    for (name, text) in words { context.print("\(name)=\(text)") }
    return .success
  }
}

// MARK: - The requests of each app

extension CommandCall {
  fileprivate func showRouter() throws(Cause) -> Outcome {
    let board = try board()
    guard var report = try RouterStatistics.report(on: home(), apps: board.apps.values) else {
      throw Cause(
        .router, "no router runs for this home",
        remedy: "It starts with the first instance that is ready, if HAProxy is installed.")
    }
    report.trusted = board.router?.trusted ?? []
    for index in report.apps.indices {
      report.apps[index].times = try times(of: report.apps[index].app, on: board)
    }
    if wantsJSON { return self.report(json: report) }
    let doors = [
      ("listens on", report.listen + report.http), ("with TLS on", report.https),
      ("tells its counts on", report.metrics),
      ("trusts", report.trusted.map(\.description)), ("does not listen on", report.closed),
      ("cannot read its configuration:", report.failure.map { [$0] } ?? []),
    ]
    for (words, places) in doors where !places.isEmpty {
      context.print(shown("\(words) \(places.joined(separator: ", "))"))
    }
    let rows = report.apps.flatMap { app in
      [[app.app, app.maintenance == nil ? "" : "maintenance"] + cells(app.traffic)]
        + app.instances.map { instance in
          ["  \(instance.instance)", state(instance)] + cells(instance.traffic)
        }
    }
    if rows.isEmpty { return .success }
    let measured = report.apps.compactMap { app in app.times.map { (app.app, $0) } }
    let head = ["APP", "STATE", "REQ/S", "REQUESTS", "4XX", "5XX", "MEAN", "SLOWEST"]
    context.print("\n" + Command.trimmed(Table.render([head] + rows)))
    for (app, times) in measured {
      context.print(
        "\(app): p50 \(times.p50) ms, p95 \(times.p95) ms, p99 \(times.p99) ms of the last \(times.requests) requests"
      )
    }
    return .success
  }

  /// How many lines of the access log are looked at.
  private static var measured: Int { 10_000 }

  private func times(of app: String, on board: Board) throws(Cause) -> RequestTimes? {
    guard board.apps[app]?.routing?.isOn(.log) == true else { return nil }
    let folder = try home().app(app).run(RouterFolder.instance, RouterFolder.run)
    return RequestTimes(lines: LogTail.lines(of: folder, count: Self.measured).lazy.map(\.text))
  }

  private func state(_ instance: AppTraffic.Instance) -> String {
    instance.takesRequests ? instance.state.rawValue : "\(instance.state.rawValue), no requests"
  }

  private func cells(_ traffic: Traffic?) -> [String] {
    guard let traffic else { return ["–", "–", "–", "–", "–", "–"] }
    return [traffic.rate, traffic.requests, traffic.refused, traffic.failed].map { String($0) }
      + ["\(traffic.mean) ms", "\(traffic.slowest) ms"]
  }
}

// MARK: - Which app gets a request

extension CommandCall {
  /// The way of a request as `router why --json` prints it.
  private struct Route: Encodable {
    var host: String
    var path: String
    var rule: String?
    var app: String?
    var maintenance: String?
    var instances: [AppTraffic.Instance] = []
  }

  fileprivate func explainRoute(_ text: String) throws(Cause) -> Outcome {
    // A URL is what an operator has at hand.
    let address = text.firstRange(of: "://").map { text[$0.upperBound...] } ?? text[...]
    let slash = address.firstIndex(of: "/") ?? address.endIndex
    let path = address[slash...].prefix { $0 != "?" && $0 != "#" }
    var route = Route(host: String(address[..<slash]), path: path.isEmpty ? "/" : String(path))
    let board = try board()
    let found = RouterLookup(
      host: route.host, path: route.path, isLocal: true,
      among: board.apps.values.map { board.routed($0) })
    let report = try RouterStatistics.report(on: home(), apps: board.apps.values)
    if let found, let app = report?.apps.first(where: { $0.app == found.app }) {
      (route.app, route.maintenance, route.instances) = (found.app, app.maintenance, app.instances)
    }
    route.app = found?.app
    route.rule = found.map { found in
      switch found.rule {
      case .localhost: "the app's own name, on the loopback address only"
      case .domain(let domain): "the domain \(domain)"
      }
    }
    if wantsJSON { return self.report(json: route) }
    tell(route, hasRouter: report != nil)
    return .success
  }

  private func tell(_ route: Route, hasRouter: Bool) {
    let request = shown(route.host + route.path)
    guard let app = route.app, let rule = route.rule else {
      context.print(
        "\(request) gets 404: no app has this address\n  To give it to one: relctl domains APP add \(request)"
      )
      return
    }
    context.print("\(request) goes to \(app), by \(rule)")
    if !hasRouter { context.print("  no router runs for this home") }
    if let message = route.maintenance {
      context.print(shown("  it gets 503: \(app) is under maintenance, and answers: \(message)"))
    }
    for instance in route.instances {
      context.print("  \(instance.instance)  \(state(instance))  port \(instance.port ?? 0)")
    }
    if hasRouter, !route.instances.contains(where: \.takesRequests) {
      context.print("  it gets 503: no instance takes requests")
    }
  }
}
