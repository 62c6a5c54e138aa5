import Posix
import TestSupport
import Testing

/// Commands that follow the log, and releases of relx.
@Suite(.waitsForPrograms) struct StreamTests {
  /// A running program and its output so far.
  private struct Running {
    let child: Child
    let output: File

    init(_ stage: Stage, _ arguments: [String]) throws {
      let (reading, writing) = try File.pipe()
      child = try Child.start(
        Invocation(
          [try Workspace.program("relctl")] + arguments, in: stage.folder.path,
          environment: stage.environment),
        output: .file(writing), errors: .null)
      output = reading
    }

    /// Reads until the text has come.
    func expect(_ text: String) throws -> Bool {
      var seen = ""
      let found: Bool? = try Workspace.wait(milliseconds: 10_000) {
        if try Poll.wait([output.descriptor], milliseconds: 100).isEmpty { return nil }
        seen += String(decoding: try output.read(upTo: 65_536), as: UTF8.self)
        return seen.contains(text) ? true : nil
      }
      return found == true
    }
  }

  @Test func followersPrintNewEventsAndEndQuietly() throws {
    let stage = try Stage("follow")
    #expect(try stage.relctl("deploy", "greeter", try Greeter.slug.get()).exit == .code(0))
    let events = try Running(stage, ["events", "-f", "--json"])
    let logs = try Running(stage, ["logs", "greeter", "-f"])
    #expect(try events.expect("deployment.finished"))
    #expect(try logs.expect("listening on"))
    #expect(try stage.relctl("restart", "greeter").exit == .code(0))
    #expect(try events.expect("restart.requested") && logs.expect("listening on"))
    for running in [events, logs] {
      running.child.signal(.int)
      #expect(running.child.exit() == .code(0))
    }
    // A reader that closes the pipe is not a failure.
    let head = try Invocation(
      ["sh", "-c", "'\(try Workspace.program("relctl"))' events --json | head -1"],
      environment: stage.environment
    ).run(limit: 10_000)
    #expect(head.text.split(separator: "\n").count == 1 && head.isSuccess)
  }

  @Test func damageIsReportedAndSkipped() throws {
    let stage = try Stage("damaged")
    _ = try stage.relctl("config", "shop", "set", "COLOUR=green")
    _ = try stage.relctl("config", "shop", "set", "COLOUR=blue")
    _ = try stage.relctl("agent", "stop")
    let path = stage.home.events + "/0000000000000001.jsonl"
    var bytes = try Files.read(path)
    let end = bytes.countWithoutZeros
    let count = bytes.count { $0 == UInt8(ascii: "\n") }
    bytes[end / 2] ^= 1
    // A torn last line was never acknowledged, so nothing is lost.
    bytes.replaceSubrange(end..<(end + 16), with: Array(#"{"seq":"00000000"#.utf8))
    try Files.replace(path, with: bytes)
    let answer = try stage.relctl("events", "--json")
    #expect(answer.exit == .code(0) && answer.lines.count == count - 1)
    #expect(answer.errors.contains("[RT-LOG-DAMAGED]") && answer.errors.contains(path))
    // Writers go on after it, and no number is used twice.
    #expect(try stage.relctl("config", "shop", "set", "COLOUR=red").exit == .code(0))
    let numbers = try stage.events().map(\.sequence)
    #expect(Set(numbers).count == numbers.count && numbers == numbers.sorted())
  }

  @Test func relxReleaseRunsTwiceOnOneHost() throws {
    let stage = try Stage("relx")
    let environment = stage.environment
    for words in [["new", "release", "name=demo"], ["as", "prod", "release"]] {
      let folder = stage.folder.path + (words[0] == "new" ? "" : "/demo")
      let result = try Invocation(["rebar3"] + words, in: folder, environment: environment)
        .run(limit: 120_000)
      #expect(result.isSuccess, "\(result.text)")
    }
    let built = stage.folder.path + "/demo/_build/prod/rel/demo"
    let flags = "ERL_ZFLAGS=-kernel colour red"
    #expect(try stage.relctl("config", "demo", "set", flags).exit == .code(0))
    let deployed = try stage.relctl("deploy", "demo", built)
    #expect(deployed.exit == .code(0), "\(deployed.errors)")
    #expect(try stage.relctl("scale", "demo", "web=2").exit == .code(0))
    let ready = try stage.ready()
    #expect(ready.count == 2 && Set(ready.map(\.node)).count == 2)
    let answer = try stage.relctl("rpc", "demo/web.2", "node()")
    #expect(answer.output == "'\(ready[1].node ?? "?")'\n", "\(answer.errors)")
    let boots = try stage.events().filter { $0.type == .instanceReady }.map(\.data)
    #expect(boots.allSatisfy { $0.boot?["demo"] != nil && $0.phases?["code"] != nil }, "\(boots)")
    #expect(try !stage.relctl("logs", "demo").output.contains("{progress,"))
    // The app's flags hold, and ours do not reach a VM that the app starts.
    let colour = try stage.relctl("rpc", "demo", "application:get_env(kernel, colour)")
    #expect(colour.output == "{ok,red}\n", "\(colour)")
    let child = "os:cmd(\"$BINDIR/erl -args_file $VMARGS_PATH -noshell -s init stop\")"
    #expect(try !stage.relctl("rpc", "demo", child).output.contains("progress"))
    let bad = try stage.relctl("rpc", "demo", "1 = 2")
    #expect(bad.exit == .code(1))
    #expect(bad.errors.contains("exception error: no match of right hand side value 2"), "\(bad)")
    let syntax = try stage.relctl("rpc", "demo", "1 + .")
    #expect(syntax.errors.hasPrefix("relctl: syntax error before: "), "\(syntax.errors)")
    #expect(try stage.relctl("rpc", "demo", "io:format(\"x\")").output == "x\nok\n")
    #expect(try stage.relctl("stop", "demo").exit == .code(0))
    #expect(try stage.instances().isEmpty)
  }
}
