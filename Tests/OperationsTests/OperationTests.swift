import Events
import HomeLayout
import Operations
import ReleaseModel
import Testing

/// Each operation's rules on a board, its sentence, and its event in both directions.
struct OperationTests {
  /// An app with three releases; v2 is current, v1 ran before, v3 failed.
  static let board: Board = {
    var story = Story()
    story.release(1, slug: "a", config: "c1", formation: ["web": 2, "job": 1])
    story.release(2, slug: "b", config: "c2", formation: ["web": 2, "job": 1]) {
      $0.set = ["GREETING"]
    }
    story.append(.releaseCreated) {
      ($0.release, $0.slug, $0.config) = (ReleaseNumber(3), "c", "c2")
    }
    return story.board
  }()

  static let deploying: Board = {
    var story = Story(board: board)
    story.append(.deploymentStarted) { $0.release = ReleaseNumber(3) }
    return story.board
  }()

  static let first: Board = {
    var story = Story()
    story.release(1, slug: "a", config: "c1", formation: ["web": 1])
    return story.board
  }()

  /// A board with an open request.
  static let requested: Board = {
    var story = Story(board: board)
    story.append(.restartRequested)
    return story.board
  }()

  /// A board on which a scale has begun.
  static let scaling: Board = {
    var story = Story(board: board)
    story.append(.scaleRequested) { $0.formation = ["web": 5] }
    let request = story.board.requests[0].id
    story.append(.requestAccepted) { $0.request = request }
    return story.board
  }()

  struct Case: CustomTestStringConvertible {
    var operation: any Operation
    var board = OperationTests.board
    var refusal: Refusal?
    var testDescription: String {
      "\(operation.sentence): \(refusal.map { "\($0)" } ?? "may be done")"
    }
  }

