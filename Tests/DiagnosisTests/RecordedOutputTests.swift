import Diagnosis
import Events
import HomeLayout
import ReleaseModel
import Testing

/// What real runs printed before they ended, and the sentence for it.
@Suite struct RecordedOutputTests {
  static let table: [(output: String, id: ProblemID, sentence: String)] = [
    // configuration
    ("missing-fetch", .configMissing, "SHOP_SECRET is not set (config/runtime.exs:10)"),
    ("missing-phoenix", .configMissing, "SECRET_KEY_BASE is not set (config/runtime.exs:13)"),
    ("missing-lib", .configMissing, "SHOP_TOKEN is not set (lib/shop/application.ex:11)"),
    (
      "raise-config", .runtimeConfig,
      "config/runtime.exs raised RuntimeError: the shop is closed on Sundays"
    ),
    (
      "not-a-number", .runtimeConfig,
      "config/runtime.exs raised ArgumentError: 1st argument: not a textual representation of an integer"
    ),
    (
      "compile-env", .runtimeConfig,
      ":tax of application shop differs from its value at compile time: 19, now 7"
    ),
    (
      "syntax", .runtimeConfig,
      #"releases/0.1.0/runtime.exs:5: missing terminator: end (for "do" starting at line 3)"#
    ),
    ("sys-config", .runtimeConfig, "releases/0.1.0/sys.config: no ending <dot> found"),
    ("vm-args", .virtualMachineArguments, "vm.args:2: unknown flag +Zq"),
    ("env-home", .bootFailed, "HOME is not set, so that the VM cannot find its cookie"),
    // connections
    ("connect", .connection, "Shop.Repo could not connect to 127.0.0.1:1: connection refused"),
    (
      "connect-module", .connection,
      "Shop.Gateway could not connect: connection refused (lib/shop/faults.ex:66); to which address is not known"
    ),
    (
      "finch", .connection,
      "Shop.StandIn could not connect: no such host (lib/shop/stand_in.ex:111); to which address is not known"
    ),
    ("redix-sync", .connection, "Shop.StandIn could not connect to Redis: connection refused"),
    (
      "postgrex-pool", .connection,
      "Shop.Repo had no free connection for 2987 ms; its database is away or too slow, so application shop ended"
    ),
    // ports
    (
      "bandit", .portTaken,
      "Shop.StandIn could not listen: port 4000 was in use; no program holds it now"
    ),
    (
      "two-listeners", .portTaken,
      "Shop.Endpoint could not listen: the address is in use; no other program holds PORT 25000, so the app "
        + "listens twice, or on another port"
    ),
    // applications and their children
    (
      "raise", .applicationFailed,
      "Shop.Cache raised RuntimeError: no phrases (lib/shop/faults.ex:75)"
    ),
    (
      "nested", .applicationFailed,
      "Shop.Cache raised RuntimeError: no phrases (lib/shop/faults.ex:75)"
    ),
    ("returns-error", .applicationFailed, "Shop.Mailer did not start: :no_sender_address"),
    ("killed", .applicationFailed, "Shop.Victim was killed while it started"),
    (
      "dependency", .applicationFailed,
      "Ledger.Application.start/2 raised RuntimeError: the ledger is sealed (ledger: lib/application.ex:6)"
    ),
    (
      "start-raise", .applicationFailed,
      "Shop.Application.start/2 raised ArgumentError: no shelf is free (lib/shop/faults.ex:6)"
    ),
    (
      "start-error", .applicationFailed,
      "Shop.Application.start/2 returned the error :no_license"
    ),
    (
      "taken", .applicationFailed,
      "Shop.Application.start/2 has two children with the id Shop.Endpoint"
    ),
    (
      "badmatch", .applicationFailed,
      "Shop.Application.start/2 failed: no such file or directory (lib/shop/faults.ex:13)"
    ),
    (
      "missing-file", .applicationFailed,
      "Shop.Application.start/2 could not read /etc/shop/tariff.json: no such file or directory "
        + "(lib/shop/application.ex:11)"
    ),
    (
      "ecto-repo", .applicationFailed,
      "Shop.StandIn raised RuntimeError: could not lookup Ecto repo Shop.Repo because it was not started or it does "
        + "not exist (lib/shop/stand_in.ex:86)"
    ),
    (
      "oban-table", .applicationFailed,
      #"Shop.StandIn raised Postgrex.Error: ERROR 42P01 (undefined_table) relation "public.oban_jobs" does not "#
        + "exist (lib/shop/stand_in.ex:94)"
    ),
    // code
    (
      "undefined", .moduleMissing,
      "module Shop.Absent is not in the release, but Shop.Application.start/2 calls it "
        + "(lib/shop/application.ex:11)"
    ),
    (
      "nif-absent", .nativeCode,
      "lib/shop-0.1.0/priv/shop_absent.so is not in the release; module Shop.Native loads it"
    ),
    ("boot-gone", .bootFile, "releases/0.1.0/start.boot is not in the release"),
    // programs
    ("erts-arch", .targetMismatch, "erts-13.1.5/bin/erlexec is for aarch64; this host is x86_64"),
    (
      "erts-glibc", .targetMismatch,
      "erts-13.1.5/bin/beam.smp needs glibc 2.99; this host has 2.36"
    ),
    ("erts-mode", .notExecutable, "erts-13.1.5/bin/beam.smp is not executable (mode 644)"),
    ("erlexec-mode", .notExecutable, "erts-13.1.5/bin/erlexec is not executable (mode 644)"),
    ("start-mode", .notExecutable, "bin/shop is not executable (mode 644)"),
    (
      "no-proc", .processCommand,
      "bin/shopp is not in the slug; a script of the release calls it"
    ),
    // the release phase
    (
      "migration", .releasePhase,
      "migration 20260101120000_create_users failed: Shop.Release.migrate/0 raised Postgrex.Error: ERROR 42P07 "
        + #"(duplicate_table) relation "users" already exists (lib/shop/release.ex:9)"#
    ),
  ]

