import Events
import HomeLayout
import Instance
import Posix
import Redaction
import ReleaseModel

/// The watch of a live run: whether it is ready, and how far its boot is.
struct RunWatch {
  let specification: RunSpecification
  private let gate: Gate
  private let check: AppJSON.HealthCheck?
  private var probe: HTTPProbe?
  /// What a check has found and `advance` has not judged yet.
  private var verdict: HTTPProbe.Verdict?
  /// Present while the run boots; later only while its runtime is asked whether it is ready.
  private var node: BootWatch?
  /// When to give up asking the runtime of a ready run, on the monotonic clock.
  private var questionLimit: Int64 = 0
  private var hasAnswered = false
  private var hasBooted = false
  /// Whether the run has been ready before; its boot is told once.
  private var wasReady: Bool
  private var shimEnd: File?
  /// Descriptors that polling reported as readable since the last look.
  private var readable: Set<Int32> = []
  private(set) var hasProcess = false
  private var nextTry: Int64 = 0
  private var tries = 0
  private var refusals = 0
  /// When the run started, on the monotonic clock.
  private let startedAt: Int64

  /// Milliseconds between two checks: few while a run boots, many afterwards.
  private static let firstPause: Int64 = 50
  private static let bootPause: Int64 = 250
  private static let steadyPause: Int64 = 10_000
  private static let questionTime: Int64 = 6000
  /// The number of consecutive failed checks after which a ready run counts as unready.
  private static let refusalsToDoubt = 3
  private static let leastBootLimit: Int64 = 60_000
  /// The number of characters kept of a reason for not being ready.
  private static let longestReason = 200

  init(_ specification: RunSpecification, check: AppJSON.HealthCheck?) {
    (self.specification, self.check) = (specification, check)
    gate = Gate(check)
    wasReady = [.ready, .unready].contains(specification.run.state)
    startedAt = MonotonicTime.of(specification.run.started)
  }

  /// Milliseconds in which the run must become ready: those of app.json, at least a minute.
  var bootLimit: Int64 {
    func bounded(_ number: Int?) -> Int64 { Int64(min(max(0, number ?? 0), 3600)) }
    let allowed = bounded(check?.attempts) * bounded(check?.wait ?? 1) * 1000
    return max(Self.leastBootLimit, min(allowed, 3_600_000))
  }

  /// Whether the run's node has answered, or cannot be asked.
  var isBooting: Bool {
    guard hasProcess else { return false }
    return isPhase || specification.otpRelease == nil || hasAnswered
  }

  /// Whether the run is a release phase, which has no check; only its end counts.
  private var isPhase: Bool { specification.run.instance.process == ProcessType.release }

  var descriptors: [Int32] { [probe?.descriptor, shimEnd?.descriptor].compactMap { $0 } }

  /// When to look at the run again, on the monotonic clock; nil if nothing is due.
  func wakeAt(_ state: RunState) -> Int64? {
    if let probe { return probe.deadline }
    if isPhase { return nil }
    switch state {
    case .starting, .booting, .unready: return nextTry
    case .ready: return node == nil ? nextTry : questionLimit
    default: return nil
    }
  }

  /// The interests of the node's connection. They are separate, because a booting node is polled so
  /// often that the agent looks at the run only when an answer changes something.
  var nodeInterests: [Poll.Interest] { node?.interests ?? [] }
  var nodeTick: Int64? { node?.nextTick }

  /// - Returns: whether the agent must look at the run.
  mutating func advanceNode(_ ready: [Poll.Ready]) -> Bool { node?.advance(ready) ?? false }

  /// Makes the next check due now.
  mutating func askNow() { nextTry = 0 }

  /// Notes the result of polling `descriptors`.
  mutating func note(_ ready: [Poll.Ready]) { readable.formUnion(ready.map(\.descriptor)) }

  /// Whether the end of its `relshim` is noticed at once.
  var watchesShim: Bool { shimEnd != nil }

  /// Notes the status from the run's folder. A process that has ended is no longer polled.
  mutating func watch(_ status: RunStatus?) {
    hasProcess = status?.process != nil
    if let end = shimEnd, readable.contains(end.descriptor) { shimEnd = nil }
    if shimEnd == nil { shimEnd = status?.shimIdentity.endWatch() }
  }
}

extension RunWatch {
  /// Makes progress with the check.
  /// - Parameter mask: the redactor for texts from the run.
  /// - Returns: the event to record, if the state has changed.
  mutating func advance(_ run: Board.Run, mask: () -> Redactor) -> RunNews? {
    defer { (readable, verdict) = ([], nil) }
    guard hasProcess, !isPhase, run.state.isLive else { return nil }
    if run.state == .stopping {
      leaveNode()
      return nil
    }
    watchBoot(run)
    switch gate {
    case .runtime: verdict = askRuntime(run)
    case .http(let path, let content): verdict = verdict ?? askServer(run, path, content)
    }
    return verdict.flatMap { judge($0, run, mask) }
  }

