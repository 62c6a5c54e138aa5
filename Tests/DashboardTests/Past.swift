import Diagnosis
import Events
import HomeLayout
import Instance

@testable import ReleaseModel

/// Events of a host at fixed moments, and the board folded from them. No file is read.
struct Past {
  static let now = Timestamp(milliseconds: 1_795_262_670_000)  // 2026-11-21T12:04:30Z
  static let slugs = ["9f3c0a", "77aa01", "c4d2ee"].map {
    $0 + String(repeating: "0", count: 58)
  }

  private(set) var events: [Event] = []
  private(set) var board = Board()

  @discardableResult
  mutating func add(
    _ type: EventType, _ app: String?, ago seconds: Int64, named name: String? = nil,
    _ fill: (inout EventData) -> Void = { _ in }
  ) -> UInt64 {
    let sequence = UInt64(events.count + 1)
    var event = Event(
      sequence: sequence, id: "event-\(sequence)", time: Self.now + -seconds * 1000,
      source: "prod-1/agent", type: type, app: app, data: EventData(fill))
    if let name { event.typeName = name }
    events.append(event)
    board.apply(event)
    return sequence
  }

  mutating func create(
    _ app: String, _ number: Int, slug: Int, config: String, by: String, ago: Int64,
    formation: [String: Int], _ fill: (inout EventData) -> Void = { _ in }
  ) {
    let current = board.apps[app]?.current
    add(.releaseCreated, app, ago: ago) {
      ($0.release, $0.slug, $0.config) = (ReleaseNumber(number), Past.slugs[slug], config)
      $0.by = by
      fill(&$0)
    }
    add(.deploymentStarted, app, ago: ago) {
      ($0.release, $0.from, $0.by) = (ReleaseNumber(number), current, by)
      $0.formation = formation
    }
  }

  @discardableResult
  mutating func start(
    _ app: String, _ instance: InstanceName, _ release: Int, port: UInt16?, ago: Int64
  ) -> UInt64 {
    let run = add(.instanceStarting, app, ago: ago) {
      ($0.instance, $0.release, $0.port) = (instance, ReleaseNumber(release), port)
    }
    add(.instanceBooting, app, ago: ago - 1) {
      ($0.instance, $0.run, $0.pid) = (instance, run, Int32(4000 + run))
    }
    return run
  }

  @discardableResult
  mutating func run(
    _ app: String, _ instance: InstanceName, _ release: Int, port: UInt16?, ago: Int64
  ) -> UInt64 {
    let run = start(app, instance, release, port: port, ago: ago)
    add(.instanceReady, app, ago: ago - 3) { ($0.instance, $0.run) = (instance, run) }
    return run
  }

  mutating func end(
    _ type: EventType, _ app: String, _ run: UInt64, ago: Int64, _ cause: Cause? = nil
  ) {
    let instance = board.apps[app]?.run(run)?.instance
    add(type, app, ago: ago) {
      ($0.instance, $0.run, $0.cause, $0.exit) = (instance, run, cause, cause == nil ? 0 : 1)
    }
  }

  mutating func finish(_ app: String, _ number: Int, ago: Int64) {
    add(.deploymentStep, app, ago: ago) {
      ($0.release, $0.step) = (ReleaseNumber(number), Board.Deployment.Step.switchOver.rawValue)
    }
    add(.deploymentFinished, app, ago: ago) { $0.release = ReleaseNumber(number) }
  }
}

extension Past {
  /// A night with everything at once: an app that is well, one in deployment, one whose new
  /// release failed, one that crashes, one that is stopped.
  static var night: Past {
    var past = Past()
    past.add(.agentStarted, nil, ago: 900_000) { $0.pid = 311 }
    past.oldBlog()
    past.billing()
    past.greeter()
    past.worker()
    past.shop()
    past.add(.deployRequested, "greeter", ago: 200, named: "preview.teleported")
    past.deployBilling()
    return past
  }

