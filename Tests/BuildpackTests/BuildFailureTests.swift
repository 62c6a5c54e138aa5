import Glibc
import Posix
import TestSupport
import Testing

/// Builds that fail, by the real programs, and what they leave behind.
@Suite struct BuildFailureTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var config: [String: String] = [:]
    /// Whether CACHE_DIR is a file.
    var hasBadCache = false
    var change: @Sendable (String) throws -> Void = { _ in }
    /// The first line of the problem; what stands before it must be a tool's own words.
    var problem: String
    var said = ""
  }

  static let cases = [
    Case(
      testDescription: "Procfile",
      change: { try rewrite($0 + "/Procfile", "web: bin/greeter start\nworker\n") },
      problem: "Procfile:2: there is no ':' between process type and command [RT-PROCFILE-FORMAT]"),
    Case(
      testDescription: "app.json", change: { try rewrite($0 + "/app.json", "{]") },
      problem: "app.json: that is not JSON [RT-APPJSON-FORMAT]"),
    Case(
      testDescription: "a link out of the source",
      change: {
        try Files.remove($0 + "/Procfile")
        try Files.symbolicLink(to: "/etc/passwd", at: $0 + "/Procfile")
      }, problem: "'Procfile' is a link that leads out of the source [RT-SLUG-CONTENT]"),
    Case(
      testDescription: "a place for the record that there is not",
      config: ["RELPACK_RECORD": "elsewhere"],
      problem: "the config var RELPACK_RECORD has a value that it cannot have [RT-BUILD-CONFIG]"),
    Case(
      testDescription: "compile error",
      change: { try rewrite($0 + "/lib/greeter.ex", "defmodule Greeter do\n  oops(\nend\n") },
      problem: "the application does not compile [RT-BUILD-COMPILE]", said: "lib/greeter.ex:3"),
    Case(
      testDescription: "mix.exs", change: { try rewrite($0 + "/mix.exs", "raise \"no project\"") },
      problem: "mix cannot read the project [RT-BUILD-PROJECT]", said: "no project"),
    Case(
      testDescription: "several releases", change: addRelease,
      problem:
        "the project has several releases and none is chosen: other, greeter "
        + "[RT-BUILD-RELEASE-AMBIGUOUS]"),
    Case(
      testDescription: "unknown release", config: ["RELEASE_NAME": "third"], change: addRelease,
      problem:
        "the project has no release 'third'; it has other, greeter [RT-BUILD-RELEASE-UNKNOWN]"),
    Case(
      testDescription: "missing dependency",
      change: {
        try replace(in: $0 + "/mix.exs", "deps: []", "deps: [{:gone, git: \"file:///nowhere\"}]")
      }, problem: "the dependencies could not be fetched [RT-BUILD-DEPENDENCIES]",
      said: "'/nowhere' does not appear to be a git repository"),
    Case(
      testDescription: "release step",
      change: {
        try replace(
          in: $0 + "/mix.exs", "greeter: [",
          "greeter: [steps: [:assemble, fn _ -> raise \"step\" end], ")
      }, problem: "mix release failed [RT-BUILD-RELEASE]", said: "(RuntimeError) step"),
    Case(
      testDescription: "rebar3 project",
      change: { try Files.rename($0 + "/mix.exs", to: $0 + "/rebar.config") },
      problem: "this version does not build rebar3 projects [RT-SOURCE-UNKNOWN]"),
    Case(
      testDescription: "cache that is a file", hasBadCache: true,
      problem: "cannot make folder 'CACHE/reltui': not a directory [RT-BUILD-UNWRITABLE]"),
  ]

  @Test(arguments: cases) func leavesTheSourceAsItWas(_ item: Case) throws {
    let platform = try Platform(config: item.config, change: item.change)
    let before = try platform.snapshot()
    let cache = item.hasBadCache ? platform.variables + "/file" : platform.cache
    if item.hasBadCache { try File.open(cache, .create).write("") }
    let result = try platform.run("compile", [platform.source, cache, platform.variables])
    let problems = result.lines.filter { $0.hasPrefix(" !     ") }
    let expected = " !     " + item.problem.replacing("CACHE", with: cache)
    #expect(result.exit == .code(1))
    #expect(problems.first == expected, "\(result.lines)")
    #expect(result.lines.suffix(problems.count) == problems[...])
    #expect(item.said.isEmpty || result.lines.contains { $0.contains(item.said) })
    #expect(try platform.snapshot() == before)
  }

  @Test func endsItsToolsWhenItIsStopped() throws {
    let platform = try Platform { source in
      try File.open(source + "/config/config.exs", .append).write(
        "\nFile.write!(\"../began\", \"\")\n:os.cmd('sleep 86399')\n")
    }
    let before = try platform.snapshot()
    let log = try File.open(platform.folder.path + "/log", .create)
    let build = try Child.start(
      platform.invocation("compile", [platform.source]), output: .file(log), errors: .file(log))
    let began = Workspace.wait(milliseconds: 20_000) {
      ProcessTable.descendants(of: build.pid).count > 3
        && Files.exists(platform.folder.path + "/began") ? true : nil
    }
    let tools = ProcessTable.descendants(of: build.pid)
      .map { ProcessIdentity(pid: $0.pid, started: $0.started) }
    build.signal(SIGTERM)
    #expect(build.wait() == .code(143))
    #expect(began == true && tools.count > 3)
    let gone = Workspace.wait(milliseconds: 5000) {
      tools.allSatisfy { !$0.isAlive } ? true : nil
    }
    #expect(gone == true)
    #expect(try platform.snapshot() == before)
  }
}

@Sendable private func addRelease(_ source: String) throws {
  try replace(in: source + "/mix.exs", "releases: [", "releases: [other: [], ")
}