  /// Makes progress with the HTTP check of a ready run. Most checks pass; then neither the run's folder nor its app need
  /// a look.
  /// - Returns: whether nothing else has happened to the run; if not, the agent must look at it.
  mutating func passesQuietly(_ run: Board.Run) -> Bool {
    guard run.state == .ready, hasProcess, node == nil, verdict == nil,
      case .http(let path, let content) = gate,
      let shimEnd, !readable.contains(shimEnd.descriptor)
    else { return false }
    verdict = askServer(run, path, content)
    readable = []
    guard let found = verdict else { return true }
    guard case .ready = found else { return false }
    verdict = nil
    notePass()
    return true
  }

  private mutating func notePass() {
    (refusals, tries, wasReady) = (0, 0, true)
    nextTry = Clock.monotonic() + Self.steadyPause
  }

  /// Watches the boot, even if an HTTP check decides when the run is ready.
  private mutating func watchBoot(_ run: Board.Run) {
    let isOnItsWay = run.state == .starting || run.state == .booting
    if node == nil, isOnItsWay, !hasBooted, gate == .runtime || specification.otpRelease != nil {
      beginWatch()
    }
    if node?.hasAnswered == true { hasAnswered = true }
    guard node?.hasBooted == true, !hasBooted else { return }
    hasBooted = true
    if gate == .runtime { return }
    leaveNode()
    // A booted run may well be ready, so it is checked at once.
    askNow()
  }

  private mutating func beginWatch() {
    node = BootWatch(specification)
    _ = advanceNode([])
  }

  private mutating func leaveNode() {
    node?.leave()
    node = nil
  }

  private mutating func askRuntime(_ run: Board.Run) -> HTTPProbe.Verdict? {
    let now = Clock.monotonic()
    guard let node else {
      if now < nextTry { return nil }
      questionLimit = now + Self.questionTime
      beginWatch()
      return nil
    }
    if node.hasBooted {
      leaveNode()
      return .ready
    }
    if run.state != .ready { return now < nextTry ? nil : .notReady(node.reason) }
    guard node.isRefused || now >= questionLimit else { return nil }
    leaveNode()
    return .notReady(node.reason)
  }

  private mutating func askServer(
    _ run: Board.Run, _ path: String, _ content: String?
  ) -> HTTPProbe.Verdict? {
    if probe != nil {
      let isReadable = probe.map { readable.contains($0.descriptor) } ?? false
      let verdict = probe?.advance(isReadable: isReadable)
      if verdict != nil { probe = nil }
      return verdict
    }
    guard Clock.monotonic() >= nextTry else { return nil }
    tries += 1
    do throws(PosixError) {
      let limit = Int64(min(max(check?.timeout ?? 5, 1), 60)) * 1000
      probe = try HTTPProbe(path: path, content: content, port: run.port ?? 0, milliseconds: limit)
      return nil
    } catch {
      let isRefused = error.errno == .refused
      return .notReady(
        isRefused ? "nothing listens on its port \(run.port ?? 0) yet" : "\(error)")
    }
  }

  private mutating func judge(
    _ verdict: HTTPProbe.Verdict, _ run: Board.Run, _ mask: () -> Redactor
  ) -> RunNews? {
    let now = Clock.monotonic()
    switch verdict {
    case .ready:
      leaveNode()
      let boot = wasReady ? nil : account?.times(until: Clock.microseconds())
      notePass()
      return run.state == .ready ? nil : .ready(boot: boot)
    case .notReady(let reason):
      refusals += 1
      if run.state == .ready {
        nextTry = now + 1000
        return refusals < Self.refusalsToDoubt
          ? nil : .unready(refusal(.notReady, reason, mask()))
      }
      nextTry = now + (tries < 40 && gate != .runtime ? Self.firstPause : Self.bootPause)
      if run.state == .unready || now - startedAt < bootLimit { return nil }
      return .unready(refusal(.bootTimeout, reason, mask()))
    }
  }

  /// What the run's VM has told of its boot.
  private var account: BootAccount? {
    guard let bytes = try? Files.readIfThere(specification.folder.boot, limit: 1 << 20) else {
      return nil
    }
    return BootAccount(text: String(decoding: bytes, as: UTF8.self))
  }

  private func refusal(_ id: ProblemID, _ reason: String, _ mask: Redactor) -> Cause {
    let run = specification.run
    // The text is masked before it is cut.
    let hang =
      node?.hang
      ?? (id == .bootTimeout ? account?.current.map { "it hangs \($0)" } : nil)
    let said = mask(hang ?? reason).prefix(Self.longestReason)
    var what = String(said)
    if hang == nil, case .http(let path, _) = gate { what = "GET \(path): \(said)" }
    let waited = id == .bootTimeout ? " after \(bootLimit / 1000) s" : ""
    let stack = (node?.stack ?? []).prefix(3).map {
      Cause.Evidence(kind: "process", place: run.node ?? "", text: mask($0))
    }
    let lines = LogTail.lines(of: specification.folder, count: 5).map {
      Cause.Evidence(kind: "log", place: "\(run.instance) \($0.time)", text: $0.text)
    }
    return Cause(
      id, "\(run.instance) of \(run.release) is not ready\(waited): \(what)",
      remedy: "Read its last lines: relctl logs \(specification.app)/\(run.instance)",
      evidence: stack + lines)
  }
}
