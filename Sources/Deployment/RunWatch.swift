import Diagnosis
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
  /// The program that must pass once before the run counts as ready.
  private var command: CommandGate?
  /// Whether the run has been ready before. Then its boot is over and told.
  private var wasReady: Bool
  /// A declared liveness check. Its requests take turns with those of the readiness check.
  private let liveness: HTTPCheck?
  private var livenessRefusals = 0
  private var isAskingLiveness = false
  private var probe: HTTPProbe?
  /// What a check has found and `advance` has not judged yet.
  private var verdict: HTTPProbe.Verdict?
  /// Present while the run boots; later only while its runtime is asked whether it is ready.
  private var node: BootWatch?
  /// When to give up asking the runtime of a ready run, on the monotonic clock.
  private var questionLimit: Int64 = 0
  private var hasAnswered = false
  private var hasBooted = false
  private var shim: ProcessIdentity?
  private var shimEnd: File?
  private var portOwner = PortOwner()
  /// Descriptors that polling reported as readable since the last look.
  private var readable: Set<Int32> = []
  private(set) var hasProcess = false
  /// Why the run is not ready, since it started or was ready last.
  private(set) var answer: String?
  private let manifest: Manifest
  private var lateAccounts = 0
  private static let mostLateAccounts = 6
  private var nextTry: Int64 = 0
  private var tries = 0
  private var refusals = 0
  private var silences = 0
  /// When the run started, on the monotonic clock.
  private let startedAt: Int64

  /// Milliseconds between two checks: few while a run boots, many afterwards.
  private static let firstPause: Int64 = 50
  private static let bootPause: Int64 = 250
  private static let steadyPause: Int64 = 10_000
  private static let questionTime: Int64 = 6000
  /// How long the boot of a BEAM is waited for that cannot be asked, before its server is.
  private static let mutePause: Int64 = 5000
  /// The number of consecutive failed checks after which a ready run counts as unready.
  private static let refusalsToDoubt = 3
  private static let leastBootLimit: Int64 = 60_000

  /// - Parameter manifest: that of the run's slug, with the health checks.
  init(_ specification: RunSpecification, _ manifest: Manifest) {
    (self.specification, self.manifest) = (specification, manifest)
    let appJSON = manifest.appJSON
    let process = specification.run.instance.process
    check = appJSON?.readiness(of: process)
    command = CommandGate(appJSON?.gateCommand(of: process))
    gate = Gate(check)
    if case .http(let check) = Gate(appJSON?.liveness(of: process)) {
      liveness = check
    } else {
      liveness = nil
    }
    wasReady = [.ready, .unready].contains(specification.run.state)
    startedAt = MonotonicTime.of(specification.run.started)
  }

  /// Milliseconds in which the run must become ready: those of app.json, at least a minute.
  var bootLimit: Int64 {
    let allowed = (check?.span() ?? 0) + (command?.span ?? 0)
    return max(Self.leastBootLimit, min(allowed, 3_600_000))
  }

  /// Whether the run's node has answered, or cannot be asked.
  var isBooting: Bool {
    guard hasProcess else { return false }
    return isPhase || specification.otpRelease == nil || hasAnswered
  }

  /// Whether the run does its work once, such as a release phase, and has no check; only its end counts.
  private var isPhase: Bool { ProcessType.runsOnce(specification.run.instance.process) }

  var descriptors: [Int32] {
    [probe?.descriptor, command?.descriptor, shimEnd?.descriptor].compactMap { $0 }
  }

  /// Ends all checks.
  /// - Returns: the command that decides whether the run is ready, to be reaped.
  mutating func stopAsking() -> Child? {
    probe = nil
    leaveNode()
    return command?.stop()
  }

  /// When to look at the run again, on the monotonic clock; nil if nothing is due.
  func wakeAt(_ state: RunState) -> Int64? {
    if state == .stopping { return nil }
    if let probe { return probe.deadline }
    if let moment = command?.wakeAt { return moment }
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
    shim = status?.shimIdentity
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
    if command?.isAsked == true {
      verdict = askCommand()
      return verdict.flatMap { judge($0, run, mask) }
    }
    switch gate {
    case .runtime:
      if isAskingLiveness, let liveness {
        verdict = verdict ?? askServer(run, liveness)
      } else {
        verdict = askRuntime(run).flatMap { takeTurns($0) }
      }
    case .http(let check): verdict = verdict ?? askServer(run, check)
    }
    if case .ready = verdict { verdict = askCommand() }
    return verdict.flatMap { judge($0, run, mask) }
  }

  /// Makes progress with the HTTP check of a ready run. Most checks pass; then neither the run's folder nor its app need
  /// a look.
  /// - Returns: whether nothing else has happened to the run; if not, the agent must look at it.
  mutating func passesQuietly(_ run: Board.Run) -> Bool {
    guard run.state == .ready, hasProcess, node == nil, verdict == nil,
      case .http(let check) = gate,
      let shimEnd, !readable.contains(shimEnd.descriptor)
    else { return false }
    verdict = askServer(run, check)
    readable = []
    guard let found = verdict else { return true }
    guard case .ready = found else { return false }
    verdict = nil
    notePass()
    return true
  }

  private mutating func notePass() {
    (refusals, silences, tries, wasReady) = (0, 0, 0, true)
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
    if run.state != .ready { return now < nextTry ? nil : .notReady(CheckAnswer(node.reason)) }
    guard node.isRefused || now >= questionLimit else { return nil }
    leaveNode()
    let answer = CheckAnswer(node.reason)
    return node.isRefused ? .notReady(answer) : .silent(answer)
  }

  /// Why the server is not asked yet. In the middle of its boot, an application may log an error for each request.
  private var bootReason: String? {
    if wasReady || hasBooted || specification.otpRelease == nil { return nil }
    if hasAnswered { return node?.reason ?? "it boots" }
    if account?.boots.last?.hasStarted == true { return nil }
    return Clock.monotonic() - startedAt < Self.mutePause ? "its node does not answer yet" : nil
  }

  /// Asks the program that must pass before the run is ready for the first time.
  private mutating func askCommand() -> HTTPProbe.Verdict? {
    command == nil || wasReady ? .ready : command?.ask(beside: specification)
  }

  /// Lets the declared liveness check take turns with the readiness check of a ready run.
  private mutating func takeTurns(_ verdict: HTTPProbe.Verdict) -> HTTPProbe.Verdict? {
    guard liveness != nil, wasReady else { return verdict }
    if !isAskingLiveness {
      if verdict != .ready { return verdict }
      (isAskingLiveness, nextTry) = (true, 0)
      return nil
    }
    if verdict == .ready {
      (isAskingLiveness, livenessRefusals) = (false, 0)
      return .ready
    }
    livenessRefusals += 1
    nextTry = Clock.monotonic() + 1000
    if livenessRefusals < Self.refusalsToDoubt { return nil }
    isAskingLiveness = false
    silences = Self.refusalsToDoubt
    guard case .notReady(var answer) = verdict else { return verdict }
    answer.brief = "its liveness check fails: \(answer.brief)"
    return .silent(answer)
  }

  private mutating func askServer(
    _ run: Board.Run, _ check: HTTPCheck
  ) -> HTTPProbe.Verdict? {
    let asked = isAskingLiveness ? liveness ?? check : check
    if probe != nil {
      let isReadable = probe.map { readable.contains($0.descriptor) } ?? false
      guard let verdict = probe?.advance(isReadable: isReadable) else { return nil }
      probe = nil
      if case .silent = verdict { portOwner = PortOwner() }
      let stranger = shim.flatMap {
        portOwner.stranger(on: run.port ?? 0, below: $0)
      }
      return takeTurns(
        stranger.map { .notReady(.stranger($0, port: run.port ?? 0)) } ?? verdict)
    }
    guard Clock.monotonic() >= nextTry else { return nil }
    if let reason = bootReason {
      nextTry = Clock.monotonic() + Self.firstPause
      return .notReady(CheckAnswer(reason))
    }
    tries += 1
    do throws(PosixError) {
      let limit = Int64(min(max(self.check?.timeout ?? 5, 1), 60)) * 1000
      probe = try HTTPProbe(asked, port: run.port ?? 0, milliseconds: limit)
      return nil
    } catch {
      (isAskingLiveness, portOwner) = (false, PortOwner())
      return .notReady(
        error.errno == .refused
          ? .noListener(run.port ?? 0) : CheckAnswer("GET \(asked.path): \(error)"))
    }
  }

  private mutating func judge(
    _ verdict: HTTPProbe.Verdict, _ run: Board.Run, _ mask: () -> Redactor
  ) -> RunNews? {
    switch verdict {
    case .ready:
      if accountIsLate {
        nextTry = Clock.monotonic() + Self.firstPause
        return nil
      }
      answer = nil
      leaveNode()
      let boot = wasReady ? nil : account?.times(until: Clock.microseconds())
      notePass()
      return run.state == .ready ? nil : .ready(boot: boot)
    case .notReady(let found):
      silences = 0
      return judgeRefusal(.notReady, found, run, mask)
    case .silent(let found):
      silences += 1
      let isDead = wasReady && silences >= Self.refusalsToDoubt
      return judgeRefusal(isDead ? .notAlive : .notReady, found, run, mask)
    }
  }

  private mutating func judgeRefusal(
    _ id: ProblemID, _ found: CheckAnswer, _ run: Board.Run, _ mask: () -> Redactor
  ) -> RunNews? {
    let now = Clock.monotonic()
    refusals += 1
    if run.state == .ready {
      nextTry = now + 1000
      return refusals < Self.refusalsToDoubt ? nil : .unready(refusal(id, found, mask()))
    }
    answer = found.text
    nextTry = now + (tries < 40 && gate != .runtime ? Self.firstPause : Self.bootPause)
    if run.state == .unready {
      let isNew = id == .notAlive && run.cause?.id != id.rawValue
      return isNew ? .unready(refusal(id, found, mask())) : nil
    }
    if now - startedAt < bootLimit { return nil }
    return .unready(refusal(.bootTimeout, found, mask()))
  }

  /// Whether the node has booted and `relshim` has not written down the end of the boot yet. Then the run is asked again,
  /// a few times at most, so that the times of its boot are whole.
  private var accountIsLate: Bool {
    mutating get {
      guard !wasReady, hasBooted, lateAccounts < Self.mostLateAccounts,
        account?.boots.last?.hasStarted == false
      else { return false }
      lateAccounts += 1
      return true
    }
  }

  /// What the run's VM has told of its boot.
  private var account: BootAccount? {
    guard let bytes = try? Files.readIfThere(specification.folder.boot, limit: 1 << 20) else {
      return nil
    }
    return BootAccount(text: String(decoding: bytes, as: UTF8.self))
  }

  private func refusal(_ id: ProblemID, _ found: CheckAnswer, _ mask: Redactor) -> Cause {
    let run = specification.run
    let facts = RunFacts(
      of: run, app: specification.app, folder: specification.folder, tree: specification.tree,
      manifest: manifest, mask: { mask($0) })
    var wait = WaitFacts(found)
    wait.hang = node?.hang ?? hang(id)
    if id == .bootTimeout { wait.limit = bootLimit / 1000 }
    if found == .noListener(run.port ?? 0), let shim {
      wait.listening = PortOwner.listening(below: shim)
    }
    return Diagnosis(facts.facts(nil)).cause(of: wait, id)
  }

  /// The application that a run without a node that could be asked was starting last.
  private func hang(_ id: ProblemID) -> WaitFacts.Hang? {
    guard id == .bootTimeout, case .application(let name) = account?.boots.last?.steps.last?.kind
    else { return nil }
    return WaitFacts.Hang(application: name, awaited: nil, stack: [])
  }
}