  @Test(arguments: table) func sentence(_ row: (output: String, id: ProblemID, sentence: String))
    throws
  {
    let cause = Diagnosis(Recorded.facts(row.output)).causeOfEnd()
    #expect(cause.sentence == row.sentence)
    #expect(cause.id == row.id.rawValue)
    #expect(cause.sentence.count <= 200 && !cause.sentence.contains("Elixir."))
    #expect(!cause.sentence.contains("/srv/"))
    #expect(cause.evidence.count == 1 && cause.remedy?.contains("last lines") != true)
  }

  /// The VM's words do not depend on a logger, and a logger's do not on its format.
  @Test(arguments: ["connect", "raise", "nested", "killed", "start-error", "dependency"])
  func sentenceWithoutAnyLogger(_ output: String) throws {
    let row = try #require(Self.table.first { $0.output == output })
    var facts = Recorded.facts(output)
    facts.output = facts.output.filter { $0.text.hasPrefix("Kernel pid terminated") }
    let cause = Diagnosis(facts).causeOfEnd()
    #expect(cause.sentence == row.sentence && cause.id == row.id.rawValue)
  }

  @Test(arguments: ["connect", "raise", "nested", "killed", "start-error", "dependency"])
  func sentenceFromTheCrashDumpAlone(_ output: String) throws {
    let row = try #require(Self.table.first { $0.output == output })
    var facts = Recorded.facts(output)
    facts.slogan = facts.output.first { $0.text.hasPrefix("Kernel pid terminated") }?.text
    facts.output = []
    #expect(Diagnosis(facts).causeOfEnd().sentence == row.sentence)
  }

  static let endings: [(RunStatus.Exit?, output: String, ProblemID, String)] = [
    (
      .signal(9), "raise", .killed,
      "another program killed web.1 (SIGKILL); which one is not known"
    ),
    (
      .code(137), "", .killed,
      "web.1 ended with exit code 137, which a shell returns if its program was killed (SIGKILL)"
    ),
    (nil, "raise", .runLost, "the relshim of web.1 was killed, so how the run ended is not known"),
    (.code(0), "", .bootFailed, "web.1 stopped itself (exit code 0)"),
    (.code(7), "", .bootFailed, "web.1 ended with exit code 7; it printed nothing"),
    (.code(7), "slow", .bootFailed, "web.1 ended with exit code 7; why is not known"),
    (
      .signal(11), "", .bootFailed,
      "web.1 was ended by signal 11 (SIGSEGV); it printed nothing"
    ),
    (
      .notStarted(errno: 2), "", .startFailed,
      "the command of web.1 could not be started: no such file or directory"
    ),
  ]

  @Test(arguments: endings)
  func ending(_ row: (RunStatus.Exit?, output: String, ProblemID, String)) {
    var facts = Recorded.facts(row.output)
    facts.exit = row.0
    let cause = Diagnosis(facts).causeOfEnd()
    #expect(cause.sentence == row.3 && cause.id == row.2.rawValue)
  }
}

/// What real runs of the project `stall`, which is written in Erlang, printed before they ended.
@Suite struct RecordedErlangTests {
  static let table: [(output: String, ProblemID, String)] = [
    ("connect", .connection, "stall_till could not connect to 127.0.0.1:1: connection refused"),
    (
      "match", .connection,
      "stall_till could not connect: connection refused (stall_till.erl:15); to which address is not known"
    ),
    ("stop", .applicationFailed, "stall_till did not start: no_float"),
    ("badarg", .applicationFailed, "stall_till did not start: badarg (stall_till.erl:19)"),
    ("error", .applicationFailed, "stall_app:start/2 returned the error no_licence"),
    ("raise", .applicationFailed, "stall_app:start/2 failed: {no_shelf,7} (stall_app.erl:8)"),
    (
      "undef", .moduleMissing,
      "module stall_absent is not in the release, but stall_till calls it"
    ),
    (
      "later", .applicationEnded,
      "stall_till ended: the_fuse_has_blown (stall_till.erl:27), so application stall ended"
    ),
  ]

  @Test(arguments: table) func sentence(_ row: (output: String, ProblemID, String)) throws {
    var facts = Recorded.facts("erlang-" + row.output)
    facts.otpRelease = try Recorded.erlang()
    facts.files = ["stall_app", "stall_till", "stall_sup"].map {
      Manifest.Entry(path: "lib/stall-0.1.0/ebin/\($0).beam", kind: .file)
    }
    facts.wasReady = row.output == "later"
    let cause = Diagnosis(facts).causeOfEnd()
    #expect(cause.sentence == row.2 && cause.id == row.1.rawValue)
  }
}
