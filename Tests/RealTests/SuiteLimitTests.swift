import Posix
import TestSupport
import Testing

/// `scripts/limit`, under which `make test` runs the tests.
@Suite(.waitsForPrograms) struct SuiteLimitTests {
  private func limit(_ script: String) throws -> Invocation.Result {
    try Invocation(
      [Workspace.root + "/scripts/limit", "1", "sh", "-c", script],
      environment: ["PATH": Invocation.standardPath]
    ).run(limit: 30_000)
  }

  @Test func silentTestIsNamedAndEnded() throws {
    let started = Clock.monotonic()
    let result = try limit(
      """
      echo '◇ Test quick() started.'
      echo '◇ Test hangs(in:) started.'
      echo '✔ Test quick() with 2 test cases passed after 0.1 seconds.'
      sleep 600
      """)
    #expect(result.exit == .code(1) && Clock.monotonic() - started < 20_000)
    let lines = result.text.split(separator: "\n")
    #expect(
      lines.suffix(2) == [
        "error: nothing was printed for 1 seconds. Tests that have not ended:", "  hangs(in:)",
      ])
  }

  @Test(arguments: [("exit 0", 0), ("echo x; exit 3", 3), ("sleep 0.5; printf x; exit 1", 1)])
  func exitCodeIsTheOneOfTheTests(_ script: String, _ code: Int32) throws {
    let result = try limit(script)
    #expect(result.exit == .code(code))
    #expect(result.text.contains("x") == script.contains("x;"))
  }
}
