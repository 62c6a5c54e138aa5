import Events
import HomeLayout
import Posix
import TestSupport
import Testing

/// Deployments that go wrong after the release became current, and those that an operator ends, with real BEAMs.
@Suite(.waitsForPrograms) struct RevertTests {
  let stage: Stage

  /// An app whose releases are observed for 10 s, as by default.
  init() throws {
    stage = try Stage("revert")
    let tree = stage.folder.path + "/tree"
    try FileTree.copy(try Greeter.slug.get(), to: tree)
    try Files.remove(tree + "/.reltui")
    try Files.remove(tree + "/app.json")
    try FileTree.copyFile(Workspace.greeter + "/app.json", to: tree + "/app.json", mode: 0o644)
    let deployed = try stage.relctl("deploy", "greeter", tree, "--until", "ready")
    try #require(deployed.exit == .code(0), "\(deployed.errors)\(deployed.output)")
  }

  @Test func aCrashSoonAfterReadyBringsTheOldReleaseBack() throws {
    let before = try stage.ready()
    let failed = try stage.relctl("config", "greeter", "set", "GREETER_CRASH_AFTER_MS=1000")
    #expect(failed.exit == .code(1), "\(failed.output)")
    #expect(failed.output.contains("v2 serves; observing it for 10.0 s"), "\(failed.output)")
    #expect(
      failed.errors.contains("relctl: Greeter.Fuse raised RuntimeError: crashing, as "),
      "\(failed.errors)")
    let after = try stage.ready()
    #expect(after.map(\.pid) == before.map(\.pid) && after.map(\.release.value) == [1])
    #expect(after.allSatisfy { stage.greet($0)?.contains("Hello") == true })
    let reverted = try #require(try stage.events().last { $0.type == .deploymentReverted })
    let since = try #require(reverted.data.since)
    #expect(reverted.data.from?.value == 1 && (900...20_000).contains(reverted.time - since))
    // The next change starts from the config vars of v1.
    #expect(try stage.relctl("config", "greeter").output == "GREETER_GREETING\n")
  }

  @Test func anOperatorEndsADeployment() throws {
    let waiting = try Child.start(
      Invocation(
        [
          try Workspace.program("relctl"), "config", "greeter", "set",
          "GREETER_BOOT_DELAY_MS=60000",
        ], in: stage.folder.path, environment: stage.environment), output: .null, errors: .null)
    #expect(
      try eventually { try stage.instances().contains { $0.state == .booting } })
    let start = Clock.monotonic()
    let cancelled = try stage.relctl("cancel", "greeter")
    #expect(cancelled.exit == .code(0), "\(cancelled.errors)")
    #expect(waiting.exit() == .code(1))
    #expect(Clock.monotonic() - start < 20_000)
    let failure = try #require(try stage.events().last { $0.type == .requestFailed }?.data.cause)
    #expect(failure.id == ProblemID.requestCancelled.rawValue)
    #expect(try stage.ready().map(\.release.value) == [1])
    #expect(try eventually { try stage.instances().count == 1 })
    let again = try stage.relctl("cancel", "greeter")
    #expect(again.exit == .code(69) && again.errors.contains("[RT-REQUEST-UNKNOWN]"))
  }

  /// Two changes at once of different config vars: the second is made on top of the first.
  @Test func twoChangesOfConfigVarsBothSucceed() throws {
    let other = try Child.start(
      Invocation(
        [try Workspace.program("relctl"), "config", "greeter", "set", "FIRST=1"],
        in: stage.folder.path, environment: stage.environment), output: .null, errors: .null)
    let second = try stage.relctl("config", "greeter", "set", "SECOND=2")
    #expect(second.exit == .code(0), "\(second.errors)")
    #expect(other.exit() == .code(0))
    #expect(
      try stage.relctl("config", "greeter").output == "FIRST\nGREETER_GREETING\nSECOND\n")
  }

  /// A slug without the required event is refused; a slug with it is not.
  @Test func requiredEvents() throws {
    let slug = try #require(try stage.events().last { $0.type == .slugStored }?.data.slug)
    let refused = try stage.relctl("deploy", "greeter", slug, "--require", "ci.tests.passed")
    #expect(refused.exit == .code(1) && refused.errors.contains("[RT-EVENT-REQUIRED]"))
    let other = String(slug.reversed())
    for named in [other, String(slug.prefix(12))] {
      let data = #"{"slug":"\#(named)"}"#
      #expect(
        try stage.relctl("events", "emit", "ci.tests.passed", "--data", data).exit == .code(0))
      let answer = try stage.relctl(
        "deploy", "greeter", slug, "--require", "ci.tests.passed", "--detach")
      #expect(answer.exit == .code(named == other ? 1 : 0), "\(answer.errors)")
    }
  }

  /// A command gates the release: exit code 0 passes, and its last line says why not.
  @Test func aCommandDecidesWhetherARunIsReady() throws {
    let tree = stage.folder.path + "/gated"
    try FileTree.copy(stage.folder.path + "/tree", to: tree)
    func deploy(
      _ command: String, checks: String = #"{"path":"/health"},"#, _ words: String...
    ) throws -> Stage.Answer {
      try Files.remove(tree + "/app.json")
      let checks = #"[\#(checks){"command":"\#(command)"}]"#
      let json = #"{"env":{"GREETER_GREETING":"Hello"},"healthchecks":{"web":\#(checks)}}"#
      try Files.replace(tree + "/app.json", with: Array(json.utf8), mode: 0o644)
      return try stage.run("relctl", ["deploy", "greeter", tree] + words)
    }
    // The node is asked whether it has booted, then the command.
    #expect(try deploy("true", checks: "", "--until", "ready").exit == .code(0))
    let passed = try deploy("bin/greeter rpc ':ok' && test -n $PORT", "--until", "ready")
    #expect(passed.exit == .code(0), "\(passed.errors)")
    #expect(try deploy("echo the shop is shut; false", "--detach").exit == .code(0))
    let waiting = "web.1 of v4: the check ended with exit code 1: the shop is shut"
    #expect(try eventually { try stage.relctl("ps").output.contains(waiting) })
    #expect(try stage.relctl("cancel", "greeter").exit == .code(0))
    #expect(try stage.ready().allSatisfy { $0.release.value == 3 })
  }

  /// The steps are said without a request, and instances are replaced one at a time where app.json says so.
  @Test func oneInstanceAtATime() throws {
    let tree = stage.folder.path + "/one"
    try FileTree.copy(try Greeter.slug.get(), to: tree)
    try Files.remove(tree + "/.reltui")
    try Files.remove(tree + "/app.json")
    let json = #"{"env":{"GREETER_GREETING":"Hi"},"reltui":{"observe":1,"batch":1}}"#
    try Files.replace(tree + "/app.json", with: Array(json.utf8), mode: 0o644)
    try #require(try stage.relctl("scale", "greeter", "web=2").exit == .code(0))
    let before = try stage.events().count { $0.type?.isRequest == true }
    let steps = try stage.relctl("deploy", "greeter", tree, "--dry-run").lines
    let start = "2. start web.1, web.2, one at a time in place of the old ones: as app.json says"
    #expect(steps.contains(Substring(start)), "\(steps)")
    #expect(steps.contains("5. observe v2 for 1 s"), "\(steps)")
    #expect(try stage.events().count { $0.type?.isRequest == true } == before)
    let deployed = try stage.relctl("deploy", "greeter", tree)
    #expect(deployed.exit == .code(0), "\(deployed.errors)")
    #expect(deployed.output.contains("one instance at a time: as app.json says"))
    #expect(deployed.lines.last?.contains(", boot ") == true, "\(deployed.lines)")
    let events = try stage.events().filter { $0.data.instance?.process == "web" }
    let stopped = try #require(events.first { $0.type == .instanceStopped })
    let second = try #require(events.last { $0.type == .instanceStarting })
    #expect(stopped.sequence < second.sequence, "web.1 of v1 had ended before web.2 of v2 started")
  }

  @Test func tooLargeAValueIsRefusedByName() throws {
    let large = try stage.run(
      "relctl", ["config", "greeter", "set", "LARGE"],
      input: String(repeating: "x", count: 131_072))
    #expect(large.exit == .code(64))
    #expect(
      large.errors.hasPrefix(
        "relctl: LARGE has 131079 bytes; the kernel allows 131072 for one variable "
          + "[RT-CONFIG-TOO-LARGE]\n"), "\(large.errors)")
  }

  @Test func aDetachedRequestCanBeWaitedFor() throws {
    let id = try stage.relctl("restart", "greeter", "--detach").output.dropLast()
    #expect(id.utf8.count == 32)
    let attached = try stage.relctl("attach", String(id.prefix(12)))
    // It may have ended meanwhile.
    #expect(attached.exit == .code(0) || attached.errors.contains("[RT-REQUEST-UNKNOWN]"))
    let outcome = try eventually {
      try stage.events().contains { $0.type == .requestFinished && $0.data.request == String(id) }
    }
    #expect(outcome)
  }
}