  /// One app with two releases that differ in a config var.
  static var calm: Past {
    var past = Past()
    past.add(.agentStarted, nil, ago: 90_000) { $0.pid = 311 }
    past.greeter()
    return past
  }

  /// The cause that the agent finds in the last output of a run.
  private func cause(
    _ app: String, _ number: UInt64, ago seconds: Int64, wasReady: Bool, _ output: String...
  ) -> Cause? {
    board.apps[app]?.run(number).map { run in
      var facts = FailureFacts(
        app: app, subject: run.instance.description, process: run.instance.process)
      (facts.exit, facts.port, facts.wasReady) = (.code(1), run.port, wasReady)
      facts.output = output.map { LogLine(time: Self.now + -seconds * 1000, text: $0) }
      return Diagnosis(facts).causeOfEnd()
    }
  }

  private mutating func greeter() {
    create("greeter", 1, slug: 0, config: "c1", by: "ana", ago: 50_000, formation: ["web": 2]) {
      ($0.commit, $0.line) = ("4be1c9012345", "Say hello")
    }
    let old = (1...2).map {
      run("greeter", InstanceName("web", $0), 1, port: UInt16(4000 + $0), ago: 49_990)
    }
    finish("greeter", 1, ago: 49_900)
    create("greeter", 2, slug: 0, config: "c2", by: "ben", ago: 20_000, formation: ["web": 2]) {
      ($0.commit, $0.line, $0.set) = ("4be1c9012345", "Say hello", ["GREETING"])
    }
    for index in 1...2 {
      run("greeter", InstanceName("web", index), 2, port: UInt16(4002 + index), ago: 19_990)
    }
    add(.deploymentStep, "greeter", ago: 19_980) {
      ($0.release, $0.step) = (ReleaseNumber(2), Board.Deployment.Step.switchOver.rawValue)
    }
    for run in old {
      end(.instanceStopping, "greeter", run, ago: 19_979)
      end(.instanceStopped, "greeter", run, ago: 19_975)
    }
    add(.deploymentFinished, "greeter", ago: 19_974) { $0.release = ReleaseNumber(2) }
  }

  private mutating func billing() {
    create("billing", 31, slug: 1, config: "c", by: "ben", ago: 400_000, formation: ["web": 2]) {
      ($0.commit, $0.line) = ("aa11bb220000", "Charge")
    }
    for index in 1...2 {
      run("billing", InstanceName("web", index), 31, port: UInt16(4010 + index), ago: 399_990)
    }
    finish("billing", 31, ago: 399_900)
  }

  private mutating func deployBilling() {
    create("billing", 32, slug: 2, config: "c", by: "ben", ago: 40, formation: ["web": 2]) {
      ($0.commit, $0.line) = ("dd33ee440000", "Charge in cents")
    }
    for index in 1...2 {
      start("billing", InstanceName("web", index), 32, port: UInt16(4012 + index), ago: 30)
    }
  }

  private mutating func worker() {
    create("worker", 4, slug: 1, config: "c", by: "cron", ago: 7200, formation: ["job": 1])
    let job = InstanceName("job", 1)
    var last = run("worker", job, 4, port: nil, ago: 7190)
    finish("worker", 4, ago: 7100)
    let cause = cause(
      "worker", last, ago: 300, wasReady: true,
      "[notice] Application worker exited: Worker.Application.start(:normal, []) returned an error: shutdown: "
        + "failed to start child: Worker.Queue",
      "    ** (EXIT) {:connect_error, :econnrefused, '10.0.0.7', 5672}",
      "Kernel pid terminated (application_controller) ({application_start_failure,worker,{{shutdown,"
        + "{failed_to_start_child,'Elixir.Worker.Queue',{connect_error,econnrefused,\"10.0.0.7\",5672}}},"
        + "{'Elixir.Worker.Application',start,[normal,[]]}}})")
    for ago in [300, 240, 180] as [Int64] {
      end(.instanceCrashed, "worker", last, ago: ago, cause)
      if ago > 180 { last = start("worker", job, 4, port: nil, ago: ago - 20) }
    }
  }

