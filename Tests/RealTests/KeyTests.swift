import Events
import Posix
import TestSupport
import Testing

/// Restart and rollback by key in a real terminal, while the app serves requests.
@Suite(.waitsForPrograms) struct KeyTests {
  /// A client that asks all ready instances again and again, and counts the rounds without any
  /// answer.
  private final class Visitor: @unchecked Sendable {
    private let stop: File
    private let child: Child
    private let result: String

    /// The loop is a process of its own, so that the test does not delay it.
    init(_ stage: Stage) throws {
      result = stage.folder.path + "/visits"
      let (reading, writing) = try File.pipe()
      let relctl = try Workspace.program("relctl")
      let script = """
        good=0; bad=0
        while [ -e "$2/visiting" ]; do
          answered=
          for port in $("$1" ps --json | grep -o '"port":[0-9]*' | cut -d: -f2); do
            curl -s -o /dev/null -f --max-time 2 "http://127.0.0.1:$port/" && answered=1
          done
          if [ "$answered" ]; then good=$((good + 1)); else bad=$((bad + 1)); fi
          echo "$good $bad" >"$2/visits"
        done
        """
      try Files.replace(stage.folder.path + "/visiting", with: [])
      child = try Child.start(
        Invocation(
          ["sh", "-c", script, "visitor", relctl, stage.folder.path], environment: stage.environment
        ),
        input: .file(reading), output: .null, errors: .null)
      stop = writing
    }

    func leave(_ stage: Stage) throws -> (good: Int, bad: Int) {
      try Files.remove(stage.folder.path + "/visiting")
      _ = child.exit()
      let numbers = String(decoding: try Files.read(result), as: UTF8.self)
        .split { $0 == " " || $0 == "\n" }.compactMap { Int($0) }
      return (numbers.first ?? 0, numbers.last ?? 0)
    }
  }

  @Test func restartAndRollbackByKeyLeaveNoGap() throws {
    let stage = try Stage("keys")
    #expect(try stage.relctl("deploy", "greeter", try Greeter.slug.get()).exit == .code(0))
    #expect(try stage.relctl("scale", "greeter", "web=2").exit == .code(0))
    let first = try #require(try stage.ready().first)
    #expect(
      try stage.relctl("config", "greeter", "set", "GREETER_GREETING=Guten Abend").exit == .code(0))
    let before = try stage.ready()
    let visitor = try Visitor(stage)

    let terminal = try ProgramTerminal(
      "reltui", [],
      environment: stage.environment.merging(["TERM": "xterm-256color", "TZ": "UTC"]) { $1 },
      columns: 120, rows: 40)
    #expect(terminal.wait(for: "greeter"))
    // Opens the instances, chooses the first; then R, and from "No" to "Yes".
    terminal.type("\r")
    terminal.type("R")
    #expect(terminal.wait(for: "Restart web.1 of greeter"))
    terminal.type("y")
    let restarted = try Workspace.wait(milliseconds: 20_000) { try isRestarted(stage) ? true : nil }
    #expect(restarted == true)
    let after = try stage.ready()
    #expect(after.count == 2 && after[0].pid != before[0].pid && after[1].pid == before[1].pid)
    try checkStory(of: stage, from: .restartRequested)

    terminal.type("\u{1B}")
    terminal.type("B")
    #expect(terminal.wait(for: "from v2 to v1"))
    terminal.type("y")
    let rolledBack = try Workspace.wait(milliseconds: 30_000) {
      try stage.ready().map(\.release.description) == ["v3", "v3"] ? true : nil
    }
    #expect(rolledBack == true)
    terminal.type("q")
    #expect(try terminal.exit() == .code(0))

    let visits = try visitor.leave(stage)
    #expect(visits.bad == 0 && visits.good > 5, "\(visits)")
    let now = try stage.ready()
    #expect(now.allSatisfy { $0.slug == first.slug && stage.greet($0)?.contains("Hello") == true })
  }

  private func isRestarted(_ stage: Stage) throws -> Bool {
    let events = try stage.events()
    guard let request = events.last(where: { $0.type == .restartRequested }) else { return false }
    return events.contains { $0.type == .requestFinished && $0.data.request == request.id }
  }

  private func checkStory(of stage: Stage, from type: EventType) throws {
    let events = try stage.events()
    let request = try #require(events.last { $0.type == type })
    let story = events.filter { $0.sequence > request.sequence }.compactMap(\.type)
    #expect(
      story == [
        .requestAccepted, .instanceStarting, .instanceBooting, .instanceReady, .instanceStopping,
        .instanceStopped, .requestFinished,
      ])
  }
}
