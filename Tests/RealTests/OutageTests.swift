import Events
import TestSupport
import Testing

/// What all instances need is away for a while, such as a database.
@Suite(.waitsForPrograms) struct OutageTests {
  let stage: Stage

  init() throws {
    stage = try Stage("outage")
    let deployed = try stage.relctl("deploy", "greeter", try Greeter.slug.get())
    try #require(deployed.exit == .code(0), "\(deployed.errors)\(deployed.output)")
    try #require(try stage.relctl("scale", "greeter", "web=2").exit == .code(0))
  }

  private func both(_ expression: String) throws {
    for instance in ["web.1", "web.2"] {
      let answer = try stage.relctl("rpc", "greeter/\(instance)", expression)
      try #require(answer.exit == .code(0), "\(answer.errors)")
    }
  }

  private func states() throws -> [RunState] { try stage.instances().map(\.state) }

  /// No instance that still runs is replaced, whether its check refuses or does not answer; each is ready again soon
  /// after the outage.
  @Test(arguments: [
    (#"Greeter.Readiness.refuse("the database is away")"#, "Greeter.Readiness.accept()"),
    (":sys.suspend(Greeter.Readiness)", ":sys.resume(Greeter.Readiness)"),
  ]) func instancesWaitForTheEndOfAnOutage(begin: String, end: String) throws {
    let before = try stage.ready().map(\.run)
    try both(begin)
    #expect(try eventually(60_000) { try states() == [.unready, .unready] })
    // Longer than the pause after which a single instance without an answer is replaced.
    #expect(
      try !eventually(20_000) { try stage.instances().map(\.run) != before }, "one was replaced")
    try both(end)
    #expect(try eventually { try states() == [.ready, .ready] })
    #expect(try stage.ready().map(\.run) == before)
  }
}
