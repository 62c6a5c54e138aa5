import Events
import HomeLayout
import Posix
import ReleaseModel
import TestSupport
import Testing

/// The agent's view of boots.
@Suite(.waitsForPrograms) struct BootTests {
  @Test func applicationsAreTimedWithAndWithoutAnHTTPCheck() throws {
    let stage = try Stage("timed")
    let kept = try stage.relctl("config", "greeter", "set", "GREETER_BOOT_DELAY_MS=4000")
    #expect(kept.exit == .code(0), "\(kept.errors)")
    let deploy = try ProgramTerminal(
      "relctl", ["deploy", "greeter", try Greeter.slug.get()], environment: stage.environment)
    let booting = try Workspace.wait(milliseconds: 20_000) {
      try stage.instances().first { $0.process == "web" && $0.state == .booting }
    }
    #expect(booting?.pid != nil)
    #expect(try stage.events().filter { $0.type == .instanceReady }.isEmpty)
    #expect(try deploy.exit() == .code(0))
    // The worker has no HTTP check.
    #expect(try stage.relctl("scale", "greeter", "worker=1").exit == .code(0))
    for process in ["web", "worker"] { try checkTimes(of: process, on: stage) }
    // The board has the times too, as the release's last boot.
    let frame = try stage.run(
      "reltui", ["--once", "--view", "boot", "--size", "100x30"],
      environment: ["TERM": "xterm-256color"]
    ).output
    // The warm-up takes 4 s; on a busy machine it takes longer, or its start is seen late.
    let seconds = frame.split(separator: "booted in ").dropFirst().first.flatMap {
      Int($0.prefix { $0.isNumber })
    }
    #expect(seconds.map { $0 >= 3 } == true, "\(frame)")
  }

  private func checkTimes(of process: String, on stage: Stage) throws {
    let story = try stage.events().filter { $0.data.instance?.process == process }
    let boots = story.filter { [.instanceStarting, .instanceReady].contains($0.type) }
    #expect(boots.compactMap(\.type) == [.instanceStarting, .instanceReady])
    let (began, ended) = (try #require(boots.first), try #require(boots.last))
    let (times, phases) = (try #require(ended.data.boot), try #require(ended.data.phases))
    let sum = Int64((Array(times.values) + phases.values).reduce(0, +))
    let whole = ended.time - began.time
    // Before it lies the launch: the log and `relshim` take their time on a busy machine.
    #expect((whole - 1000...whole + 1).contains(sum), "\(times) and \(phases) in \(whole) ms")
    #expect((4000...12_000).contains(times["greeter"] ?? 0) && times["kernel"] != nil)
    #expect(Set(phases.keys).isSuperset(of: ["script", "vm", "code", "config", "ready"]))
    let output = try stage.relctl("logs", "greeter", "-n", "1000").output
    #expect(output.contains("warming up") && !output.contains("{progress,"), "\(output)")
  }

  /// This takes a minute; meanwhile the agent is killed once.
  @Test func hangingApplicationIsNamed() throws {
    let stage = try Stage("hangs")
    #expect(try stage.relctl("deploy", "greeter", try Greeter.slug.get()).exit == .code(0))
    let change = try ProgramTerminal(
      "relctl", ["config", "greeter", "set", "GREETER_BOOT_DELAY_MS=100000000"],
      environment: stage.environment)
    let booting = try Workspace.wait(milliseconds: 20_000) {
      try stage.instances().first {
        $0.release.value == 2 && $0.process == "web" && $0.state == .booting
      }
    }
    #expect(booting != nil)
    try stage.killAgent()
    #expect(try stage.relctl("agent", "start").exit == .code(0))
    let failed = try Workspace.wait(milliseconds: 100_000) {
      try stage.events().first { $0.type == .instanceUnready }
    }
    let cause = try #require(failed?.data.cause)
    #expect(
      cause.sentence.hasPrefix(
        "application greeter has not started after 60 s: Greeter.Warmup waits in Greeter.Warmup.init/1 (lib/greeter/"
      ),
      "\(cause)")
    let stack = cause.evidence.filter { $0.kind == "process" }
    #expect(cause.id == ProblemID.bootTimeout.rawValue && stack.count >= 3)
    #expect(stack.contains { $0.text.contains("Elixir.Greeter.Warmup:") })
    #expect(stack.allSatisfy { $0.place == "Greeter.Warmup" })
    #expect(cause.evidence.contains { $0.kind == "log" && $0.text.contains("warming up") })
    #expect(try change.exit() == .code(1))
    // The request does not wait until the failed run has stopped.
    #expect(
      try eventually {
        try stage.events().filter { $0.data.run == booting?.run }.compactMap(\.type)
          == [.instanceBooting, .instanceUnready, .instanceStopping, .instanceStopped]
      })
    #expect(try stage.ready().map(\.release.value) == [1])
  }

  /// A node without distribution can only be checked through its port.
  @Test func nodeWithoutDistributionIsCheckedByHTTP() throws {
    let stage = try Stage("alone")
    let tree = stage.folder.path + "/release"
    // Deployed as a built release, because a slug with a changed Procfile is refused.
    try FileTree.copy(try Greeter.slug.get(), to: tree, skipping: { $0 == ".reltui" })
    let procfile = "web: env RELEASE_DISTRIBUTION=none bin/greeter start\n"
    try Files.replace(tree + "/Procfile", with: Array(procfile.utf8), mode: 0o644)
    let deployed = try stage.relctl("deploy", "greeter", tree)
    #expect(deployed.exit == .code(0), "\(deployed.errors)")
    let web = try stage.events().filter { $0.data.instance?.process == "web" }
    #expect(web.compactMap(\.type) == [.instanceStarting, .instanceBooting, .instanceReady])
    #expect(web[2].data.boot?["greeter"] != nil && web[1].data.pid != nil)
    #expect(stage.greet(try #require(try stage.ready().first)) != nil)
  }
}
