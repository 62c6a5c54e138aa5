import Glibc
import Posix
import Synchronization
import TestSupport

/// One history on a home of its own.
struct OperationTorture {
  let history: OperationHistory
  let scene: TortureScene
  /// Milliseconds after which no further step is begun; nil for all steps.
  let limit: Int64?

  /// Steps between two quiet moments.
  private static let stride = 8
  /// Milliseconds between two probes, and between two looks at what is shown.
  private static let probePause: Int64 = 50
  private static let lookPause: Int64 = 1000

  init(_ history: OperationHistory, limit: Int64?) throws {
    (self.history, self.limit) = (history, limit)
    scene = try TortureScene()
  }

  /// - Returns: what was seen that must not be.
  func run() throws -> [String] {
    defer { scene.end() }
    let kinds = TortureSlug.Kind.allCases.filter {
      $0 != .greeter || history.apps.contains(TortureSlug.greeter)
    }
    let slugs = try scene.makeSlugs(kinds)
    let isOver = Mutex(false)
    Threads.run(3) { index in
      switch index {
      case 0:
        operate(slugs)
        isOver.withLock { $0 = true }
      case 1: probe(until: isOver)
      default: look(until: isOver)
      }
    }
    EndCheck(scene: scene).run()
    return scene.violations.all + (scene.violations.all.isEmpty ? [] : scene.lastLines)
  }

  private func operate(_ slugs: [TortureSlug.Kind: String]) {
    begin(slugs)
    let end = limit.map { Clock.monotonic() + $0 } ?? .max
    for (index, step) in history.steps.enumerated() where Clock.monotonic() < end {
      if index > 0, index % Self.stride == 0 { QuietCheck(scene: scene).run() }
      perform(step, slugs)
      // After something that must never be, what follows says nothing.
      if !scene.violations.all.isEmpty { return }
    }
    QuietCheck(scene: scene).run()
  }

  /// Deploys all apps at once, and gives each a value of its own.
  private func begin(_ slugs: [TortureSlug.Kind: String]) {
    for change: (String) -> OperationHistory.Change in [
      { _ in .deploy(.fast) }, { .set("first-of-\($0)") },
    ] {
      let requests = history.apps.map { OperationHistory.Request(app: $0, change: change($0)) }
      perform(OperationHistory.Step(requests: requests, crash: nil, delay: 0), slugs)
    }
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

  private func probe(until isOver: borrowing Mutex<Bool>) {
    let start = Clock.monotonic()
    var watch = ServiceWatch(scene)
    repeating(every: Self.probePause, until: isOver) { watch.look() }
    print(
      "seed \(history.seed): \(scene.account().ids.count) events, "
        + "\(watch.probes) probes, \(watch.readings) environments read, "
        + "\(Clock.monotonic() - start) ms")
    fflush(nil)
  }

  /// What is shown may be late by one look.
  private func look(until isOver: borrowing Mutex<Bool>) {
    var before: Set<String> = []
    repeating(every: Self.lookPause, until: isOver) {
      let missing = Set(ShownState(scene).missing)
      for text in missing.intersection(before) { scene.violations.note(.truth, text) }
      before = missing
    }
  }

  private func repeating(
    every pause: Int64, until isOver: borrowing Mutex<Bool>, _ body: () -> Void
  ) {
    while !isOver.withLock({ $0 }) {
      let begun = Clock.monotonic()
      body()
      Clock.pause(milliseconds: max(5, begun + pause - Clock.monotonic()))
    }
  }
}
