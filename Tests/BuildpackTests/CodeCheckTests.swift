import Events
import Glibc
import Posix
import Synchronization
import TestSupport
import Testing

@testable import Buildpack
@testable import ReleaseModel

/// The check of a release on a host that allows no network of its own.
@Suite(.waitsForPrograms) struct CodeCheckTests {
  /// Runs relpack without namespaces, as root and as an unprivileged user.
  private func program(_ house: Playhouse, asRoot: Bool) throws -> String {
    let own = house.folder.path + "/own"
    try FileTree.copyFile(try Workspace.program("relpack"), to: own, mode: 0o755)
    let isUser = User.isRoot && !asRoot
    if isUser { try Files.setMode(house.tree, 0o755) }
    try house.folder.write(
      "relpack",
      """
      #!/bin/sh
      \(isUser ? "chown -R 65534:65534 \"$(dirname \"$2\")\" \(house.tree)" : "")
      exec \(isUser ? "setpriv --reuid 65534 --regid 65534 --clear-groups" : "") \\
        unshare --user --map-current-user --keep-caps \\
        sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' sh \(own) "$@"
      """, mode: 0o755)
    return house.folder.path + "/relpack"
  }

  private static let reason =
    "the host allows no separate network for it (unshare: unshare failed: No space left on device)"
  private static let checked = BootCheck.Outcome.checked(
    reason: reason, remedy: "RELPACK_BOOT_CHECK=network boots it all the same")

  @Test(arguments: [true, false]) func withoutNamespacesNothingIsBooted(_ asRoot: Bool) throws {
    let house = try Playhouse(start: #"raise "started""#, runtime: #"System.fetch_env!("A")"#)
    let program = try program(house, asRoot: asRoot)
    let outcome = try house.outcome {
      ($0.program, $0.variables) = (program, [variable("A")])
    }
    #expect(outcome == Self.checked)
    let cause = try house.failure { $0.program = program }
    #expect(
      cause.sentence
        == "actor cannot be configured: A is not set")
    let relx = try Playhouse(Actor.relx)
    let other = try self.program(relx, asRoot: asRoot)
    #expect(try relx.outcome { $0.program = other } == Self.checked)
  }

  @Test(arguments: [true, false]) func inTheHostsNetworkItBoots(_ asRoot: Bool) throws {
    let reached = Mutex(0)
    let server = try LoopbackServer { _ in
      reached.withLock { $0 += 1 }
      return Array("hello".utf8)
    }
    let house = try Playhouse(
      start: """
        "placeholder-a" = System.fetch_env!("A")
        {:ok, s} = :gen_tcp.connect({127, 0, 0, 1}, \(server.port), [:binary, active: false])
        :gen_tcp.send(s, "hi")
        {:ok, "hello"} = :gen_tcp.recv(s, 0)
        """)
    let program = try program(house, asRoot: asRoot)
    for program in [program, try Workspace.program("relpack")] {
      let outcome = try house.outcome { request in
        (request.program, request.mode) = (program, .network)
        (request.variables, request.config) = ([variable("A")], ["A": "real"])
      }
      guard case .started = outcome else {
        Issue.record("\(outcome)")
        continue
      }
    }
    #expect(reached.withLock { $0 } == 2)
  }

