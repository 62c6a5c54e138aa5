import Events
import HomeLayout
import Instance
import Posix
import Redaction
import ReleaseModel
import Synchronization
import TestSupport
import Testing

@testable import Deployment

/// The gate of a run that answers over HTTP: when it is ready, and when not any more.
struct RunWatchTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder("watch") }

  private func watch(
    _ checks: String, port: UInt16 = 1, process: String = "web", started: Int64 = Clock.now()
  ) throws -> (RunWatch, Board.Run) {
    let app = try AppJSON(bytes: Array("{\"healthchecks\":{\"web\":[\(checks)]}}".utf8))
    let run = Board.Run(
      id: 4, instance: InstanceName(process, 1), release: ReleaseNumber(1), state: .starting,
      since: Timestamp(milliseconds: started), port: port)
    let specification = RunSpecification(
      app: "shop", run: run, folder: RunFolder(path: folder.path), tree: "/slug", otpRelease: nil,
      command: "serve", config: [:], epmdPort: 1)
    let manifest = Manifest(
      otpReleases: [], processes: [], appJSON: app, tools: [:], target: .host, files: [])
    return (RunWatch(specification, manifest), run)
  }

  private var status: RunStatus {
    var status = RunStatus(boot: "b", shim: RunStatus.Process(pid: Program.processID, started: 0))
    status.process = status.shim
    return status
  }

  /// Asks until the gate has moved or has been refused.
  private func news(_ watch: inout RunWatch, _ run: Board.Run) throws -> RunNews? {
    for _ in 0..<4 {
      if let news = watch.advance(run, mask: { Redactor() }) { return news }
      let end = Clock.monotonic() + 10_000
      for descriptor in watch.descriptors
      where try Poll.isReady(Poll.Interest(descriptor), before: end) {
        watch.note([Poll.Ready(descriptor, isReadable: true)])
      }
    }
    return nil
  }

  @Test(arguments: [
    (#"{"path": "/"}"#, Int64(60_000)), (#"{"path": "/", "attempts": 30, "wait": 4}"#, 120_000),
    (#"{"path": "/", "attempts": 5}"#, 60_000),
    (#"{"path": "/", "attempts": 99999, "wait": 99999}"#, 3_600_000),
  ])
  func theTimeToGetReady(check: String, milliseconds: Int64) throws {
    #expect(try watch(check).0.bootLimit == milliseconds)
  }

  @Test func readyAtTheFirstGoodAnswer() throws {
    let server = try LoopbackServer { _ in Array("HTTP/1.1 200 OK\r\n\r\n".utf8) }
    var (watch, run) = try watch(#"{"path": "/health"}"#, port: server.port)
    watch.watch(status)
    #expect(try news(&watch, run) == .ready(boot: nil))
    run.state = .ready
    #expect(try news(&watch, run) == nil, "it is not told again")
    #expect((watch.wakeAt(.ready) ?? 0) > Clock.monotonic() + 5000, "and asked seldom")
  }

  /// Any program of the host may have taken the port.
  @Test func anotherProgramsAnswerDoesNotCount() throws {
    let server = try LoopbackServer { _ in Array("HTTP/1.1 200 OK\r\n\r\n".utf8) }
    let sleeper = try Child.start(
      Invocation(["sleep", "600"], in: "/", environment: ["PATH": "/bin:/usr/bin"]))
    defer {
      sleeper.signal(.kill)
      _ = sleeper.wait()
    }
    var status = status
    let shim = try #require(ProcessIdentity(of: sleeper.pid))
    status.shim = RunStatus.Process(pid: shim.pid, started: shim.started)
    for state in [RunState.starting, .ready] {
      var (watch, run) = try watch(#"{"path": "/health"}"#, port: server.port)
      run.state = state
      watch.watch(status)
      var news: RunNews?
      for _ in 0..<6 {
        watch.askNow()
        news = watch.advance(run, mask: { Redactor() })
        guard watch.descriptors.count == 2, let probe = watch.descriptors.first else { continue }
        #expect(try Poll.isReady(Poll.Interest(probe), before: Clock.monotonic() + 10_000))
        watch.note([Poll.Ready(probe, isReadable: true)])
      }
      let sentence = "PORT \(server.port) is held by pid \(Program.processID) "
      if state == .ready {
        guard case .unready(let cause) = news else {
          Issue.record("\(String(describing: news))")
          continue
        }
        #expect(cause.sentence.contains(sentence))
      } else {
        #expect(news == nil && watch.answer?.hasPrefix(sentence) == true, "\(watch.answer ?? "")")
      }
    }
  }

  /// A run's account of its boot, whose command was started two seconds ago.
  private func writeAccount(_ kind: BootAccount.Step.Kind) throws {
    var account = BootAccount(exec: Clock.microseconds() - 2_000_000)
    account.boots = [BootAccount.Boot(start: 40_000)]
    account.boots[0].steps = [
      BootAccount.Step(100_000, .code), BootAccount.Step(500_000, .application("shop")),
      BootAccount.Step(1_500_000, kind),
    ]
    try folder.write("boot", account.text)
  }

  @Test func theBootOfAReadyRunIsAccountedForOnce() throws {
    try writeAccount(.started)
    let server = try LoopbackServer { _ in Array("HTTP/1.1 200 OK\r\n\r\n".utf8) }
    var (watch, run) = try watch(#"{"path": "/health"}"#, port: server.port)
    watch.watch(status)
    guard case .ready(let boot?) = try news(&watch, run) else {
      Issue.record("it is not ready")
      return
    }
    #expect(boot.applications == ["shop": 1000])
    #expect((500...10_000).contains(boot.phases["ready"] ?? 0), "\(boot)")
    #expect(boot.phases.filter { $0.key != "ready" } == ["script": 40, "vm": 60, "code": 400])
    run.state = .unready
    watch.askNow()
    #expect(try news(&watch, run) == .ready(boot: nil))
  }

  /// Without distribution the run's own account names the application that hangs.
  @Test func hangIsReadFromTheAccount() throws {
    try writeAccount(.application("slow"))
    let server = try LoopbackServer { _ in Array("HTTP/1.1 503 -\r\n\r\n".utf8) }
    var (watch, run) = try watch(
      #"{"path": "/health"}"#, port: server.port, started: Clock.now() - 70_000)
    watch.watch(status)
    guard case .unready(let cause) = try news(&watch, run) else {
      Issue.record("it is not late")
      return
    }
    #expect(
      cause.sentence == "application slow has not started after 60 s: where it waits is not known")
  }

  /// A ready run is doubted after three refusals in a row; one good answer between them begins anew.
  @Test func threeRefusalsMakeAReadyRunUnready() throws {
    let answers = Mutex(["503", "503", "200", "503", "503", "503"])
    let server = try LoopbackServer { _ in
      let code = answers.withLock { $0.isEmpty ? "503" : $0.removeFirst() }
      return Array("HTTP/1.1 \(code) -\r\n\r\n".utf8)
    }
    var (watch, run) = try watch(#"{"path": "/health"}"#, port: server.port)
    run.state = .ready
    watch.watch(status)
    var told: [RunNews?] = []
    while told.last ?? nil == nil, told.count < 9 {
      watch.askNow()
      told.append(try news(&watch, run))
    }
    #expect(told.count == 6)
    guard case .unready(let cause) = told.last ?? nil else {
      Issue.record("\(told)")
      return
    }
    #expect(cause.sentence == "GET /health answers 503")
  }

  /// Runs one check.
  /// - Returns: whether the agent need not look at the run.
  private func passesQuietly(_ watch: inout RunWatch, _ run: Board.Run) throws -> Bool {
    watch.askNow()
    for _ in 0..<4 {
      if !watch.passesQuietly(run) { return false }
      guard watch.descriptors.count == 2, let probe = watch.descriptors.first else { return true }
      if try Poll.isReady(Poll.Interest(probe), before: Clock.monotonic() + 10_000) {
        watch.note([Poll.Ready(probe, isReadable: true)])
      }
    }
    return false
  }

  @Test func onlyAFailedCheckOfAReadyRunNeedsALook() throws {
    let answers = Mutex(["200", "200", "503", "503", "503"])
    let server = try LoopbackServer { _ in
      Array("HTTP/1.1 \(answers.withLock { $0.removeFirst() }) -\r\n\r\n".utf8)
    }
    var (watch, run) = try watch(#"{"path": "/health"}"#, port: server.port)
    run.state = .ready
    var status = status
    status.shim.started = try #require(ProcessIdentity(of: Program.processID)).started
    watch.watch(status)
    for _ in 1...2 { #expect(try passesQuietly(&watch, run)) }
    #expect((watch.wakeAt(.ready) ?? 0) > Clock.monotonic() + 5000)
    var news: RunNews?
    for _ in 1...3 {
      #expect(news == nil)
      #expect(try !passesQuietly(&watch, run))
      news = watch.advance(run, mask: { Redactor() })
    }
    guard case .unready = news else {
      Issue.record("\(String(describing: news))")
      return
    }
  }

  @Test func whatIsNotAsked() throws {
    let server = try LoopbackServer { _ in Array("HTTP/1.1 200 OK\r\n\r\n".utf8) }
    var (phase, run) = try watch(#"{"path": "/"}"#, port: server.port, process: "release")
    phase.watch(status)
    #expect(try news(&phase, run) == nil, "a release phase has no gate")
    var (stopping, other) = try watch(#"{"path": "/"}"#, port: server.port)
    other.state = .stopping
    stopping.watch(status)
    #expect(try news(&stopping, other) == nil)
    var (early, new) = try watch(#"{"path": "/"}"#, port: server.port)
    early.watch(nil)
    #expect(try news(&early, new) == nil, "there is no process yet")
    run.state = .starting
  }
}
