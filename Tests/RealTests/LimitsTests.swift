import Events
import JSONText
import Posix
import TestSupport
import Testing

/// Limits through the log, with a real agent. Whether they are enforced depends on the host; it is always said.
@Suite(.waitsForPrograms) struct LimitsTests {
  @Test func limitsAreSavedShownAndTakenAway() throws {
    let stage = try Stage("limits")
    try #require(try stage.relctl("deploy", "shop", try Greeter.slug.get()).exit == .code(0))
    #expect(try report(stage).limits.allSatisfy { $0.value == nil })

    let set = try stage.relctl("limits", "shop", "memory=512M", "cpu=1.5", "pids=500")
    #expect(set.exit == .code(0), "\(set.errors)")
    #expect(set.output.contains("Each instance may use 512 MB of memory."))
    #expect(set.output.contains("Instances that run get the limits at once."))
    var shown = try report(stage)
    #expect(shown.limits.map(\.value) == [512 << 20, 1500, 500])
    try check(set.errors, shown)

    let run = try #require(try stage.ready().first)
    #expect(shown.instances.map(\.instance) == [run.instance])
    #expect(shown.instances.map(\.run) == [run.run])
    for limit in shown.limits where limit.enforced {
      #expect(shown.instances[0].limits?[limit.limit] == limit.value)
    }
    let table = try stage.relctl("limits", "shop")
    #expect(table.exit == .code(0) && table.lines.first?.hasPrefix("LIMIT   EACH INSTANCE") == true)
    #expect(table.lines.contains { $0.hasPrefix("memory  512M") })
    #expect(table.lines.contains { $0.hasPrefix("web.1 ") })
    try check(table.errors, shown)

    // The next agent has them from the log.
    try stage.killAgent()
    let cleared = try stage.relctl("limits", "shop", "memory=", "cpu=none")
    #expect(cleared.exit == .code(0) && !cleared.errors.contains("RT-"))
    #expect(cleared.output.contains("The memory of an instance has no limit any more; now: 512 MB"))
    shown = try report(stage)
    #expect(shown.limits.map(\.value) == [nil, nil, 500])
    let requests = try stage.checkedEvents().filter { $0.type == .limitsRequested }
    #expect(
      requests.map(\.data.limits) == [
        ["memory": 512 << 20, "cpu": 1500, "pids": 500], ["memory": 0, "cpu": 0],
      ])
    // None of it was a restart.
    #expect(try stage.ready().map(\.run) == [run.run])

    let doctor = try stage.relctl("doctor").output
    #expect(doctor.contains(shown.cause?.sentence ?? "the limits of apps are enforced"))
  }

  @Test(arguments: [
    ("memory=5", "'5' is no limit of memory [RT-USAGE]", "memory=512M"),
    ("cpu=0", "'0' is no limit of cpu [RT-USAGE]", "cpu=1.5"),
    ("pids=-1", "'-1' is no limit of pids [RT-USAGE]", "pids=500"),
    ("memroy=1G", "there is no limit 'memroy'; did you mean 'memory'? [RT-USAGE]", "cpu=1.5"),
    ("mem=1G", "there is no limit 'mem'; did you mean 'memory'? [RT-USAGE]", "pids=500"),
    ("disk=1G", "there is no limit 'disk' [RT-USAGE]", "memory=512M"),
    ("512M", "there is no limit '512M' [RT-USAGE]", "memory=512M"),
  ]) func nonsenseIsRefused(word: String, sentence: String, remedy: String) throws {
    let stage = try Stage("limits")
    try #require(try stage.relctl("config", "shop", "set", "A=1").exit == .code(0))
    let refused = try stage.relctl("limits", "shop", "pids=100", word)
    #expect(refused.exit == .code(64) && refused.output.isEmpty)
    #expect(refused.errors.contains("relctl: " + sentence), "\(refused.errors)")
    #expect(refused.errors.contains(remedy))
    #expect(try !stage.events().contains { $0.type == .limitsRequested })
  }

  private func report(_ stage: Stage) throws -> LimitsReport {
    let answer = try stage.relctl("limits", "shop", "--json")
    return try JSON.decode(LimitsReport.self, from: Array(answer.output.utf8))
  }

  /// What is not enforced is said, with what mends it.
  private func check(_ errors: String, _ report: LimitsReport) throws {
    #expect((report.cause == nil) == report.limits.allSatisfy(\.enforced))
    guard let cause = report.cause else { return #expect(errors.isEmpty) }
    #expect(errors.contains("relctl: \(cause.sentence) [RT-LIMITS-NOT-ENFORCED]"))
    #expect(errors.contains(try #require(cause.remedy)))
  }
}
