import Instance
import Posix
import ReleaseModel

/// What the agent keeps of a live run between two looks: its gate, and what wakes the agent when something happens to it.
struct RunWatch {
  let specification: RunSpecification
  let gate: Gate
  private let check: AppJSON.HealthCheck?
  private var probe: Probe?
  private var shimEnd: File?
  private var launchedAt: Int64?
  private var nextTry: Int64 = 0
  private var tries = 0
  private var refusals = 0
  private let since: Timestamp

  /// Milliseconds between two tries: often while a run boots, seldom afterwards.
  private static let firstPause: Int64 = 50
  private static let bootPause: Int64 = 250
  private static let steadyPause: Int64 = 10_000
  /// A ready run that refuses so often in a row counts as unready.
  private static let refusalsToDoubt = 3
  private static let leastBootLimit: Int64 = 60_000
  private static let launchLimit: Int64 = 5000
  /// Characters of what a run says for not being ready.
  private static let longestReason = 130

  init(_ specification: RunSpecification, check: AppJSON.HealthCheck?) {
    self.specification = specification
    self.check = check
    gate = Gate(check)
    since = specification.run.started
  }

  /// How long it may take to get ready: what app.json allows, a minute at least.
  var bootLimit: Int64 {
    func bounded(_ number: Int?) -> Int64 { Int64(min(max(0, number ?? 0), 3600)) }
    let allowed = bounded(check?.attempts) * bounded(check?.wait ?? 1) * 1000
    return max(Self.leastBootLimit, min(allowed, 3_600_000))
  }

  mutating func noteLaunch() { launchedAt = Clock.monotonic() }

  /// Whether its shim was started a moment ago and may not have said a word yet.
  var isLaunching: Bool {
    launchedAt.map { Clock.monotonic() - $0 < Self.launchLimit } ?? false
  }

  var descriptors: [Int32] { [probe?.descriptor, shimEnd?.descriptor].compactMap { $0 } }

  /// When to look again, on the monotonic clock, if nothing wakes us before.
  func wakeAt(_ state: RunState) -> Int64? {
    if let probe { return probe.deadline }
    // A release phase is asked nothing; its end is all there is to see.
    if specification.run.instance.process == ProcessType.release, state != .starting { return nil }
    switch state {
    case .starting: return launchedAt.map { $0 + Self.launchLimit }
    case .booting, .unready: return nextTry
    case .ready: return nextTry
    default: return nil
    }
  }

  /// - Parameter readable: what polling found; a process that has ended is not polled for again.
  mutating func watch(_ status: RunStatus?, readable: Set<Int32>) {
    launchedAt = nil
    if let end = shimEnd, readable.contains(end.descriptor) { shimEnd = nil }
    if shimEnd == nil { shimEnd = status?.shimIdentity.endWatch() }
  }

  /// Moves the gate on, and says what became of it.
  /// - Parameter mask: for what a run says of itself.
  mutating func advance(_ run: Board.Run, readable: Set<Int32>, mask: () -> Mask) -> (
    EventType, Cause?
  )? {
    guard run.state == .booting || run.state == .ready || run.state == .unready else { return nil }
    if probe != nil {
      let isReadable = probe.map { readable.contains($0.descriptor) } ?? false
      guard let verdict = probe?.advance(isReadable: isReadable) else { return nil }
      probe = nil
      return judge(verdict, run, mask)
    }
    guard Clock.monotonic() >= nextTry else { return nil }
    tries += 1
    do throws(PosixError) {
      let limit = Int64(min(max(check?.timeout ?? 5, 1), 60)) * 1000
      probe = try Probe(
        gate, port: run.port, milliseconds: gate == .runtime ? 6000 : limit,
        status: specification.runtimeCall(["-a", "init get_status []"]))
      return nil
    } catch {
      let isRefused = error.errno == .refused
      return judge(
        .notReady(isRefused ? "nothing listens on its port \(run.port ?? 0) yet" : "\(error)"), run,
        mask)
    }
  }

  private mutating func judge(_ verdict: Probe.Verdict, _ run: Board.Run, _ mask: () -> Mask) -> (
    EventType, Cause?
  )? {
    let now = Clock.monotonic()
    switch verdict {
    case .ready:
      (refusals, tries) = (0, 0)
      nextTry = now + Self.steadyPause
      return run.state == .ready ? nil : (.instanceReady, nil)
    case .notReady(let reason):
      refusals += 1
      if run.state == .ready {
        nextTry = now + 1000
        return refusals < Self.refusalsToDoubt
          ? nil : (.instanceUnready, refusal(.notReady, mask()(reason)))
      }
      nextTry = now + (tries < 40 ? Self.firstPause : Self.bootPause)
      let age = Timestamp(milliseconds: Clock.now()) - since
      if run.state == .unready || age < bootLimit { return nil }
      return (.instanceUnready, refusal(.bootTimeout, mask()(reason)))
    }
  }

  private func refusal(_ id: ProblemID, _ reason: String) -> Cause {
    let run = specification.run
    let what =
      switch gate {
      case .http(let path, _): "GET \(path): \(reason.prefix(Self.longestReason))"
      case .runtime: String(reason.prefix(Self.longestReason))
      }
    let waited = id == .bootTimeout ? " after \(bootLimit / 1000) s" : ""
    let lines = LogTail.lines(of: specification.folder, count: 5)
    return Cause(
      id, "\(run.instance) of \(run.release) is not ready\(waited): \(what)",
      remedy: "Read its last lines: relctl logs \(specification.app)/\(run.instance)",
      evidence: lines.map {
        Cause.Evidence(kind: "log", place: "\(run.instance) \($0.time)", text: $0.text)
      })
  }
}
