import ErlangDistribution
import ErlangTerm
import NodeModel

/// The questions that are open on one connection, and the times at which they are asked again.
struct QuestionSchedule {
  enum Question: Hashable {
    case vitals, boot
    case dependencies([String])
    case processes
    /// The stacks of a booting node's processes.
    case stack([Term])
    case survey
    case flags
    case environment([String])
    case releases
    case tree(String, TreeWalk.Step)
    case action(String)
  }

  var asked: [CallID: Question] = [:]
  /// The time at which a kind of question is asked again.
  private var due: [Kind: Int64] = [:]
  private var begun: [Kind: Int64] = [:]
  var applications: Applications?
  var dependencies: [String: [String]] = [:]
  var openTree: TreeWalk?
  var collector: LogCollector?
  var isReady = false
  var hasLooked = false

  enum Kind: Hashable, CaseIterable {
    case vitals, boot, stack, survey, settings, tree, log
  }

  /// Milliseconds between two answers of a kind.
  private static func interval(_ kind: Kind) -> Int64 {
    switch kind {
    case .boot: 5
    case .stack: 1000
    case .vitals, .log: 2000
    case .survey, .tree: 5000
    case .settings: 30_000
    }
  }

  /// After an answer the pause is this many times its duration, up to `longestPause`, so that questions cost little.
  private static let mostlyIdle: Int64 = 20
  private static let longestPause: Int64 = 30_000

  mutating func begin(_ kind: Kind, now: Int64) {
    begun[kind] = now
    due[kind] = .max
  }

  mutating func end(_ kind: Kind, now: Int64) {
    let cost = now - (begun[kind] ?? now)
    due[kind] = now + max(Self.interval(kind), min(Self.longestPause, cost * Self.mostlyIdle))
  }

  /// Records that the node did not answer: it is asked again soon.
  mutating func miss(_ kind: Kind, now: Int64) { due[kind] = now + Self.interval(kind) }

  /// Makes a question due at once.
  mutating func hurry(_ kind: Kind) { due[kind] = nil }

  /// A booting node is asked often, and less often the longer one application takes.
  mutating func endBoot(current: Int64, now: Int64) {
    due[.boot] = now + min(250, max(Self.interval(.boot), current / 20))
  }

  func isDue(_ kind: Kind, now: Int64) -> Bool { (due[kind] ?? 0) <= now }

  /// The kinds of questions whose answers are wanted now.
  func wanted(by watch: NodeMonitor) -> [Kind] {
    var kinds: [Kind] = []
    if watch.parts.contains(.vitals) { kinds.append(.vitals) }
    if !watch.parts.isDisjoint(with: [.boot, .vitals]), !isReady || !hasLooked {
      kinds.append(.boot)
    }
    if watch.parts.contains(.boot), !isReady, watch.report.boot?.isStuck == true {
      kinds.append(.stack)
    }
    if watch.parts.contains(.processes), watch.report.snapshot != nil { kinds.append(.survey) }
    if watch.parts.contains(.settings), applications != nil { kinds.append(.settings) }
    if watch.tree != nil { kinds.append(.tree) }
    if !watch.parts.isDisjoint(with: [.log, .happenings]) { kinds.append(.log) }
    return kinds
  }

  func nextQuestion(for watch: NodeMonitor) -> Int64? {
    if watch.actions.contains(where: { !$0.isBegun }) { return 0 }
    return wanted(by: watch).map { due[$0] ?? 0 }.min()
  }
}

extension BootTimeline {
  /// Whether one application takes so long that its stack is worth reading.
  var isStuck: Bool { currentMilliseconds > 700 }

  /// Milliseconds that the application being started has taken so far.
  var currentMilliseconds: Int64 {
    isFinished ? 0 : steps.last { !$0.isRunning }?.milliseconds ?? 0
  }
}
