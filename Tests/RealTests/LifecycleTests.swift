import Events
import HomeLayout
import Posix
import ReleaseModel
import TestSupport
import Testing

/// The life of an app with real builds, real BEAMs and real kills.
@Suite(.waitsForPrograms) struct LifecycleTests {
  @Test func fromSourceToRollback() throws {
    let stage = try Stage("road")
    let deployed = try stage.relctl("deploy", "greeter", Workspace.greeter)
    #expect(deployed.exit == .code(0), "\(deployed.errors)\(deployed.output)")
    #expect(try stage.relctl("scale", "greeter", "web=2").exit == .code(0))
    let first = try stage.ready()
    #expect(first.map(\.instance.description) == ["web.1", "web.2"])
    #expect(first.allSatisfy { stage.greet($0)?.contains("Hello") == true })

    // A change of config vars makes a release of its own.
    let changed = try stage.relctl(
      "config", "greeter", "set", "GREETER_GREETING=Good evening to all")
    #expect(changed.exit == .code(0), "\(changed.errors)")
    let second = try stage.ready()
    #expect(second.map(\.release.description) == ["v2", "v2"])
    #expect(second.allSatisfy { stage.greet($0)?.contains("Good evening to all") == true })
    #expect(Set(second.map(\.slug)) == Set(first.map(\.slug)))

    // One of two instances keeps answering while the other is replaced.
    #expect(try stage.relctl("restart", "greeter/web.1").exit == .code(0))
    let third = try stage.ready()
    #expect(third[0].pid != second[0].pid && third[1].pid == second[1].pid)

    // A rollback brings back slug and config vars in a new release.
    #expect(try stage.relctl("rollback", "greeter").exit == .code(0))
    let fourth = try stage.ready()
    #expect(fourth.map(\.release.description) == ["v3", "v3"])
    #expect(fourth.allSatisfy { stage.greet($0)?.contains("Hello") == true })

    try checkLog(of: stage)
    try checkSecrets(of: stage)
    try checkLooking(at: stage)
    try checkEnd(of: stage)
  }