  static let cases: [Case] =
    [
      Case(operation: Restart(app: "shop")),
      Case(operation: Restart(app: "shop", instance: InstanceName("web", 2))),
      Case(
        operation: Restart(app: "shop", instance: InstanceName("web", 3)),
        refusal: .noInstance(InstanceName("web", 3), app: "shop")),
      Case(operation: Restart(app: "cart"), refusal: .noApp("cart")),
      Case(operation: Rollback(app: "shop")),
      Case(operation: Rollback(app: "shop", to: ReleaseNumber(1))),
      Case(operation: Rollback(app: "shop", to: ReleaseNumber(2))),
      Case(
        operation: Rollback(app: "shop", to: ReleaseNumber(9)),
        refusal: .unknownRelease(ReleaseNumber(9), app: "shop")),
      Case(operation: Rollback(app: "shop"), board: deploying),
      Case(operation: Cancel(app: "shop"), board: requested),
      Case(operation: Cancel(app: "shop", request: requested.requests[0].id), board: requested),
      Case(
        operation: Cancel(app: "shop", request: "event-1"), board: requested,
        refusal: .nothingToCancel(app: "shop")),
      Case(operation: Cancel(app: "shop"), refusal: .nothingToCancel(app: "shop")),
      Case(
        operation: Cancel(app: "shop"), board: scaling, refusal: .begun("scale of shop to web=5")),
      Case(operation: Rollback(app: "shop", to: ReleaseNumber(1)), board: deploying),
      Case(operation: Rollback(app: "shop", to: ReleaseNumber(2)), board: deploying),
      Case(
        operation: Rollback(app: "shop"), board: first,
        refusal: .noPreviousRelease(ReleaseNumber(1), app: "shop")),
      Case(operation: Scale(app: "shop", to: ["web": 100])),
      Case(operation: Scale(app: "shop", to: ["web": 101]), refusal: .count(101, process: "web")),
      Case(operation: Scale(app: "shop", to: ["web": -1]), refusal: .count(-1, process: "web")),
      Case(operation: ChangeLimits(app: "shop", [.memory: 512 << 20, .cpu: 1500, .pids: 0])),
      Case(operation: ChangeLimits(app: "cart", [.pids: 100]), refusal: .noApp("cart")),
      Case(operation: ChangeMaintenance(app: "shop", on: true, message: "back at 5")),
      Case(operation: ChangeMaintenance(app: "cart", on: false), refusal: .noApp("cart")),
      Case(
        operation: ChangeMaintenance(
          app: "shop", on: true, message: String(repeating: "x", count: 501)),
        refusal: .message(bytes: 501)),
      Case(operation: domains("shop", .add, "shop.example")),
      Case(operation: domains("cart", .add, "cart.example"), refusal: .noApp("cart")),
      Case(
        operation: domains("shop", .remove, "a.example"),
        refusal: .noDomain(Domain("a.example")!, app: "shop", has: [])),
      Case(operation: domains("shop", .add, "shop.example/x"), board: shared),
      Case(
        operation: domains("shop", .share, "blog.example.com"), board: shared,
        refusal: taken("blog.example.com", by: "blog.example.com")),
      Case(
        operation: domains("shop", .add, "blog.example.com/x"), board: shared,
        refusal: taken("blog.example.com/x", by: "blog.example.com")),
      Case(operation: domains("shop", .share, "blog.example.com/x"), board: shared),
      Case(
        operation: domains("shop", .add, "*.example.com"), board: shared,
        refusal: taken("*.example.com", by: "blog.example.com")),
      Case(operation: domains("blog", .add, "blog.example.com"), board: shared),
      Case(operation: domains("blog", .remove, "blog.example.com"), board: shared),
      Case(operation: route("shop", ["body": "10M", "log": "on"])),
      Case(operation: route("cart", ["log": "on"]), refusal: .noApp("cart")),
      Case(operation: route("shop", ["body": "x"]), refusal: .routeOption(.body, "x")),
      Case(operation: router("listen", ["http": "80", "https": "443", "on": "10.0.0.1 ::1"])),
      Case(operation: router("listen", [:])),
      Case(operation: router("listen", ["http": "80 "]), refusal: .router(["http=80 "])),
      Case(
        operation: router("listen", ["http": "80", "https": "80"]),
        refusal: .router(["http=80", "https=80"])),
      Case(operation: router("listen", ["on": "::1\nx"]), refusal: .router(["on=::1\nx"])),
      Case(operation: router("trust", ["trust": "10.0.0.0/8 ::1"])),
      Case(operation: router("trust", ["trust": "all"]), refusal: .router(["trust=all"])),
      Case(operation: certificate(.add, "shop.example")),
      Case(
        operation: certificate(.remove, "shop.example"), board: shared,
        refusal: .noCertificate("shop.example", has: ["blog.example.com"])),
      Case(operation: certificate(.remove, "blog.example.com"), board: shared),
      Case(operation: ChangeLimits(app: "shop", [.memory: 5]), refusal: .limit(.memory, "5")),
      Case(operation: ChangeLimits(app: "shop", [.cpu: -1]), refusal: .limit(.cpu, "-1")),
      Case(operation: Stop(app: "shop")),
      Case(operation: Stop(app: "cart"), refusal: .noApp("cart")),
      Case(operation: Deploy(app: "cart", slug: "d")),
      Case(operation: promote()),
      Case(operation: promote(app: "shop"), refusal: .sameApp("shop")),
      Case(
        operation: promote(origin: "blog"), refusal: .noApp("blog")),
      Case(
        operation: promote(release: 9), refusal: .unknownRelease(ReleaseNumber(9), app: "shop")),
      Case(
        operation: promote(slug: "a"), refusal: .unknownRelease(ReleaseNumber(2), app: "shop")),
      Case(
        operation: ChangeConfig(
          app: "shop", ConfigStep(to: "c3", from: "c2", set: ["A"], unset: []))),
      Case(
        operation: ChangeConfig(
          app: "shop", ConfigStep(to: "c3", from: "c1", set: ["A"], unset: [])),
        refusal: .configChanged(app: "shop")),
    ] + previewCases

  /// A board on which the app has two previews, one of a fork, and a host for them.
  static let previewed: Board = {
    var board = shared
    for (pull, isFork) in [(1, false), (2, true)] {
      var app = Board.App(name: "shop-pr-\(pull)", changed: board.time)
      app.preview = Board.Preview(parent: "shop", pull: pull, isFork: isFork, until: board.time)
      board.apps[app.name] = app
    }
    board.apps["shop-pr-9"] = Board.App(name: "shop-pr-9", changed: board.time)
    board.apps["shop-pr-2"]?.preview?.closing = board.time
    board.apps["shop"]?.previewHost = "previews.example.org"
    board.apps["shop"]?.mostPreviews = 2
    return board
  }()

