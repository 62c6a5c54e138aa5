import HomeLayout
import JSONText
import Testing

@testable import Events

/// What `--json` says of apps: every app is in the list, and each instance has its crashes.
struct StateReportTests {
  typealias Step = (EventType, @Sendable (inout EventData) -> Void)

  /// Events of the app `shop`, folded, one second apart.
  private static func board(_ events: [Step]) -> Board {
    var board = Board()
    for (index, (type, fill)) in events.enumerated() {
      board.apply(
        Event(
          sequence: UInt64(index + 1), id: "e\(index + 1)",
          time: Timestamp(milliseconds: Int64(index + 1) * 1000), source: "test", type: type,
          app: "shop", data: EventData(fill)))
    }
    return board
  }

  private static let web = InstanceName("web", 1)
  private static let broken = Cause(.crashed, "it broke")

  private static func release(_ number: Int, _ formation: [String: Int])
    -> [Step]
  {
    let release = ReleaseNumber(number)
    return [
      (
        .releaseCreated,
        { ($0.release, $0.slug, $0.config, $0.by) = (release, "slug\(number)", "c", "ana") }
      ),
      (.deploymentStarted, { ($0.release, $0.formation) = (release, formation) }),
      (
        .deploymentStep,
        { ($0.release, $0.step) = (release, Board.Deployment.Step.switchOver.rawValue) }
      ),
      (.deploymentFinished, { $0.release = release }),
    ]
  }

  private static func crash(_ run: UInt64) -> [Step] {
    [
      (.instanceStarting, { ($0.instance, $0.release) = (web, ReleaseNumber(1)) }),
      (.instanceCrashed, { ($0.instance, $0.run, $0.cause) = (web, run, broken) }),
    ]
  }

  private static let abandoned: [Step] = [
    (
      .instanceAbandoned,
      { ($0.instance, $0.run, $0.cause) = (web, 5, Cause(.crashLoop, "left down")) }
    )
  ]

  private static let failed: [Step] = [
    (
      .releaseCreated,
      { ($0.release, $0.slug, $0.config, $0.by) = (ReleaseNumber(2), "slug2", "c", "ben") }
    ),
    (.deploymentStarted, { ($0.release, $0.formation) = (ReleaseNumber(2), ["web": 1]) }),
    (.deploymentFailed, { ($0.release, $0.cause) = (ReleaseNumber(2), broken) }),
  ]

  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var events: [Step]
    var json: String
    var testDescription: String { name }
  }

  static let cases: [Case] = [
    Case(
      name: "never deployed", events: [(.configChanged, { $0.config = "c" })],
      json:
        #"{"app":"shop","host":"h","since":"1970-01-01T00:00:01.000Z","state":"stopped"}"#),
    Case(
      name: "without instances", events: release(1, [:]),
      json:
        #"{"app":"shop","by":"ana","host":"h","release":"v1","since":"1970-01-01T00:00:04.000Z","slug":"slug1","state":"stopped"}"#
    ),
    Case(
      name: "crashed twice", events: release(1, ["web": 1]) + crash(5) + crash(7),
      json:
        #"{"app":"shop","by":"ana","cause":{"evidence":[],"facts":{},"id":"RT-CRASHED","sentence":"it broke"},"crashes":2,"host":"h","instance":"web.1","lastCrash":{"cause":{"evidence":[],"facts":{},"id":"RT-CRASHED","sentence":"it broke"},"time":"1970-01-01T00:00:08.000Z"},"nextTry":"1970-01-01T00:00:09.000Z","node":"shop-web-1-7@127.0.0.1","process":"web","release":"v1","run":7,"since":"1970-01-01T00:00:08.000Z","slug":"slug1","state":"crashed"}"#
    ),
    Case(
      name: "abandoned",
      events: release(1, ["web": 1]) + crash(5) + abandoned,
      json:
        #"{"abandoned":true,"app":"shop","by":"ana","cause":{"evidence":[],"facts":{},"id":"RT-CRASHED","sentence":"it broke"},"crashes":1,"host":"h","instance":"web.1","lastCrash":{"cause":{"evidence":[],"facts":{},"id":"RT-CRASH-LOOP","sentence":"left down"},"time":"1970-01-01T00:00:06.000Z"},"node":"shop-web-1-5@127.0.0.1","process":"web","release":"v1","run":5,"since":"1970-01-01T00:00:07.000Z","slug":"slug1","state":"crashed"}"#
    ),
    Case(
      name: "failed release", events: release(1, [:]) + failed,
      json:
        #"{"app":"shop","by":"ana","cause":{"evidence":[],"facts":{},"id":"RT-CRASHED","sentence":"it broke"},"failed":{"by":"ben","cause":{"evidence":[],"facts":{},"id":"RT-CRASHED","sentence":"it broke"},"release":"v2","slug":"slug2","time":"1970-01-01T00:00:07.000Z"},"host":"h","release":"v1","since":"1970-01-01T00:00:07.000Z","slug":"slug1","state":"stopped"}"#
    ),
  ]

  @Test(arguments: cases) func listHasEveryApp(_ test: Case) throws {
    let reports = StateReport.all(of: Self.board(test.events), host: "h")
    let json = JSON.encode(reports)
    #expect(String(decoding: json, as: UTF8.self) == "[\(test.json)]")
    #expect(try JSON.decode([StateReport].self, from: json) == reports)
  }

  @Test(arguments: [(1, 500), (2, 1000), (7, 32_000), (8, 60_000), (1 << 40, 60_000), (-1, 500)])
  func pauseGrows(crashes: Int, milliseconds: Int64) {
    let crashes = Board.Crashes(count: crashes, last: Timestamp(milliseconds: 5))
    #expect(
      crashes.pause == milliseconds && crashes.nextTry == Timestamp(milliseconds: 5) + milliseconds)
  }
}
