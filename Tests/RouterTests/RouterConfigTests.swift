import Events
import HomeLayout
import Testing

@testable import Router

@Suite struct RouterConfigTests {
  private func target(_ port: UInt16, isOpen: Bool = true) -> RouteTarget {
    RouteTarget(run: UInt64(port), port: port, isOpen: isOpen)
  }

  private func config(_ targets: [RouteTarget]...) -> [RouterConfig] {
    targets.reduce(into: []) { all, targets in
      var next = all.last ?? RouterConfig()
      next.route(["shop": AppRoute(targets)])
      all.append(next)
    }
  }

  /// The new run is opened before the old one drains; a slot is used again as late as possible.
  @Test func aRunTakesOver() throws {
    let all = config([target(1)], [target(1, isOpen: false), target(2)], [target(2)], [target(3)])
    #expect(all[0].commands(from: RouterConfig()) == nil)
    #expect(
      all[1].commands(from: all[0]) == [
        "set server app.shop/b1 addr 127.0.0.1 port 1", "set server app.shop/b1 state ready",
        "set server ws.shop/b1 addr 127.0.0.1 port 1", "set server ws.shop/b1 state ready",
        "set server app.shop/s2 addr 127.0.0.1 port 2", "set server app.shop/s2 state ready",
        "set server ws.shop/s2 addr 127.0.0.1 port 2", "set server ws.shop/s2 state ready",
        "set server app.shop/s1 state drain", "set server ws.shop/s1 state drain",
        "set server app.shop/b2 state maint", "set server ws.shop/b2 state maint",
      ])
    #expect(
      all[2].commands(from: all[1]) == [
        "set server app.shop/s1 state maint", "set server app.shop/b1 state maint",
        "set server ws.shop/s1 state maint", "set server ws.shop/b1 state maint",
      ])
    #expect(all[3].servers(of: "shop", port: 3) == ["s3", "b3"])
    #expect(all[3].commands(from: all[3]) == [])
  }

  /// A HAProxy that was started while a run drained does not know its address.
  @Test func aRunThatOpensAgainIsNamed() {
    let all = config([target(1), target(2)], [target(1, isOpen: false), target(2)], [target(1)])
    let commands = all[2].commands(from: all[1]) ?? []
    #expect(commands.first == "set server app.shop/s1 addr 127.0.0.1 port 1")
    #expect(all[2].allCommands.contains("set server app.shop/s1 addr 127.0.0.1 port 1"))
    #expect(all[2].allCommands.contains("set server ws.shop/s8 state maint"))
  }

  @Test func moreRunsThanSlotsNeedAnotherFile() {
    let all = config((1...8).map { target($0) }, (1...9).map { target($0) })
    #expect(all[1].commands(from: all[0]) == nil)
    #expect(all[1].servers(of: "shop", port: 9) == ["s9", "b9"])
  }

  @Test func anAppNeedsANameThatAHostCanHave() {
    var config = RouterConfig()
    let names = ["shop", "Shop", "a.b", "-a", "a\n", "pr-12"]
    config.route(Dictionary(uniqueKeysWithValues: names.map { ($0, AppRoute([])) }))
    #expect(config.backends.map(\.app) == ["pr-12", "shop"])
    #expect(config.maps["local.map"] == "pr-12.localhost/ pr-12::\nshop.localhost/ shop::\n")
  }

  /// What an operator types must not become configuration.
  @Test func aNoticeIsAnswered() {
    var config = RouterConfig()
    let typed = "back \"at\" 5 $HOME \\ é\u{7}\nuid 0\"\u{301}"
    config.route(["shop": AppRoute([target(25_001)], notice: typed)])
    let line = #"string "back \"at\" 5 \$HOME \\ é\nuid 0\""# + "\u{301}" + #"\n""#
    #expect(config.text.contains(line) && config.text.contains("server s1 127.0.0.1:25001"))
    var after = config
    after.route(["shop": AppRoute([target(25_001)])])
    #expect(after.commands(from: config) == nil && !after.text.contains("HOME"))
  }

  @Test func theFileSaysWhatIsOpen() {
    let all = config([target(25_001)], [target(25_001, isOpen: false), target(25_002)])
    #expect(all[0].text.contains("server s1 127.0.0.1:25001\n"))
    #expect(all[0].text.contains("server b1 127.0.0.1:1 backup disabled\n"))
    #expect(all[1].text.contains("server s1 127.0.0.1:1 disabled\n"))
    #expect(all[1].text.contains("server b1 127.0.0.1:25001 backup\n"))
    #expect(all[1].text.contains("server s3 127.0.0.1:1 disabled\n"))
  }

  /// What cannot be told by a command needs another file.
  @Test(arguments: ["domain", "option", "port", "proxy", "certificate", "notice", "app"])
  func anotherFile(_ change: String) throws {
    let before = config([target(1)])[0]
    var (route, routes, settings) = (AppRoute([target(1)]), [String: AppRoute](), RouterSettings())
    var certificates: [Certificate] = []
    switch change {
    case "domain": route.domains = [try #require(Domain("example.com"))]
    case "option": route.options.apply(["body": "1M"])
    case "port": settings.http = 80
    case "proxy": settings.trusted = [try #require(AddressRange("10.0.0.0/8"))]
    case "certificate": certificates = [Certificate(name: "a.example", hosts: [], until: nil)]
    case "notice": route.notice = "soon"
    default: routes["other"] = AppRoute([])
    }
    routes["shop"] = route
    var after = before
    after.route(routes, settings: settings, certificates: certificates)
    #expect(after.commands(from: before) == nil)
    var same = after
    same.route(routes, settings: settings, certificates: certificates)
    #expect(same.commands(from: after) == [])
  }

  @Test func pathsDecideOnlyWhereADomainHasOne() throws {
    var config = RouterConfig()
    func domains(_ names: String...) -> [Domain] { names.compactMap { Domain($0) } }
    config.route([
      "api": AppRoute([], domains: domains("example.com/api", "*.example.org")),
      "shop": AppRoute([], domains: domains("example.com", "other.example", "*")),
    ])
    #expect(
      config.maps["hosts.map"]
        == "example.com/api/ api:/api:+\nexample.com/ shop::+\nother.example/ shop::\n")
    #expect(config.maps["wildcards.map"] == "*.example.org/ api::\n")
    #expect(config.text.contains("str(shop::)"))
    #expect(config.text.contains("replace-path ^/api/?(.*)$ /\\1"))
  }

  /// What app.json says is no configuration.
  @Test func aCheckIsAsked() {
    var config = RouterConfig()
    let check = RouterConfig.Check(
      path: #"/a"b#c"#, headers: [["Host", #"%[src] "x" $A"#]], status: 200...399)
    config.route(["shop": AppRoute([target(25_001)], check: check)])
    let line = #"http-check send meth GET uri "/a\"b#c" ver HTTP/1.1 hdr "Host" "%%[src] \"x\" \$A"#
    #expect(config.text.contains(line) && config.text.contains("http-check expect status 200-399"))
    #expect(config.text.contains("nbsrv eq 0"))
  }

  /// Requests are held before the only run is closed, and until the next one is open.
  @Test func aRunIsWaitedFor() {
    var all: [RouterConfig] = []
    let steps: [([RouteTarget], RouterConfig.Hold)] = [
      ([target(1)], .ready), ([target(1, isOpen: false)], .now), ([], .now), ([target(2)], .ready),
    ]
    for (targets, hold) in steps {
      var next = all.last ?? RouterConfig()
      next.route(["solo": AppRoute(targets, hold: hold)])
      all.append(next)
    }
    #expect(all[0].text.contains("lua-load") && all[0].maps["held.map"] == "")
    func place(_ command: String, _ step: Int) -> Int {
      all[step].commands(from: all[step - 1])?.firstIndex(of: command) ?? -1
    }
    #expect(place("add map held.map solo now", 1) >= 0)
    #expect(place("add map held.map solo now", 1) < place("set server app.solo/s1 state drain", 1))
    #expect(all[1].holdsRequests && all[1].maps["held.map"] == "solo now\n")
    #expect(place("set server app.solo/s2 state ready", 3) >= 0)
    #expect(place("set server app.solo/s2 state ready", 3) < place("del map held.map solo", 3))
    #expect(all[1].allCommands.contains("add map held.map solo now"))
    #expect(!config([target(1)])[0].text.contains("lua"))
    // Another app must wait until no request is held; the runs need not.
    var late = all[2]
    late.routeRuns(["solo": AppRoute([target(2)], hold: .ready), "new": AppRoute([])])
    #expect(late.commands(from: all[2]) != nil && !late.servers(of: "solo", port: 2).isEmpty)
  }

  /// An app falls asleep, is woken and serves again; no request meets a moment without an entry.
  @Test func sleepersAreHeldAndWoken() {
    var all: [RouterConfig] = []
    let steps: [([RouteTarget], RouterConfig.Hold)] = [
      ([target(1)], .ready), ([target(1, isOpen: false)], .asleep), ([], .now),
      ([target(2)], .ready),
    ]
    for (targets, hold) in steps {
      var next = all.last ?? RouterConfig()
      next.route(["nap": AppRoute(targets, hold: hold)])
      all.append(next)
    }
    func held(_ step: Int) -> [String] {
      (all[step].commands(from: all[step - 1]) ?? []).filter { $0.contains("held.map") }
    }
    #expect(held(1) == ["add map held.map nap wake"])
    #expect(held(2) == ["set map held.map nap now"])
    #expect(held(3) == ["del map held.map nap"])
    #expect(all[1].maps["held.map"] == "nap wake\n")
    // A configuration can be read while an app sleeps, not while requests wait for one.
    #expect(!all[1].holdsRequests && all[2].holdsRequests)
    let again = all[1].allCommands.filter { $0.contains("held.map") }
    #expect(again == ["del map held.map nap", "add map held.map nap wake"])
    #expect(all[0].text.contains("log fd@7"))
  }

  @Test func previewsHaveTheirOwnNameAndAreHidden() {
    var route = AppRoute([target(1)])
    (route.localHost, route.isHidden) = ("pr-1.shop.localhost", true)
    var config = RouterConfig()
    config.route(["shop-pr-1": route, "shop": AppRoute([target(2)])])
    #expect(
      config.maps["local.map"] == "shop.localhost/ shop::\npr-1.shop.localhost/ shop-pr-1::\n")
    #expect(config.text.components(separatedBy: "X-Robots-Tag noindex").count == 3)
  }

  @Test func statisticsAreReadByTheirNames() {
    let text = """
      # pxname,svname,qcur,scur,stot,rate,hrsp_4xx,hrsp_5xx,ttime,ttime_max,
      app.shop,s1,0,2,40,3,1,2,7,90,
      app.shop,BACKEND,0,2,41
      """
    let rows = RouterStatistics.rows(in: text)
    #expect(
      rows.first?.traffic
        == Traffic(rate: 3, requests: 40, open: 2, refused: 1, failed: 2, mean: 7, slowest: 90))
    #expect(rows.count == 2 && rows[1].traffic.requests == 41 && rows[1].traffic.mean == 0)
    #expect(RouterStatistics.rows(in: "Unknown command\n").isEmpty)
  }

  @Test func whatOpensslPrints() {
    let text = """
      notAfter=Dec  1 07:00:09 2027 GMT
      X509v3 Subject Alternative Name:
          DNS:Shop.example.com, DNS:*.example.org, IP Address:127.0.0.1, DNS:a b
      """
    #expect(CertificateFile.until(in: text) == Timestamp("2027-12-01T07:00:09.000Z"))
    #expect(CertificateFile.hosts(in: text) == ["shop.example.com", "*.example.org"])
    #expect(CertificateFile.until(in: "notAfter=never\n") == nil)
  }
}
