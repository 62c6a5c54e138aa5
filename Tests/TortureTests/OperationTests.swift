import Posix
import Synchronization
import TestSupport
import Testing

/// Requests of operators at random, with `kill -9` of agent, `relshim` and instances among them.
///
/// The invariants are checked from outside: while it runs, at quiet moments, and after the end. `RELTUI_TORTURE=N` runs a
/// history of 25 steps for every hundred; `RELTUI_TORTURE_SEED` runs the history with this seed alone.
@Suite struct TortureByOperations {
  private static let longHistory = 25
  private static let shortHistory = 8
  /// Milliseconds; `make test` waits for the short form, however busy the machine is.
  private static let shortLimit: Int64 = 5000
  private static let seed = Environment.current["RELTUI_TORTURE_SEED"].flatMap { UInt64($0) }
  private static let isLong = Torture.isLong || seed != nil

  @Test(.timeLimit(.minutes(240))) func randomHistories() throws {
    for history in Self.histories {
      let violations = try OperationTorture(history, limit: Self.isLong ? nil : Self.shortLimit)
        .run()
      #expect(violations.isEmpty, "\(violations.joined(separator: "\n"))\n\(history)")
    }
  }

  private static var histories: [OperationHistory] {
    guard isLong else {
      return [OperationHistory(seed: 1, steps: shortHistory, apps: TortureSlug.apps)]
    }
    let all = 1...UInt64(max(1, (Torture.rounds ?? 0) / 100))
    return (seed.map { [$0] } ?? Array(all)).map {
      // A BEAM takes its time, so it is in every fourth history.
      let apps = TortureSlug.apps + ($0 % 4 == 0 ? [TortureSlug.greeter] : [])
      return OperationHistory(seed: $0, steps: longHistory, apps: apps)
    }
  }
}
