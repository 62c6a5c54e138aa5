import Diagnosis
import Events
import HomeLayout
import Testing

/// Runs that live and are not ready, from the answer of their check together with what was logged meanwhile.
@Suite struct WaitCauseTests {
  private static let now = Timestamp(milliseconds: 1_800_000_000_000)

  private func sentence(
    _ answer: CheckAnswer, _ lines: [(secondsAgo: Int64, String)],
    _ change: (inout WaitFacts) -> Void = { _ in }
  ) -> String {
    var facts = FailureFacts(app: "shop", subject: "web.1", process: "web")
    facts.now = Self.now
    facts.output = lines.map { LogLine(time: Self.now + -$0.secondsAgo * 1000, text: $0.1) }
    var wait = WaitFacts(answer)
    change(&wait)
    return Diagnosis(facts).cause(of: wait, .notReady).sentence
  }

  private static let postgres =
    "[error] Postgrex.Protocol (#PID<0.1.0>) failed to connect: ** (DBConnection.ConnectionError) tcp connect "
    + "(127.0.0.1:5432): connection refused - :econnrefused"
  private static let exception = "[error] ** (RuntimeError) the till is empty"
  private let failure = CheckAnswer.status(500, "GET /health", line: "no")

  @Test func onlyWhatWasLoggedMeanwhileIsBlamed() {
    let blamed = "Postgres at 127.0.0.1:5432 does not answer, so GET /health answers 500"
    #expect(sentence(failure, [(3, Self.postgres)]) == blamed)
    #expect(sentence(failure, [(300, Self.postgres)]) == "GET /health answers 500: no")
    // A page that does not exist has nothing to do with a database.
    let absent = CheckAnswer.status(404, "GET /health", line: "no")
    #expect(sentence(absent, [(3, Self.postgres)]) == "GET /health answers 404: no")
  }

  /// An exception is blamed if its record names the request, or if it comes again and again.
  @Test func anExceptionOfAnotherPartIsNotBlamed() {
    #expect(sentence(failure, [(3, Self.exception)]) == "GET /health answers 500: no")
    let blamed = "web.1 raised RuntimeError: the till is empty, so GET /health answers 500"
    #expect(sentence(failure, [(3, "Request: GET /health"), (3, Self.exception)]) == blamed)
    let often = (1...4).map { (Int64(10 - $0), Self.exception) }
    #expect(
      sentence(failure, often)
        == "GET /health answers 500; it logged: web.1 raised RuntimeError: the till is empty")
  }

  /// Lines that stand beside the answer, and lines that have nothing to do with it.
  private static let beside: [(line: String, String)] = [
    (
      "[error] OTLP exporter failed to connect to 127.0.0.1:4318: connection refused",
      "; it logged: 127.0.0.1:4318 does not answer"
    ),
    ("[info] connection to Redis at cache:6379 is back (it was: connection refused)", ": no"),
    (
      "Redis at cache:6379: connect: connection refused",
      "; it logged: Redis at cache:6379 does not answer"
    ),
    ("FATAL the shop is closed", ": no"), ("12:00 FATAL error in another part", ": no"),
    ("connect: options [timeout: 5000, closed: true]", ": no"),
  ]

  @Test(arguments: beside) func whatIsNotProvenIsNotCalledTheReason(_ row: (line: String, String)) {
    #expect(sentence(failure, [(3, row.line)]) == "GET /health answers 500" + row.1)
  }

  @Test func aRequestIsNamedByItsWholePath() {
    for request in ["Request: GET /health/old", "Request: GET /healthy"] {
      #expect(
        sentence(failure, [(3, request), (3, Self.exception)]) == "GET /health answers 500: no")
    }
    let root = CheckAnswer.status(500, "GET /", line: "no")
    #expect(sentence(root, [(3, "GET /x"), (3, Self.exception)]) == "GET / answers 500: no")
    #expect(sentence(root, [(3, "GET / 500"), (3, Self.exception)]) != "GET / answers 500: no")
  }

  @Test func aRefusalOfPostgresIsTold() {
    let line =
      "Postgrex.Protocol (#PID<0.1.0>) failed to connect: ** (Postgrex.Error) FATAL 28P01 "
      + "(invalid_password) password authentication failed for user \"shop\""
    #expect(
      sentence(failure, [(3, line)])
        == "Postgres refuses the connection (password authentication failed for user \"shop\"), so "
        + "GET /health answers 500")
  }

  @Test func aHangIsNamed() {
    let answer = CheckAnswer("it boots")
    let stack = ["gen_tcp:connect/4", "Elixir.Shop.Repo:init/1 (lib/shop/repo.ex:7)"]
    #expect(
      sentence(answer, []) {
        $0.hang = WaitFacts.Hang(application: "shop", awaited: "Shop.Repo", stack: stack)
        $0.limit = 60
      } == "application shop has not started after 60 s: Shop.Repo waits in gen_tcp:connect/4")
    #expect(
      sentence(answer, []) { $0.hang = .init(application: "shop", awaited: nil, stack: []) }
        == "application shop has not started: where it waits is not known")
  }

  @Test func whereTheAppListensIsTold() {
    #expect(
      sentence(.noListener(4000), []) { $0.listening = ["127.0.0.1:4001"] }
        == "nothing listens on PORT 4000; the app listens on 127.0.0.1:4001")
    #expect(
      sentence(.stranger("pid 812 (nginx)", port: 4000), [])
        == "PORT 4000 is held by pid 812 (nginx)")
  }
}
