import Events
import HomeLayout
import Router
import Testing

@Suite struct RouterLookupTests {
  static let apps = [
    ("shop", ["example.com", "*.example.org", "*"]), ("api", ["example.com/api", "b.example.org"]),
    ("deep", ["example.com/api/v2"]),
  ].map { name, domains in
    var app = Board.App(name: name, changed: Timestamp(milliseconds: 0))
    app.current = ReleaseNumber(1)
    app.domains = domains.compactMap { Domain($0) }
    return app
  }

  @Test(arguments: [
    ("example.com", "/", "shop"), ("EXAMPLE.com.:80", "/x", "shop"), ("example.com", "/api", "api"),
    ("example.com", "/api/", "api"), ("example.com", "/apix", "shop"),
    ("example.com", "/api/v2/x", "deep"), ("example.com", "/api/v20", "api"),
    ("a.example.org", "/", "shop"), ("b.example.org", "/", "api"), ("a.b.example.org", "/", "shop"),
    ("api.localhost", "/", "api"), ("localhost", "/", "shop"), ("", "/", "shop"),
  ])
  func theMostExactDomainHasIt(host: String, path: String, app: String) {
    let found = RouterLookup(host: host, path: path, isLocal: true, among: Self.apps)
    #expect(found?.app == app)
  }

  @Test func namesBelowLocalhostAreForThisHostOnly() {
    let found = RouterLookup(host: "api.localhost", path: "/", isLocal: false, among: Self.apps)
    #expect(found?.app == "shop" && found?.rule == .domain(Domain("*")!))
    let few = Self.apps.dropFirst()
    #expect(RouterLookup(host: "api.localhost", path: "/", isLocal: false, among: few) == nil)
  }
}
