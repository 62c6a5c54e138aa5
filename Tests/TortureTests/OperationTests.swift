import Posix
import Synchronization
import TestSupport
import Testing

/// Requests of operators at random, with `kill -9` of agent, `relshim` and instances among them.
///
/// The invariants are checked from outside: while it runs, at quiet moments, and after the end. `RELTUI_TORTURE=N` runs N
/// steps in histories of 25; `RELTUI_TORTURE_SEED` runs the history with this seed alone.
@Suite struct TortureByOperations {
  private static let longHistory = 25
  private static let shortHistory = 8

  @Test(.timeLimit(.minutes(240))) func randomHistories() throws {
    let length = Torture.isLong ? Self.longHistory : Self.shortHistory
    for seed in Self.seeds {
      let history = OperationHistory(seed: seed, steps: length)
      let violations = try OperationTorture(history).run()
      #expect(violations.isEmpty, "\(violations.joined(separator: "\n"))\n\(history)")
    }
  }

  private static var seeds: [UInt64] {
    if let seed = Environment.current["RELTUI_TORTURE_SEED"].flatMap({ UInt64($0) }) {
      return [seed]
    }
    guard let rounds = Torture.rounds else { return [1] }
    return Array(1...UInt64(max(1, rounds / longHistory)))
  }
}

/// One history on a home of its own.
struct OperationTorture {
  let history: OperationHistory
  let scene: TortureScene

  /// Steps between two quiet moments.
  private static let stride = 5
  /// Milliseconds between two probes.
  private static let pause: Int64 = 50

  init(_ history: OperationHistory) throws {
    self.history = history
    scene = try TortureScene()
  }

  /// - Returns: what was seen that must not be.
  func run() throws -> [String] {
    defer { scene.end() }
    let slugs = try scene.makeSlugs()
    let start = Clock.monotonic()
    let isOver = Mutex(false)
    Threads.run(2) { index in
      if index == 0 {
        operate(slugs)
        isOver.withLock { $0 = true }
      } else {
        watch(until: isOver, start)
      }
    }
    EndCheck(scene: scene).run()
    return scene.violations.all
  }

  private func operate(_ slugs: [TortureSlug.Kind: String]) {
    Threads.run(TortureSlug.apps.count) { index in
      scene.request(["deploy", TortureSlug.apps[index], slugs[.fast] ?? ""])
    }
    for (index, step) in history.steps.enumerated() {
      perform(step, slugs)
      if (index + 1) % Self.stride == 0 { QuietCheck(scene: scene).run() }
      // After something that must never be, what follows says nothing.
      if !scene.violations.all.isEmpty { return }
    }
    QuietCheck(scene: scene).run()
  }

  private func perform(_ step: OperationHistory.Step, _ slugs: [TortureSlug.Kind: String]) {
    Threads.run(step.requests.count + 1) { index in
      if index < step.requests.count {
        scene.request(step.requests[index].arguments(slugs))
      } else if let crash = step.crash {
        Clock.pause(milliseconds: step.delay)
        scene.perform(crash)
      }
    }
  }

  private func watch(until isOver: borrowing Mutex<Bool>, _ start: Int64) {
    var watch = ServiceWatch(scene)
    while !isOver.withLock({ $0 }) {
      let begun = Clock.monotonic()
      watch.look()
      Clock.pause(milliseconds: max(5, begun + Self.pause - Clock.monotonic()))
    }
    let events = scene.account().ids.count
    print(
      "seed \(history.seed): \(history.steps.count) steps, \(events) events, \(watch.probes) probes,"
        + " \(watch.readings) environments in \(Clock.monotonic() - start) ms")
  }
}