  @Test func oneLineNamesAllReleasesWithTheSameReason() {
    let old = BootCheck.Outcome.checked(reason: "its runtime is older than OTP 23", remedy: nil)
    let results = [("a", Self.checked), ("b", Self.checked), ("c", old)].map {
      BootCheck.Result(release: $0, outcome: $1)
    }
    #expect(
      BootCheck.Result.warnings(results) == [
        "a, b were not booted, as \(Self.reason); their configuration was evaluated and their code "
          + "loaded. RELPACK_BOOT_CHECK=network boots it all the same",
        "c was not booted, as its runtime is older than OTP 23; its configuration was evaluated "
          + "and its code loaded",
      ])
    #expect(BootCheck.Result.warnings([]) == [] && results.allSatisfy { $0.line == nil })
  }

  // MARK: - Modules

  /// Compiles a module into the release's own application, and names it in its `.app` file.
  private func add(_ name: String, _ body: String, to house: Playhouse) throws -> String {
    let ebin = house.tree + "/lib/actor-0.1.0/ebin"
    try house.folder.write("\(name).erl", "-module(\(name)).\n" + body)
    let result = try Invocation(
      ["erlc", "-o", ebin, "\(house.folder.path)/\(name).erl"], environment: Environment.current
    ).run(limit: 20_000)
    try #require(result.isSuccess, "\(result.text)")
    try replace(in: ebin + "/actor.app", "{modules,[", "{modules,[\(name),")
    return "\(ebin)/\(name).beam"
  }

  private static let nif = """
    -export([init/0]).
    -on_load(init/0).
    init() -> erlang:load_nif(filename:join(code:priv_dir(actor), "nothing"), 0).
    """

  private func failure(_ house: Playhouse) throws -> Cause {
    let empty = try TemporaryFolder("empty", inMemory: true)
    return try house.failure { $0.searchPath = empty.path }
  }

  @Test func aLibraryThatIsMissingIsNamed() throws {
    let house = try Playhouse()
    _ = try add("actor_nif", Self.nif, to: house)
    let cause = try failure(house)
    #expect(
      cause.sentence.hasPrefix(
        "actor does not boot: the module actor_nif does not load: its on_load function failed: "
          + "{error,{load_failed,"), "\(cause)")
    #expect(cause.sentence.contains("lib/actor-0.1.0/priv/nothing.so: cannot open shared object"))
    #expect(!cause.sentence.contains(house.scratch))
  }

  @Test func aModuleOfANewerVersionIsNamed() throws {
    let house = try Playhouse()
    let path = try add("actor_new", "-export([f/0]).\nf() -> 1.", to: house)
    var bytes = try Files.read(path)
    let code = try #require(bytes.firstRange(of: Array("Code".utf8)))
    // The greatest opcode, after two lengths and the instruction set.
    bytes.replaceSubrange(
      (code.upperBound + 12)..<(code.upperBound + 16), with: [0, 0, 0xff, 0xff])
    try File.open(path, .replace).write(bytes)
    let cause = try failure(house)
    #expect(
      cause.sentence.hasPrefix(
        "actor does not boot: the module actor_new does not load: its file is damaged, or compiled "
          + "for a newer Erlang/OTP: "), "\(cause)")
  }

  @Test func modulesThatAreMissingAreNamed() throws {
    let house = try Playhouse()
    for name in ["actor_a", "actor_b"] {
      try Files.remove(try add(name, "-export([f/0]).\nf() -> 1.", to: house))
    }
    let cause = try failure(house)
    #expect(
      cause.sentence
        == "actor does not boot: the module actor_a does not load: its file is missing "
        + "(and 1 more)")
    #expect(
      cause.evidence.map(\.text) == ["the module actor_b does not load: its file is missing"])
  }

  @Test func aLoaderThatCrashesIsReported() throws {
    let house = try Playhouse()
    _ = try add(
      "actor_end", "-export([init/0]).\n-on_load(init/0).\ninit() -> erlang:halt(7).", to: house)
    #expect(
      try failure(house).sentence
        == "actor has code that cannot be loaded: it ended with exit code 7; it printed nothing")
  }

  // MARK: - relx

  static let configurations: [(name: String, text: String, sentence: String?)] = [
    ("sys.config", "[{player, [{a, 1}]}, \"more.config\"].", nil),
    (
      "sys.config", "[{player, [{a, 1}]}", "player cannot be configured: releases/1.0.0/sys.config:"
    ),
    (
      "sys.config", "{player, []}.",
      "cannot be configured: releases/1.0.0/sys.config: it is not one"
    ),
    ("sys.config", "[{player, 1}].", "sys.config: an entry is no {Application, Settings}"),
    ("sys.config.src", "[{player, [{a, \"${ROLE}\"}, {b, ${POOL_SIZE}}, {c, ${X:-3}}]}].", nil),
    (
      "sys.config.src", "[{player, [\n{a, ${ROLE}}]}].",
      "could not be checked: the placeholder for ROLE is not accepted (releases/1.0.0/sys.config.src:1)"
    ),
    (
      "vm.args", "-name x\n+zzz\n",
      "player does not boot: vm.args:2: bad -z option -zzz"
    ),
    ("vm.args.src", "-name x@${HOST}\n+A ${A_SIZE}\n-eval halt(3)\n", nil),
  ]

  @Test(arguments: configurations.indices) func theConfigurationOfRelxIsRead(_ index: Int) throws {
    let (name, text, sentence) = Self.configurations[index]
    let house = try Playhouse(Actor.relx)
    try house.folder.write("slug/releases/1.0.0/" + name, text)
    let empty = try TemporaryFolder("empty", inMemory: true)
    let result = BootCheck.Result(
      release: "", outcome: try house.outcome { $0.searchPath = empty.path })
    if let sentence {
      #expect(result.problem?.sentence.contains(sentence) == true, "\(result)")
    } else if case .checked = result.outcome {
    } else {
      Issue.record("\(result)")
    }
  }

  @Test func fillsVariablesInFilesOfRelx() {
    let values = ["A": "1", "E": ""]
    for (text, names, filled) in [
      ("", [], ""), ("x", [], "x"), ("${A}", ["A"], "1"), ("a ${A} ${B} c", ["A", "B"], "a 1  c"),
      ("${B:-2}${A:-2}${E:-x:-y}", [], "21x:-y"), ("${A", [], "${A"), ("$A {A}", [], "$A {A}"),
      ("${}", [""], ""),
    ] {
      let template = SourceTemplate(text: text)
      #expect(template.names == names && template.filled(values) == filled, "\(text)")
    }
  }

  // MARK: - Commands

  static let commands: [(command: String, start: String?)] = [
    ("bin/app start", "bin/app start"), ("./bin/app start", "./bin/app start"),
    ("bin/server", "bin/server"), ("env A=1 bin/app start", "env A=1 bin/app start"),
    ("bin/migrate && bin/server", "bin/server"),
    ("bin/migrate; exec bin/server", "exec bin/server"),
    ("bin/migrate &&A=1 exec env B=2 bin/app start", "A=1 exec env B=2 bin/app start"),
    ("export A=1 && bin/migrate && bin/server", "export A=1 && bin/server"),
    ("A='x; y' bin/app start | cat", "A='x; y' bin/app start"),
    ("bin/other\nbin/app start", "bin/app start"), ("bin/app eval X || bin/server", "bin/server"),
    (#"A="b \" && c" bin/server"#, #"A="b \" && c" bin/server"#),
    ("sh -c 'bin/migrate && bin/server'", "bin/server"), ("bin/app start now", nil),
    ("bin/server x", nil),
    ("bin/app daemon", nil), ("bin/server > log", nil), ("A=$(x) bin/server", nil), ("", nil),
    ("echo bin/server", nil), ("bin/app", nil),
  ]

  @Test func takesThePartOfACommandThatStartsTheRelease() {
    let release = OTPRelease(
      name: "app", version: "1", ertsVersion: "13", kind: .mix, applications: [],
      startCommand: "bin/app", startArgument: "start")
    for (command, start) in Self.commands {
      #expect(
        ProcessCommand.start(of: release, server: "bin/server", in: command) == start, "\(command)")
    }
  }

  @Test func bootsThePlatformsCommand() throws {
    let house = try Playhouse(
      start: """
        "1" = System.fetch_env!("A")
        "all" = System.fetch_env!("RELEASE_NAME")
        """)
    let command = "false && A=1 exec bin/actor start"
    let outcome = try house.outcome { request in
      request.processes = [Procfile.Entry(process: "web", command: command)]
      request.config = ["RELEASE_NAME": "all"]
    }
    guard case .started = outcome else {
      Issue.record("\(outcome)")
      return
    }
  }
}
