import Posix
import Testing

@testable import Buildpack

/// The failures that are recognised in the last lines of tools, as the real programs write them.
@Suite struct ToolFailureTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var lines: String
    var telling: String?
    var exit = Exit.code(1)
    var step = BuildStep.compile
    /// The id of the failure.
    var id = "RT-BUILD-COMPILE"
  }

  static let cases = [
    Case(
      testDescription: "Elixir 1.14, syntax",
      lines: """
        == Compilation error in file lib/a.ex ==
        ** (SyntaxError) lib/a.ex:3:1: unexpected reserved word: end
            (elixir 1.14.0) lib/kernel/parallel_compiler.ex:346: anonymous fn/5
        """, telling: "** (SyntaxError) lib/a.ex:3:1: unexpected reserved word: end"),
    Case(
      testDescription: "Elixir 1.14, undefined",
      lines: """
        == Compilation error in file lib/a.ex ==
        ** (CompileError) lib/a.ex:2: undefined function oops/0 (expected A to define such a function)

        """,
      telling:
        "** (CompileError) lib/a.ex:2: undefined function oops/0 (expected A to define such a function)"
    ),
    Case(
      testDescription: "Elixir 1.17, undefined",
      lines: """
            error: undefined function oops/0 (expected A to define such a function or for it to be imported)
            │
          2 │   def a, do: oops()
            │              ^^^^
            │
            └─ lib/a.ex:2:14: A.a/0


        == Compilation error in file lib/a.ex ==
        ** (CompileError) lib/a.ex: cannot compile module A (errors have been logged)
        """,
      telling:
        "lib/a.ex:2:14: A.a/0: error: undefined function oops/0 "
        + "(expected A to define such a function or for it to be imported)"),
    Case(
      testDescription: "Erlang by rebar3",
      lines: """
        ===> Compiling pebble
        ===> Compiling src/pebble_app.erl failed
        src/pebble_app.erl:10:7: syntax error before: '}'
        """, telling: "src/pebble_app.erl:10:7: syntax error before: '}'"),
    Case(
      testDescription: "C",
      lines: """
        cc -O2 -fPIC -shared -o anvil.so c_src/anvil.c
        c_src/anvil.c: In function 'strike':
        c_src/anvil.c:5:36: error: expected ';' before '}' token
            5 |     return enif_make_int(env, 42)
              |                                    ^
        make: *** [Makefile:7: anvil.so] Error 1
        """, telling: "c_src/anvil.c:5:36: error: expected ';' before '}' token"),
    Case(
      testDescription: "killed", lines: "Compiling 3 files (.ex)",
      telling: "Compiling 3 files (.ex)", exit: .signal(.kill), id: "RT-BUILD-MEMORY"),
    Case(
      testDescription: "killed below a shell", lines: "Killed", telling: "Killed",
      exit: .code(137), id: "RT-BUILD-MEMORY"),
    Case(
      testDescription: "Erlang without memory",
      lines: "eheap_alloc: Cannot allocate 2147483648 bytes of memory (of type \"heap\").",
      telling: "eheap_alloc: Cannot allocate 2147483648 bytes of memory (of type \"heap\").",
      exit: .signal(.abrt), id: "RT-BUILD-MEMORY"),
    Case(
      testDescription: "no Hex",
      lines: """
        ** (Mix) httpc request failed with: {:failed_connect, [{:to_address, {'repo.hex.pm', 443}}]}

        Could not install Hex because Mix could not download metadata at https://repo.hex.pm/installs/hex-1.x.csv.
        """,
      telling:
        "** (Mix) httpc request failed with: {:failed_connect, [{:to_address, {'repo.hex.pm', 443}}]}",
      step: .dependencies, id: "RT-BUILD-HEX"),
    Case(
      testDescription: "Hex without a network",
      lines: """
        Failed to fetch record for jason from registry (using cache instead)
        {:failed_connect, [{:to_address, {'repo.hex.pm', 443}}, {:inet, [:inet], :nxdomain}]}
        ** (Mix) Unknown package jason in lockfile
        """, telling: "** (Mix) Unknown package jason in lockfile", step: .dependencies,
      id: "RT-BUILD-NETWORK"),
    Case(
      testDescription: "git without a network",
      lines: """
        fatal: unable to access 'https://github.com/a/b.git/': Could not resolve host: github.com
        ** (Mix) Command "git --git-dir=.git fetch --force --quiet" failed
        """, telling: "** (Mix) Command \"git --git-dir=.git fetch --force --quiet\" failed",
      step: .dependencies, id: "RT-BUILD-NETWORK"),
    Case(
      testDescription: "npm without a network",
      lines: """
        npm ERR! code EAI_AGAIN
        npm ERR! request to https://registry.npmjs.org/left-pad failed, reason: getaddrinfo EAI_AGAIN
        """,
      telling: "npm ERR! request to https://registry.npmjs.org/left-pad failed, reason: "
        + "getaddrinfo EAI_AGAIN", step: .assets, id: "RT-BUILD-NETWORK"),
    Case(
      testDescription: "code that speaks of a network",
      lines: "** (RuntimeError) Connection refused", telling: "** (RuntimeError) Connection refused"
    ),
    Case(
      testDescription: "nothing", lines: "", telling: nil, exit: .code(2), step: .release,
      id: "RT-BUILD-RELEASE"),
  ]

  @Test(arguments: cases) func choosesTheLineThatExplainsTheFailure(_ item: Case) {
    let lines = item.lines.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let failure = ToolFailure(exit: item.exit, lines: lines)
    #expect(failure.telling == item.telling)
    #expect(BuildFailure(item.step, failure).cause.id == item.id)
  }

  // MARK: - The lines of our own task

  @Test func onlyMarkedLinesAreReports() throws {
    let project = try Project(source: Sample.folder("sprout"))
    let mix = MixBuild(
      project: project, steps: [.compile], target: "/x", hooks: [:], npmFolders: [])
    func report(_ words: String...) -> BuilderReport? {
      mix.report(([mix.mark] + words).joined(separator: "\t"))
    }
    #expect(mix.report("step\tcompile") == nil && mix.report("relpack-0\tdone") == nil)
    #expect(report("step", "compile") == .step(.compile) && report("step", "x") == nil)
    #expect(report("done") == .done && report("done", "x") == nil)
    #expect(
      report("releases", "", "a")
        == .releases(ReleaseChoice(declared: [], implicit: "a", usual: nil)))
    #expect(
      report("releases", "b", "", "a", "b")
        == .releases(ReleaseChoice(declared: ["a", "b"], implicit: nil, usual: "b")))
    #expect(report("variable", "A", "required", "config/runtime.exs", "x") == nil)
    #expect(report("variable", "A", "needed", "config/runtime.exs", "1") == nil)
    #expect(report("lock", "mix.lock") == .refused(.lockOutdated(file: "mix.lock")))
  }
}