  private mutating func shop() {
    create("shop", 1, slug: 1, config: "c", by: "ana", ago: 6000, formation: ["web": 1])
    run("shop", InstanceName("web", 1), 1, port: 4020, ago: 5990)
    finish("shop", 1, ago: 5900)
    create("shop", 2, slug: 2, config: "c", by: "ana", ago: 600, formation: ["web": 1]) {
      ($0.commit, $0.line) = ("beef01230000", "New checkout")
    }
    let run = start("shop", InstanceName("web", 1), 2, port: 4021, ago: 595)
    let cause = cause(
      "shop", run, ago: 580, wasReady: false, "[info] migrations are up to date",
      "** (System.EnvError) environment variable STRIPE_KEY is missing")
    end(.instanceCrashed, "shop", run, ago: 580, cause)
    for type in [EventType.deploymentFailed, .deploymentReverted] {
      add(type, "shop", ago: 579) { ($0.release, $0.cause) = (ReleaseNumber(2), cause) }
    }
  }

  private mutating func oldBlog() {
    create("old-blog", 7, slug: 1, config: "c", by: "zoe", ago: 864_000, formation: ["web": 1])
    let run = run("old-blog", InstanceName("web", 1), 7, port: 4030, ago: 863_990)
    finish("old-blog", 7, ago: 863_900)
    let request = add(.stopRequested, "old-blog", ago: 860_000) { $0.by = "zoe" }
    add(.requestAccepted, "old-blog", ago: 860_000) { $0.request = "event-\(request)" }
    end(.instanceStopping, "old-blog", run, ago: 859_990)
    end(.instanceStopped, "old-blog", run, ago: 859_980)
    add(.requestFinished, "old-blog", ago: 859_980) { $0.request = "event-\(request)" }
  }
}

extension Manifest {
  /// What greeter's slug plans.
  static var greeter: Manifest {
    typealias Application = OTPRelease.Application
    let release = OTPRelease(
      name: "greeter", version: "0.1.0", ertsVersion: "13.1.5", kind: .mix,
      applications: [
        Application(
          name: "greeter", version: "0.1.0", order: 4, description: "greeter",
          dependencies: ["kernel", "stdlib", "elixir", "logger"], modules: 12),
        Application(name: "kernel", version: "8.5.3", order: 1, description: "ERTS  CXC 138 10"),
        Application(
          name: "stdlib", version: "4.2", order: 2, dependencies: ["kernel"], modules: 98),
        Application(
          name: "logger", version: "1.14.0", order: 3, dependencies: ["kernel", "stdlib", "elixir"]),
        Application(name: "elixir", version: "1.14.0", startType: .load, dependencies: ["kernel"]),
      ], startCommand: "bin/greeter", startArgument: "start")
    return Manifest(
      otpReleases: [release], processes: [], appJSON: nil, tools: [:],
      target: .init(os: "linux", arch: "x86_64"), files: [])
  }

  /// What a slug with two OTP releases plans; the first is not the one that `web` starts.
  static var twoReleases: Manifest {
    let releases = ["batch", "admin_web"].map { name in
      var release = OTPRelease(
        name: name, version: "1.0", ertsVersion: "13.1.5", kind: .mix,
        applications: [OTPRelease.Application(name: name, version: "1.0", order: 1)],
        startCommand: "rel/\(name)/bin/\(name)", startArgument: "start")
      release.folder = "rel/\(name)"
      return release
    }
    return Manifest(
      otpReleases: releases,
      processes: [
        Procfile.Entry(process: "web", command: "rel/admin_web/bin/admin_web start"),
        Procfile.Entry(process: "job", command: "rel/batch/bin/batch start"),
        Procfile.Entry(process: "other", command: "bin/other"),
      ], appJSON: nil, tools: [:], target: .init(os: "linux", arch: "x86_64"), files: [])
  }
}
