import HomeLayout
import Posix
import TestSupport
import Testing

/// Commands notice and report an agent that does not wake.
@Suite(.waitsForPrograms) struct SilentAgentTests {
  @Test func commandsReportAStoppedAgent() throws {
    let stage = try Stage("silent")
    #expect(try stage.relctl("agent", "start").exit == .code(0))
    let agent = try stage.agent()
    agent.signal(.stop)
    defer { agent.signal(.cont) }

    let errors = stage.folder.path + "/said"
    let file = try File.open(errors, .replace)
    let waiting = try Child.start(
      Invocation(
        [try Workspace.program("relctl"), "config", "shop", "set", "COLOUR=blue"],
        in: stage.folder.path, environment: stage.environment), output: .null, errors: .file(file))
    let said = { (try? Files.read(errors)).map { String(decoding: $0, as: UTF8.self) } ?? "" }
    let words = "the agent (pid \(agent.pid)) is stopped by a signal"
    #expect(eventually { said().contains(words) && said().contains("[RT-AGENT-SILENT]") })
    #expect(said().contains("kill -CONT \(agent.pid)"))
    #expect(try stage.relctl("ps").errors.contains(words))

    agent.signal(.cont)
    #expect(waiting.exit() == .code(0), "\(said())")
    #expect(try !stage.relctl("ps").errors.contains("agent"))
  }
}