  private static func open(
    _ pull: Int, of parent: String = "shop", fork: Bool = false, lease: Int64? = nil
  )
    -> OpenPreview
  {
    OpenPreview(parent: parent, pull: pull, slug: "s", isFork: fork, lease: lease)
  }

  private static func host(_ text: String) -> ChangePreviews {
    ChangePreviews(app: "shop", ["host": text])
  }

  private static let previewCases: [Case] = [
    Case(operation: open(3, lease: 86_400_000)),
    Case(operation: open(1), board: previewed),
    Case(operation: open(3), board: previewed, refusal: .previews(most: 2, app: "shop")),
    Case(
      operation: open(1, fork: true), board: previewed,
      refusal: .previewFork("shop-pr-1", isFork: false)),
    Case(operation: open(9), board: previewed, refusal: .previewName("shop-pr-9")),
    Case(operation: open(1, of: "cart"), refusal: .noApp("cart")),
    Case(
      operation: open(1, of: "shop-pr-1"), board: previewed, refusal: .previewOfPreview("shop-pr-1")
    ),
    Case(operation: open(0), refusal: .pull(0)),
    Case(operation: open(1, lease: 1), refusal: .lease),
    Case(operation: ClosePreview(app: "shop-pr-1"), board: previewed),
    Case(operation: ClosePreview(app: "shop"), board: previewed, refusal: .noPreview("shop")),
    Case(operation: RenewPreview(app: "shop-pr-1", lease: 0), board: previewed),
    Case(operation: RenewPreview(app: "shop-pr-1", lease: 5), board: previewed, refusal: .lease),
    Case(
      operation: RenewPreview(app: "shop-pr-2", lease: 0), board: previewed,
      refusal: .previewClosing("shop-pr-2")),
    Case(operation: host("previews.example.net"), board: previewed),
    Case(operation: host("none"), board: previewed),
    Case(
      operation: host("x.blog.example.com"), board: previewed,
      refusal: .previewHost("x.blog.example.com", Domain("blog.example.com")!, of: "blog")),
    Case(
      operation: host("example.com"), board: previewed,
      refusal: .previewHost("example.com", Domain("blog.example.com")!, of: "blog")),
    Case(operation: host("a b"), board: previewed, refusal: .previewSetting(.host, "a b")),
    Case(
      operation: ChangePreviews(app: "shop", ["colour": "red"]), board: previewed,
      refusal: .noPreviewSetting("colour")),
    Case(
      operation: domains("shop", .share, "a.previews.example.org"), board: previewed,
      refusal: .domainOfPreviews(
        Domain("a.previews.example.org")!, host: "previews.example.org", of: "shop")),
    Case(operation: domains("shop", .add, "example.net"), board: previewed),
    Case(
      operation: ChangePreviewConfig(
        app: "shop", ConfigStep(to: "c", from: "b", set: ["A"], unset: [])),
      board: previewed, refusal: .configChanged(app: "shop")),
    Case(
      operation: Promote(
        app: "shop", slug: "s", origin: AppRelease(app: "shop-pr-2", release: ReleaseNumber(1))),
      board: previewed, refusal: .forkPromoted("shop-pr-2")),
  ]

  /// A board on which another app has a domain, and the router a certificate for it.
  static let shared: Board = {
    var board = Self.board
    var blog = Board.App(name: "blog", changed: board.time)
    blog.domains = [Domain("blog.example.com")!]
    board.apps["blog"] = blog
    board.certificates = [
      Certificate(name: "blog.example.com", hosts: ["blog.example.com"], until: nil)
    ]
    return board
  }()

  private static func domains(
    _ app: String, _ action: ChangeDomains.Action, _ domain: String
  ) -> ChangeDomains { ChangeDomains(app: app, action, Domain(domain)!) }

  private static func taken(_ domain: String, by other: String) -> Refusal {
    .domainTaken(Domain(domain)!, by: Domain(other)!, of: "blog")
  }

  private static func route(_ app: String, _ settings: [String: String]) -> ChangeRoute {
    ChangeRoute(app: app, data: EventData { $0.settings = settings })!
  }

  private static func router(_ action: String, _ settings: [String: String]) -> ChangeRouter {
    ChangeRouter(app: "", data: EventData { ($0.action, $0.settings) = (action, settings) })!
  }

