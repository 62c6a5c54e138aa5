import Events
import HomeLayout
import Testing

@Suite struct SlugUseTests {
  private static let now = Timestamp(milliseconds: 1_000_000_000)
  private static func ago(_ minutes: Int64) -> Timestamp { now + -minutes * 60_000 }

  static let choices: [(Int, Set<String>, [String])] = [
    (0, [], ["d", "c", "b"]), (1, [], ["d", "c"]), (2, ["d"], []), (0, ["c"], ["d", "b"]),
    (9, [], []), (-1, [], ["d", "c", "b"]),
  ]

  @Test(arguments: choices)
  func oldestUnusedSlugsAreRemovable(_ keep: Int, _ used: Set<String>, _ expected: [String]) {
    let slugs = ["a": Self.ago(59), "b": Self.ago(60), "c": Self.ago(90), "d": Self.ago(900)]
    #expect(SlugChoice.removable(slugs, used: used, keep: keep, now: Self.now) == expected)
  }

  /// After the clock was set back, a new slug must not look old.
  @Test func slugsFromTheFutureAreNew() {
    #expect(SlugChoice.removable(["a": Self.ago(-500)], used: [], keep: 0, now: Self.now) == [])
  }

  private func event(
    _ number: UInt64, _ type: EventType, _ app: String, _ fill: (inout EventData) -> Void
  ) -> Event {
    Event(
      sequence: number, id: "\(number)", time: Self.ago(0), source: "t", type: type, app: app,
      data: EventData(fill))
  }

  @Test func releasesAndOpenRequestsNeedTheirSlugs() {
    var board = Board()
    for (number, app, slug) in [(1, "b", "s1"), (2, "b", "s2"), (3, "a", "s1")] {
      board.apply(
        event(UInt64(number), .releaseCreated, app) {
          ($0.release, $0.slug, $0.config) = (ReleaseNumber(number), slug, "c")
        })
    }
    board.apply(
      event(4, .deployRequested, "new") { ($0.slug, $0.by, $0.deadline) = ("s9", "x", Self.now) })
    let users = board.slugUsers.mapValues {
      $0.map { "\($0.app) \($0.release?.description ?? "–")" }
    }
    #expect(users == ["s1": ["a v3", "b v1"], "s2": ["b v2"], "s9": ["new –"]])
    board.apply(event(5, .requestRejected, "new") { $0.request = "4" })
    #expect(board.slugUsers["s9"] == nil)
  }
}
