/// The timeline of a node's boot: which application is started when, and how long each takes.
///
/// `look` is called again and again with the node's current applications. The time between two calls counts for the
/// application that was being started, so that the times of all add up to the whole.
public struct BootTimeline: Hashable, Sendable {
  public struct Step: Hashable, Sendable {
    public var application: String
    public var milliseconds: Int64
    public var isRunning: Bool
  }

  /// In the order in which they were started, without the applications that ran before the first look.
  public private(set) var steps: [Step] = []
  /// Milliseconds from the first look to the last, or to the one that found the node ready.
  public private(set) var total: Int64 = 0
  public private(set) var isFinished = false
  /// The applications that ran at the first look, in order. Their start was not observed, so they have no time.
  public private(set) var before: [String] = []
  /// The stack of the process that the current application waits for, the innermost function first.
  public var stack: [String] = []
  /// The name or module of that process, such as `Billing.Repo`; nil if it is not known.
  public var awaited: String?

  private var last: Int64?
  /// The time before any application was seen to be started; it counts for the first one.
  private var early: Int64 = 0

  public init() {}

  /// A boot that is over. Its applications are assumed to have been started one after another, each in the given time.
  /// - Parameter order: the order of the start. An application without a time had started before the first look.
  public init(_ times: [String: Int], order: [String]) {
    let rest = Set(times.keys).subtracting(order).sorted()
    for name in order + rest {
      guard let time = times[name] else {
        before.append(name)
        continue
      }
      let milliseconds = min(max(0, Int64(time)), Self.longest)
      steps.append(Step(application: name, milliseconds: milliseconds, isRunning: true))
      total += milliseconds
    }
    isFinished = true
  }

  /// A year: the upper limit, since a log may hold any number.
  private static let longest: Int64 = 31_536_000_000

  /// The application that is being started now.
  public var current: String? { isFinished ? nil : steps.last { !$0.isRunning }?.application }

  /// What the current application waits for: `waiting for Billing.Repo, in gen_tcp:connect/4`; nil if it is not known.
  public var hindrance: String? {
    let words = [awaited.map { "waiting for \($0)" }, stack.first.map { "in \($0)" }]
    let known = words.compactMap { $0 }
    return known.isEmpty ? nil : known.joined(separator: ", ")
  }

  public var milliseconds: [String: Int64] {
    Dictionary(steps.map { ($0.application, $0.milliseconds) }) { $1 }
  }

  /// - Parameters:
  ///   - now: milliseconds of a clock that never jumps.
  ///   - starting: applications being started, in their order.
  ///   - running: applications that run, in the order in which they were started.
  ///   - isReady: whether the node has booted.
  public mutating func look(at now: Int64, starting: [String], running: [String], isReady: Bool) {
    if isFinished { return }
    guard let last else {
      self.last = now
      before = running
      steps = starting.map { Step(application: $0, milliseconds: 0, isRunning: false) }
      isFinished = isReady && starting.isEmpty
      return
    }
    let passed = max(0, now - last)
    self.last = now
    total += passed
    let known = Set(before)
    let new = running.filter { name in
      !known.contains(name) && !steps.contains { $0.application == name }
    }
    share(passed, among: new)
    for index in steps.indices where running.contains(steps[index].application) {
      steps[index].isRunning = true
    }
    for name in starting where !steps.contains(where: { $0.application == name }) {
      steps.append(Step(application: name, milliseconds: 0, isRunning: false))
    }
    if !steps.isEmpty {
      steps[0].milliseconds += early
      early = 0
    }
    if isReady, starting.isEmpty {
      isFinished = true
      (stack, awaited) = ([], nil)
    }
  }

  /// Adds the passed time to the application that was being started. If there was none, the first new application gets
  /// it, else the last one.
  private mutating func share(_ passed: Int64, among new: [String]) {
    let current = steps.lastIndex { !$0.isRunning }
    steps += new.map { Step(application: $0, milliseconds: 0, isRunning: true) }
    if let current {
      steps[current].milliseconds += passed
    } else if !new.isEmpty {
      let first = steps.count - new.count
      steps[first].milliseconds += passed
    } else if let end = steps.indices.last {
      steps[end].milliseconds += passed
    } else {
      early += passed
    }
  }
}
