import Events
import HomeLayout
import Testing

/// Times in the future and negative durations, which a clock that was set back can cause.
struct DurationTests {
  @Test(arguments: [
    (Int64.min, "0s", "0.0 s"), (-139_719_993_600, "0s", "0.0 s"), (-1, "0s", "0.0 s"),
    (0, "0s", "0.0 s"), (99, "0s", "0.0 s"), (12_460, "12s", "12.4 s"), (60_000, "1m", "60.0 s"),
  ])
  func negativeDurationsInWords(milliseconds: Int64, age: String, seconds: String) {
    #expect(Age.text(milliseconds) == age)
    #expect(Age.seconds(milliseconds) == seconds)
  }

  /// The age of the crash is unknown, so the crash is still shown.
  @Test func crashesInTheFutureAreShown() {
    var board = Board()
    let time = Timestamp(milliseconds: 1_700_000_000_000)
    func apply(_ sequence: UInt64, _ type: EventType, _ fill: (inout EventData) -> Void) {
      board.apply(
        Event(
          sequence: sequence, id: "\(sequence)", time: time, source: "test", type: type,
          app: "shop", data: EventData(fill)))
    }
    let (web, one) = (InstanceName("web", 1), ReleaseNumber(1))
    apply(1, .releaseCreated) { ($0.release, $0.slug, $0.config) = (one, "s", "c") }
    apply(2, .deploymentStarted) { ($0.release, $0.formation) = (one, ["web": 1]) }
    apply(3, .deploymentStep) {
      ($0.release, $0.step) = (one, Board.Deployment.Step.switchOver.rawValue)
    }
    apply(4, .deploymentFinished) { $0.release = one }
    apply(5, .instanceStarting) { ($0.instance, $0.release) = (web, one) }
    apply(6, .instanceCrashed) {
      ($0.instance, $0.run, $0.cause) = (web, 5, Cause(.crashed, "it broke"))
    }
    apply(7, .instanceStarting) { ($0.instance, $0.release) = (web, one) }
    apply(8, .instanceReady) { ($0.instance, $0.run) = (web, 7) }
    let app = board.apps["shop"]
    let cases: [(Int64, Bool)] = [
      (-86_400_000, true), (0, true), (299_999, true), (300_000, false),
    ]
    for (later, isShown) in cases {
      #expect((app?.worstCause(at: time + later) != nil) == isShown, "\(later)")
    }
  }
}