  /// Checks that every request has one outcome, and that the restart's events are in order.
  private func checkLog(of stage: Stage) throws {
    let events = try stage.checkedEvents()
    let restart = try #require(events.first { $0.type == .restartRequested })
    let end = try #require(
      events.first { $0.type == .requestFinished && $0.data.request == restart.id })
    let story = events.filter {
      (restart.sequence...end.sequence).contains($0.sequence)
        && $0.data.instance?.description == "web.1"
    }.compactMap(\.type)
    #expect(
      story == [
        .restartRequested, .instanceStarting, .instanceBooting, .instanceReady, .instanceStopping,
        .instanceStopped,
      ])
  }

  /// Checks that neither the log nor the arguments of a process contain a value or a cookie.
  private func checkSecrets(of stage: Stage) throws {
    let segments = try Files.list(stage.home.events).filter { $0.hasSuffix(".jsonl") }
    let log = try segments.map { try Files.read(stage.home.events + "/" + $0) }
      .map { String(decoding: $0, as: UTF8.self) }.joined()
    #expect(!log.contains("Good evening to all"))
    let cookie = String(
      decoding: try Files.read(stage.home.app("greeter").cookie), as: UTF8.self)
    #expect(cookie.utf8.count == 40 && !log.contains(cookie))
    for instance in try stage.ready() {
      let arguments = try Files.read("/proc/\(instance.pid ?? 0)/cmdline")
      #expect(!String(decoding: arguments, as: UTF8.self).contains(cookie))
    }
    let modes = try [stage.home.root, stage.home.events, stage.home.app("greeter").path].map {
      try Files.info($0)?.mode
    }
    #expect(modes == [0o700, 0o700, 0o700])
  }

  private func checkLooking(at stage: Stage) throws {
    let ledger = try stage.relctl("releases", "greeter").output
    #expect(ledger.contains("rollback to v1") && ledger.contains("set GREETER_GREETING"))
    let logs = try stage.relctl("logs", "greeter/web.2", "-n", "500").lines
    #expect(logs.contains { $0.contains("listening on 127.0.0.1") })
    #expect(!logs.contains { $0.contains(" web.1/") })
    let answer = try stage.relctl("rpc", "greeter", "IO.puts(node())")
    #expect(answer.output.contains("greeter-web-1-"), "\(answer.errors)")
    #expect(try stage.relctl("eval", "greeter", "IO.puts(6 * 7)").output.contains("42"))
  }

  /// Checks that after a stop no BEAM, shim or port program of the app is left, and after the agent
  /// no epmd.
  private func checkEnd(of stage: Stage) throws {
    let before = try stage.ready()
    #expect(try stage.relctl("stop", "greeter").exit == .code(0))
    #expect(try stage.instances().isEmpty)
    #expect(before.allSatisfy { ProcessIdentity(of: $0.pid ?? 0)?.isAlive != true })
    #expect(try stage.relctl("agent", "stop").exit == .code(0))
    #expect(leftovers(of: stage).isEmpty)
  }

  /// Processes with the stage's folder in their arguments.
  private func leftovers(of stage: Stage) -> [String] {
    ProcessTable.all().filter { $0.state != "Z" }.compactMap { process in
      let arguments = (try? Files.read("/proc/\(process.pid)/cmdline")) ?? []
      let text = String(decoding: arguments.map { $0 == 0 ? 32 : $0 }, as: UTF8.self)
      return text.contains(stage.folder.path) ? text : nil
    }
  }

  @Test func failedBootChangesNothing() throws {
    let stage = try Stage("bad")
    #expect(try stage.relctl("deploy", "greeter", try Greeter.slug.get()).exit == .code(0))
    let before = try stage.ready()
    let failed = try stage.relctl("config", "greeter", "set", "GREETER_FAIL_BOOT=out of words")
    #expect(failed.exit == .code(1))
    #expect(failed.errors.contains("[RT-APPLICATION-FAILED]"))
    let after = try stage.ready()
    #expect(after.map(\.pid) == before.map(\.pid) && after.map(\.release.description) == ["v1"])
    #expect(stage.greet(after[0]) != nil)
    // The cause has the exception's message, with its value masked.
    let ps = try stage.relctl("ps").output
    #expect(ps.contains("v2 failed: Greeter.Warmup raised RuntimeError: "), "\(ps)")
    #expect(ps.contains("«GREETER_FAIL_BOOT»") && !ps.contains("out of words"), "\(ps)")

    let phase = try stage.relctl("config", "greeter", "set", "GREETER_FAIL_MIGRATION=1")
    #expect(
      phase.exit == .code(1) && phase.errors.contains("[RT-RELEASE-PHASE]"), "\(phase.errors)")
    #expect(try stage.ready().map(\.pid) == before.map(\.pid))
  }

  @Test func everyPartMayBeKilled() throws {
    let stage = try Stage("kills")
    #expect(try stage.relctl("deploy", "greeter", try Greeter.slug.get()).exit == .code(0))
    let first = try #require(try stage.ready().first)

    // The agent is killed: the instances go on, and the next agent knows them.
    try stage.killAgent()
    #expect(stage.greet(first) != nil)
    #expect(try stage.ready().map(\.pid) == [first.pid])
    #expect(try stage.relctl("restart", "greeter").exit == .code(0))
    let second = try #require(try stage.ready().first)
    #expect(second.pid != first.pid && stage.greet(second) != nil)

    // The BEAM is killed while no agent is alive: its shim starts an agent, which restarts the app.
    try stage.killAgent()
    ProcessIdentity(of: second.pid ?? 0)?.signal(.kill)
    let third = try #require(try replacement(of: second, on: stage))
    #expect(try stage.events().contains { $0.type == .instanceCrashed && $0.data.signal == 9 })

    // The shim is killed: its orphaned BEAM serves until its successor is ready.
    try shim(of: third, on: stage).signal(.kill)
    let fourth = try #require(try replacement(of: third, on: stage))
    #expect(eventually { ProcessIdentity(of: third.pid ?? 0)?.isAlive != true })
    #expect(
      try eventually {
        try stage.events().contains { $0.type == .instanceStopped && $0.data.run == third.run }
      })
    let story = try stage.events().filter { [third.run, fourth.run].contains($0.data.run ?? 0) }
    let kinds = story.map { "\($0.data.run == third.run ? "old" : "new") \($0.typeName)" }
    #expect(
      kinds.filter { $0.hasPrefix("old") || $0.hasSuffix("ready") }.suffix(4) == [
        "old instance.orphaned", "new instance.ready", "old instance.stopping",
        "old instance.stopped",
      ])
    #expect(stage.greet(fourth) != nil)

    // A home has only one agent.
    let another = try stage.relctl("agent")
    #expect(another.exit == .code(75) && another.errors.contains("[RT-AGENT-RUNNING]"))
    #expect(another.errors.split(separator: "\n").count == 2)
  }

  /// Covers a shell above the BEAM, a killed shim, an interrupted release phase, and a stop at the
  /// same moment.
  @Test func endsFromOutsideAreNotTakenForSuccess() throws {
    let stage = try Stage("outside")
    let tree = stage.folder.path + "/release"
    // Deployed as a built release, because a slug with a changed Procfile is refused.
    try FileTree.copy(try Greeter.slug.get(), to: tree, skipping: { $0 == ".reltui" })
    let procfile = """
      web: true && bin/greeter start
      release: sleep ${PHASE_SECONDS:-0}
      """
    try Files.replace(tree + "/Procfile", with: Array(procfile.utf8), mode: 0o644)
    #expect(try stage.relctl("deploy", "greeter", tree).exit == .code(0))
    let first = try #require(try stage.ready().first)

    // When the shim is killed, neither the shell nor the BEAM below it is left.
    let orphans = ProcessTable.descendants(of: try shim(of: first, on: stage).pid).map(\.pid)
    #expect(orphans.count >= 2)
    try shim(of: first, on: stage).signal(.kill)
    let second = try #require(try replacement(of: first, on: stage))
    #expect(eventually { orphans.allSatisfy { ProcessIdentity(of: $0)?.isAlive != true } })

    // The run is asked to stop from outside and the app is stopped before the agent looks: nothing
    // is left.
    #expect(try stage.relctl("agent", "stop").exit == .code(0))
    let asked = try shim(of: second, on: stage)
    asked.signal(.term)
    _ = Workspace.wait(milliseconds: 10_000) { asked.isAlive ? nil : true }
    #expect(try stage.relctl("stop", "greeter").exit == .code(0))
    #expect(leftovers(of: stage).allSatisfy { $0.contains("agent") || $0.contains("epmd") })

    // An interrupted release phase has failed.
    #expect(try stage.relctl("restart", "greeter").exit == .code(0))
    let changed = try ProgramTerminal(
      "relctl", ["config", "greeter", "set", "PHASE_SECONDS=30"], environment: stage.environment)
    let phase = try #require(
      try Workspace.wait(milliseconds: 10_000) {
        try stage.instances().first { $0.process == "release" && $0.state == .booting }
      })
    try shim(of: phase, on: stage).signal(.term)
    #expect(try changed.exit() == .code(1))
    #expect(try stage.ready().map(\.release.description) == ["v1"])
  }

  private func shim(of instance: InstanceReport, on stage: Stage) throws -> ProcessIdentity {
    let folder = stage.home.app(instance.app).run(instance.instance.description, instance.run)
    let text = String(decoding: try Files.read(folder.status), as: UTF8.self)
    let shim = try RunStatus(text: text).shim
    return ProcessIdentity(pid: shim.pid, started: shim.started)
  }

  private func replacement(of old: InstanceReport, on stage: Stage) throws -> InstanceReport? {
    try Workspace.wait(milliseconds: 20_000) {
      try stage.ready().first { $0.run != old.run }
    }
  }
}
