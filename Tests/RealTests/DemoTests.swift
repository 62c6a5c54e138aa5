import Posix
import TestSupport
import Testing

/// `make demo` without a terminal, with the programs of `make build`.
@Suite(.waitsForPrograms) struct DemoTests {
  @Test func demoPrintsEveryViewAndLeavesNothing() throws {
    #expect(Files.isExecutableFile(Workspace.root + "/.build/release/reltui"), "run: make build")
    let environment = Environment.current.filter { ["PATH", "HOME", "LANG"].contains($0.key) }
    let demo = try Invocation([Workspace.root + "/scripts/demo"], environment: environment)
      .run(limit: 180_000)
    #expect(demo.isSuccess, "\(demo.text)")
    let frames = demo.text.split(separator: "# reltui --once --view ").dropFirst().map(String.init)
    #expect(frames.count == 6)
    let releases = frames.first ?? ""
    let row = releases.split(separator: "\n").first { $0.contains("▸greeter") } ?? ""
    #expect(["v2", "ready", "web 2/2"].allSatisfy { row.contains($0) }, "\(releases)")
    let boot = frames.first { $0.hasPrefix("boot") } ?? ""
    // The number of applications is above the table.
    let table = boot.split(separator: "\n").drop { !$0.contains("APPLICATION") }
    let planned = table.compactMap { line -> String? in
      let words = line.split(separator: " ")
      return words.count > 2 && Int(words[1]) != nil ? String(words[2]) : nil
    }
    #expect(planned == (try bootOrder()) && planned.last == "greeter", "\(boot)")
    #expect(frames.first { $0.hasPrefix("logs") }?.contains("Greeter 0.2.0 listening on") == true)
    #expect(frames.first { $0.hasPrefix("events") }?.contains("request.finished") == true)
    let left = ProcessTable.all().filter { process in
      let words = (try? Files.read("/proc/\(process.pid)/cmdline")) ?? []
      return process.state != "Z"
        && String(decoding: words, as: UTF8.self).contains(Workspace.root + "/.build/demo/home")
    }
    #expect(left.isEmpty)
  }

  /// The boot order, read from the boot script by Erlang itself.
  private func bootOrder() throws -> [String] {
    let script = """
      [File | _] = filelib:wildcard("\(Workspace.root)/.build/demo/home/slugs/*/tree/releases/0.2.0/start.boot"),
      {ok, Bytes} = file:read_file(File), {script, _, Instructions} = binary_to_term(Bytes),
      [io:format("~s~n", [A]) || {apply, {application, start_boot, [A, _]}} <- Instructions], halt().
      """
    return try Invocation(
      ["erl", "-noshell", "-eval", script], in: "/tmp",
      environment: Environment.current.merging(["ERL_CRASH_DUMP_SECONDS": "0"]) { $1 }
    ).run(limit: 20_000).text.split(separator: "\n").map(String.init)
  }
}