  private static func certificate(
    _ action: ChangeCertificates.Action, _ name: String
  ) -> ChangeCertificates {
    ChangeCertificates(
      action,
      Certificate(name: name, hosts: action == .add ? [name] : [], until: nil))
  }

  /// What the router is to do is on the board as soon as its request is accepted.
  @Test func theRouterIsOnTheBoard() throws {
    var story = Story(board: Self.board)
    func change(_ operation: any Operation) throws -> Board {
      story.append(type(of: operation).type) { operation.describe(in: &$0) }
      let request = try #require(story.board.requests.last)
      #expect(OperationTable.standard.operation(request)?.sentence == operation.sentence)
      story.append(.requestAccepted) { $0.request = request.id }
      story.append(.requestFinished) { $0.request = request.id }
      return story.board
    }
    let domain = try change(Self.domains("shop", .add, "shop.example"))
    #expect(domain.apps["shop"]?.domains == [Domain("shop.example")!])
    #expect(try change(Self.domains("shop", .remove, "shop.example")).apps["shop"]?.domains == nil)
    let route = try change(Self.route("shop", ["body": "10M"]))
    #expect(route.apps["shop"]?.routing?[.body] == 10 << 20)
    #expect(try change(Self.route("shop", ["body": "none"])).apps["shop"]?.routing == nil)
    let router = try change(Self.router("listen", ["http": "80"]))
    #expect(router.router?.http == 80 && router.requests.isEmpty)
    let trusting = try change(Self.router("trust", ["trust": "10.0.0.0/8"]))
    #expect(trusting.router?.trusted == [AddressRange("10.0.0.0/8")!])
    #expect(try change(Self.router("listen", [:])).router?.http == nil)
    #expect(try change(Self.router("trust", ["trust": ""])).router == nil)
    #expect(
      try change(Self.certificate(.add, "a.example")).certificates?.map(\.name) == ["a.example"])
    #expect(try change(Self.certificate(.remove, "a.example")).certificates == nil)
  }

  private static func promote(
    app: String = "cart", slug: String = "b", origin: String = "shop", release: Int = 2
  ) -> Promote {
    Promote(
      app: app, slug: slug, origin: AppRelease(app: origin, release: ReleaseNumber(release)))
  }

  /// What `relctl promote` asks for is the current release; there must be one.
  @Test(arguments: [
    ("shop", "cart", Result<Promote, Refusal>.success(promote())),
    ("shop", "shop", .failure(.sameApp("shop"))), ("cart", "shop", .failure(.noApp("cart"))),
    ("fresh", "cart", .failure(.noRelease(app: "fresh"))),
  ])
  func promotesTheCurrentRelease(from: String, to: String, expected: Result<Promote, Refusal>) {
    var board = Self.board
    board.apps["fresh"] = Board.App(name: "fresh", changed: board.time)
    let found = Result { () throws(Refusal) in try Promote(from: from, to: to, on: board) }
    #expect(found == expected)
  }

  @Test func promotedReleaseHasTheOtherAppsConfig() throws {
    let promote = Self.promote(app: "shop", origin: "cart", release: 7)
    #expect(promote.needs(on: Self.board) == Needs(slug: "b", config: "c2"))
    var story = Story(board: Self.board)
    story.append(.promoteRequested) { promote.describe(in: &$0) }
    let (request, app) = (story.board.requests[0], try #require(story.board.apps["shop"]))
    guard case .wants(.release(let new)) = promote.progress(of: request, on: app) else {
      Issue.record("no release is wanted")
      return
    }
    #expect(new.slug == "b" && new.config == nil && new.origin == AppRelease("cart/v7"))
    story.append(.releaseCreated) {
      ($0.release, $0.slug, $0.config) = (ReleaseNumber(4), "b", "c2")
      ($0.origin, $0.request) = (AppRelease("cart/v7"), request.id)
    }
    let made = try #require(story.board.apps["shop"]?.releases.last)
    let report = ReleaseReport(made, of: app)
    #expect(report.reason == "promote from cart v7" && report.from == nil)
    #expect(
      promote.progress(of: request, on: try #require(story.board.apps["shop"]))
        == .wants(.current(ReleaseNumber(4))))
  }

  @Test(arguments: cases)
  func checksOnTheBoard(_ test: Case) {
    var refusal: Refusal?
    do throws(Refusal) { try test.operation.check(on: test.board) } catch { refusal = error }
    #expect(refusal == test.refusal)
  }

  /// The agent must read from a request what the operator wrote.
  @Test(arguments: cases)
  func operationsSurviveTheirEvent(_ test: Case) throws {
    let operation = test.operation
    let data = operation.request(by: "ana", now: Timestamp(milliseconds: 5))
    #expect(data.by == "ana" && data.deadline == Timestamp(milliseconds: 900_005))
    let read = OperationTable.standard.operation(
      type(of: operation).type, app: operation.app, data)
    #expect(read?.sentence == operation.sentence)
    #expect(read?.request(by: "ana", now: Timestamp(milliseconds: 5)) == data)
  }

  @Test(arguments: [
    (Restart(app: "shop") as any Operation, "restart of shop", "restart"),
    (
      Restart(app: "shop", instance: InstanceName("web", 1)), "restart of web.1 of shop",
      "restart of web.1"
    ),
    (Rollback(app: "shop", to: ReleaseNumber(1)), "rollback of shop to v1", "rollback to v1"),
    (
      Scale(app: "shop", to: ["web": 2, "job": 1]), "scale of shop to job=1 web=2",
      "scale to job=1 web=2"
    ),
    (
      ChangeLimits(app: "shop", [.pids: 0, .memory: 1536 << 20, .cpu: 1500]),
      "change of the limits of shop to memory=1536M cpu=1.5 pids=none",
      "change of the limits to memory=1536M cpu=1.5 pids=none"
    ),
    (
      ChangeMaintenance(app: "shop", on: true, message: "back at 5"), "maintenance of shop on",
      "maintenance on"
    ),
    (
      domains("shop", .share, "a.example"), "change of the domains of shop: with a.example",
      "change of the domains: with a.example"
    ),
    (
      route("shop", ["log": "on", "body": "1M"]), "change of the route of shop to body=1M log=on",
      "change of the route to body=1M log=on"
    ),
    (
      router("listen", ["http": "80"]), "change of the router: listen on http=80",
      "change of the router: listen on http=80"
    ),
    (
      certificate(.add, "a.example"), "change of the certificates: with that of a.example",
      "change of the certificates: with that of a.example"
    ),
    (Stop(app: "shop"), "stop of shop", "stop"),
    (Cancel(app: "shop"), "cancellation of shop", "cancellation"),
    (Deploy(app: "shop", slug: "a"), "deploy of shop", "deploy"),
    (promote(), "promotion of cart from shop v2", "promotion from shop v2"),
    (
      ChangeConfig(app: "shop", ConfigStep(to: "c", from: nil, set: ["A"], unset: [])),
      "change of the config vars of shop", "change of the config vars"
    ),
  ])
  func sentences(operation: any Operation, long: String, short: String) {
    #expect(operation.sentence == long && operation.shortSentence == short)
  }

  /// What an operator writes, and what it means; nil if it is refused.
  @Test(
    arguments: [
      ("memory=512M", (Limits.Name.memory, 512 << 20)), ("memory=1.5g", (.memory, 1536 << 20)),
      ("memory=1048576K", (.memory, 1 << 30)), ("memory=1024T", (.memory, 1 << 50)),
      ("memory=", (.memory, 0)), ("memory=none", (.memory, 0)), ("cpu=1.5", (.cpu, 1500)),
      ("cpu=0.01", (.cpu, 10)), ("cpu=12", (.cpu, 12_000)), ("cpu=none", (.cpu, 0)),
      ("pids=500", (.pids, 500)), ("pids=", (.pids, 0)), ("memory=5", nil), ("memory=512", nil),
      ("memory=15M", nil), ("memory=1025T", nil), ("memory=9999999T", nil), ("memory=-512M", nil),
      ("memory=M", nil), ("memory=.5G", nil), ("memory=1.G", nil), ("memory=1.5.5G", nil),
      ("memory=0M", nil), ("memory=512MB", nil), ("memory=٥12M", nil), ("cpu=0", nil),
      ("cpu=0.001", nil), ("cpu=1.5000", nil), ("cpu=1025", nil), ("cpu=1e3", nil),
      ("cpu=", (.cpu, 0)),
      ("pids=-1", nil), ("pids=0", nil), ("pids=15", nil), ("pids=1.5", nil), ("pids=4194305", nil),
      ("pids=99999999999999999999", nil), ("memory", nil), ("=5", nil), ("disk=5G", nil), ("", nil),
    ] as [(String, (Limits.Name, Int)?)])
  func readsLimits(word: String, expected: (Limits.Name, Int)?) {
    let read = try? ChangeLimits(app: "shop", words: [word])
    #expect(read?.changes == expected.map { [$0.0: $0.1] })
    // What an undo or a remedy says is read as the same.
    guard let (name, value) = expected else { return }
    #expect(name.value(name.text(value)) == value)
  }

  /// A limit is the app's as soon as its request is accepted; what a newer version writes beside it is left out.
  @Test func limitsAreOnTheBoard() throws {
    var story = Story(board: Self.board)
    func change(_ limits: [String: Int], accepted: Bool = true) throws -> Limits? {
      story.append(.limitsRequested) { $0.limits = limits }
      let request = try #require(story.board.requests.last)
      if accepted { story.append(.requestAccepted) { $0.request = request.id } }
      let app = try #require(story.board.apps["shop"])
      let operation = OperationTable.standard.operation(request)
      #expect((operation == nil) == (limits["disk"] != nil || limits.isEmpty))
      if let operation { #expect(operation.progress(of: request, on: app) == .finished) }
      return app.limits
    }
    #expect(try change(["memory": 1 << 30], accepted: false) == nil)
    #expect(try change(["memory": 1 << 30, "cpu": 500]) == Limits(memory: 1 << 30, cpu: 500))
    #expect(try change(["memory": 0, "pids": 99]) == Limits(cpu: 500, pids: 99))
    #expect(try change(["disk": 5]) == Limits(cpu: 500, pids: 99))
    #expect(try change([:]) == Limits(cpu: 500, pids: 99))
    let said = ChangeLimits(app: "shop", [.pids: 50, .memory: 64 << 20]).consequences(
      on: try #require(story.board.apps["shop"]))
    #expect(said.undo == "Undo: relctl limits shop memory=none pids=99")
    #expect(said.changes.last == "An instance that uses more memory is killed and started again.")
    #expect(try change(["cpu": 0, "pids": 0]) == nil)
  }

  @Test func rollbackRequestNamesItsRelease() {
    #expect(Rollback(app: "shop").chosen(on: Self.board).release == ReleaseNumber(1))
    #expect(
      Rollback(app: "shop").needs(on: Self.board) == Needs(slug: "a", config: "c1"))
  }

  /// A restart of all instances includes that of each one, but not the other way round.
  @Test(arguments: [
    (InstanceName?.none, InstanceName?.none, true), (nil, InstanceName("web", 1), true),
    (InstanceName("web", 1), InstanceName("web", 1), true), (InstanceName("web", 1), nil, false),
    (InstanceName("web", 1), InstanceName("web", 2), false),
  ])
  func openRequests(requested: InstanceName?, asked: InstanceName?, isOpen: Bool) {
    var story = Story(board: Self.board)
    story.append(.restartRequested) { $0.instance = requested }
    #expect(Restart(app: "shop", instance: asked).isOpen(on: story.board) == isOpen)
    #expect(!Stop(app: "shop").isOpen(on: story.board))
  }

  /// The operations whose open requests are given up for a newer one.
  static let precedence: [(first: any Operation, over: Set<String>)] = [
    (Deploy(app: "shop", slug: "a"), []), (Restart(app: "shop"), []),
    (Scale(app: "shop", to: ["web": 1]), []), (ChangeLimits(app: "shop", [.pids: 0]), []),
    (ChangeConfig(app: "shop", ConfigStep(to: "c", from: nil, set: ["A"], unset: [])), []),
    (Rollback(app: "shop"), ["deploy", "restart", "rollback", "change of the config vars"]),
    (Stop(app: "shop"), ["deploy", "restart", "rollback", "change of the config vars", "scale"]),
    (
      Cancel(app: "shop"),
      [
        "deploy", "restart", "rollback", "change of the config vars", "scale", "stop",
        "change of the limits",
      ]
    ),
    (Cancel(app: "shop", request: "another"), []),
  ]

  @Test(arguments: precedence) func goesBefore(first: any Operation, over: Set<String>) throws {
    let request = try #require(Self.requested.requests.first)
    let names = Self.precedence.map(\.first).filter { first.goesBefore($0, of: request) }
    #expect(Set(names.map { type(of: $0).verb }) == over)
  }

  /// The release that a rollback without a number brings back.
  @Test func defaultOfARollback() {
    func back(_ story: Story) -> Int? {
      Rollback(app: "shop").chosen(on: story.board).release?.value
    }
    var story = Story(board: Self.first)
    #expect(back(story) == nil)
    story.release(2, slug: "b", config: "c1", formation: ["web": 1])
    #expect(back(story) == 1)
    // A rollback to v1: v3 is v1 again, and v2 was left.
    story.release(3, slug: "a", config: "c1", formation: ["web": 1]) { $0.from = ReleaseNumber(1) }
    #expect(back(story) == nil)
    story.release(4, slug: "d", config: "c1", formation: ["web": 1])
    #expect(back(story) == 3)
    // While v5 is deployed, v4 is what is good.
    story.append(.releaseCreated) {
      ($0.release, $0.slug, $0.config, $0.observe) = (ReleaseNumber(5), "e", "c1", 10_000)
    }
    story.append(.deploymentStarted) { $0.release = ReleaseNumber(5) }
    #expect(back(story) == 4)
    // A release that did not pass its observation is not healthy.
    story.append(.deploymentStep) { ($0.release, $0.step) = (ReleaseNumber(5), "switch") }
    story.append(.deploymentStep) {
      ($0.release, $0.step) = (ReleaseNumber(5), "observation cut short")
    }
    story.append(.deploymentFinished) { $0.release = ReleaseNumber(5) }
    #expect(back(story) == 4)
    story.release(6, slug: "f", config: "c1", formation: ["web": 1])
    #expect(back(story) == 4)
  }

  @Test(arguments: [
    (
      Restart(app: "shop") as any Operation,
      ["Restart all 3 instances of shop (v2)?", "None of its instances runs now"]
    ),
    (Rollback(app: "shop"), ["from v2 to v1?", "This makes v4", "GREETING"]),
    (
      Scale(app: "shop", to: ["web": 1, "job": 3]),
      ["1 of 2 instances of web are stopped", "2 more of job start"]
    ),
    (
      ChangeLimits(app: "shop", [.memory: 512 << 20, .cpu: 0]),
      [
        "Change the limits of shop?", "Each instance may use 512 MB of memory.",
        "The cpu of an instance has no limit any more.", "relctl limits shop memory=none cpu=none",
      ]
    ),
    (Stop(app: "shop"), ["Stop shop?", "It serves no requests"]),
    (Cancel(app: "shop"), ["Cancel what is requested for shop?", "stays"]),
    (
      promote(app: "shop", origin: "cart"),
      ["Promote cart v2 to shop?", "This makes v4", "config vars of shop", "roll back to v2"]
    ),
  ])
  func consequences(operation: any Operation, words: [String]) throws {
    let said = operation.consequences(on: try #require(Self.board.apps["shop"]))
    let text = ([said.question] + said.changes + [said.undo]).joined(separator: "\n")
    for word in words { #expect(text.contains(word)) }
  }
}

/// Events of one app, folded into a board.
struct Story {
  private(set) var board = Board()
  private var sequence: UInt64 = 0

  init(board: Board = Board()) { (self.board, sequence) = (board, board.sequence) }

  mutating func append(_ type: EventType, _ fill: (inout EventData) -> Void = { _ in }) {
    sequence += 1
    board.apply(
      Event(
        sequence: sequence, id: "event-\(sequence)",
        time: Timestamp(milliseconds: Int64(sequence)), source: "test", type: type, app: "shop",
        data: EventData(fill)))
  }

  /// Adds a release that became current.
  mutating func release(
    _ number: Int, slug: String, config: String, formation: [String: Int],
    _ fill: (inout EventData) -> Void = { _ in }
  ) {
    let number = ReleaseNumber(number)
    append(.releaseCreated) {
      ($0.release, $0.slug, $0.config) = (number, slug, config)
      fill(&$0)
    }
    append(.deploymentStarted) { ($0.release, $0.formation) = (number, formation) }
    append(.deploymentStep) {
      ($0.release, $0.step) = (number, Board.Deployment.Step.switchOver.rawValue)
    }
    append(.deploymentFinished) { $0.release = number }
  }
}
