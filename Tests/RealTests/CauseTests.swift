import Events
import HomeLayout
import Posix
import TestSupport
import Testing

/// Real releases that fail, are slow or are healthy, deployed by the real agent, each with its sentence.
@Suite(.serialized, .hasOwnThread) struct CauseTests {
  /// A deployment and its outcome: the config vars, and the sentence. In it `*` stands for any text; nil means that
  /// the deployment succeeds.
  struct Row: Sendable {
    var fault: String
    var more: [String] = []
    var sentence: String?

    init(_ fault: String, _ sentence: String?) { self.init(fault, [], sentence) }

    init(_ fault: String, _ more: [String], _ sentence: String?) {
      (self.fault, self.more, self.sentence) = (fault, more, sentence)
    }

    var app: String {
      ([fault] + more.map { $0.split(separator: "=").last.map(String.init) ?? "" })
        .filter { $0.utf8.allSatisfy { $0 < 128 } }.joined(separator: "-")
        .replacing("_", with: "-")
    }
  }

  /// With a letter beyond ASCII in it, the VM prints its last words as numbers.
  static let secret = "schlüssel-7f3a9"
  static let connect = "Shop.Repo could not connect to 127.0.0.1:1: connection refused"
  static let raise = "Shop.Cache raised RuntimeError: no phrases (lib/shop/faults.ex:*)"

  /// Runs of the project `shop` that end by themselves.
  static let shop: [Row] = [
    Row("none", nil),
    Row("slow", nil),
    Row("fetch", "SHOP_SECRET is not set (config/runtime.exs:10)"),
    Row("phoenix", "SECRET_KEY_BASE is not set (config/runtime.exs:13)"),
    Row("lib", "SHOP_TOKEN is not set (lib/shop/faults.ex:5)"),
    Row("config", "config/runtime.exs raised RuntimeError: the shop is closed on Sundays"),
    Row(
      "number",
      "config/runtime.exs raised ArgumentError: 1st argument: not a textual representation of an integer"
    ),
    Row("compile", ":tax of application shop differs from its value at compile time: 19, now 7"),
    Row("connect", connect),
    Row(
      "match",
      "Shop.Gateway could not connect: connection refused (lib/shop/faults.ex:*); to which address is not known"
    ),
    Row("raise", raise),
    Row("nested", raise),
    Row("stop", "Shop.Mailer did not start: :no_sender_address"),
    Row("secret", ["SIGNKEY=\(secret)"], #"Shop.Door did not start: {:bad_key, "«SIGNKEY»"}"#),
    Row("killed", "Shop.Victim was killed while it started"),
    Row(
      "depend",
      "Ledger.Application.start/2 raised RuntimeError: the ledger is sealed (ledger: lib/application.ex:*)"
    ),
    Row("error", "Shop.Application.start/2 returned the error :no_license"),
    Row(
      "raise2",
      "Shop.Application.start/2 raised ArgumentError: no shelf is free (lib/shop/faults.ex:*)"),
    Row(
      "undef",
      "module Shop.Absent is not in the release, but Shop.Application.start/2 calls it (lib/shop/application.ex:*)"
    ),
    Row(
      "nomatch", "Shop.Application.start/2 failed: no such file or directory (lib/shop/faults.ex:*)"
    ),
    Row(
      "file",
      "Shop.Application.start/2 could not read /etc/shop/tariff.json: no such file or directory (lib/shop/*)"
    ),
    Row(
      "listen2",
      "Shop.Endpoint could not listen: the address is in use; no other program holds PORT *, so the app listens twice, "
        + "or on another port"),
    Row(
      "pg_pool", "Shop.Repo had no free connection for 2987 ms; its database is away or too slow*"),
    Row(
      "ecto",
      "Shop.StandIn raised RuntimeError: could not lookup Ecto repo Shop.Repo because it was not started or it does "
        + "not exist (lib/shop/stand_in.ex:*)"),
    Row(
      "oban_c",
      "Shop.StandIn raised RuntimeError: No Oban instance named `Oban` is running and config isn't available. "
        + "(lib/shop/stand_in.ex:*)"),
    Row(
      "oban_t",
      #"Shop.StandIn raised Postgrex.Error: ERROR 42P01 (undefined_table) relation "public.oban_jobs" does not exist "#
        + "(lib/shop/stand_in.ex:*)"),
    Row("redix_s", "Shop.StandIn could not connect to Redis: connection refused"),
    Row(
      "finch",
      "Shop.StandIn could not connect: no such host (lib/shop/stand_in.ex:*); to which address is not known"
    ),
    Row(
      "migrate",
      "migration 20260101120000_create_users failed: Shop.Release.migrate/0 raised Postgrex.Error: ERROR 42P07 "
        + #"(duplicate_table) relation "users" already exists (lib/shop/release.ex:*)"#),
    Row(
      "full",
      "Shop.Application.start/2 could not write to /dev/full: no space left on device (lib/shop/*)"),
    Row("exit0", "web.1 stopped itself (exit code 0)"),
    Row("exit7", "web.1 ended with exit code 7; it printed nothing"),
    Row("flood", connect),
    Row(
      "later",
      "Shop.Fuse raised RuntimeError: the fuse has blown (lib/shop/faults.ex:*), so application shop ended*"
    ),
    Row(
      "task",
      "Shop.Errand.run/0 raised RuntimeError: the errand failed (lib/shop/faults.ex:*), so application shop ended*"
    ),
    Row(
      "nif_absent",
      "lib/shop-0.1.0/priv/shop_absent.so is not in the release; module Shop.Native loads it"),
    Row("kill9", "another program killed web.1 (SIGKILL); which one is not known"),
    Row("connect", ["LOG_FORMAT=coloured"], connect),
    Row("connect", ["LOG_FORMAT=json"], connect),
    Row("connect", ["LOG_FORMAT=multiline"], connect),
    Row("connect", ["LOG_FORMAT=bare"], connect),
    Row("connect", ["LOG_LEVEL=none"], connect),
    Row("raise", ["LOG_FORMAT=coloured"], raise),
    Row("raise", ["LOG_FORMAT=json"], raise),
    Row("raise", ["LOG_FORMAT=multiline"], raise),
    Row("raise", ["LOG_LEVEL=none"], raise),
    Row(
      "later", ["LOG_FORMAT=json"],
      "Shop.Fuse raised RuntimeError: the fuse has blown (lib/shop/faults.ex:*)*"),
    Row("later", ["LOG_FORMAT=multiline"], "Shop.Fuse raised RuntimeError: the fuse has blown*"),
    Row(
      "later", ["LOG_LEVEL=none"],
      "application shop ended, and the VM with it; no log says why*"),
  ]

  /// Runs of the project `shop` that live and do not get ready.
  static let waiting: [Row] = [
    Row("hang", "application shop has not started after 60 s: Shop.Sleeper waits in *"),
    Row(
      "hang2",
      "application shop has not started after 60 s: Shop.Application waits in Shop.Application.start/2 (lib/shop/*)"
    ),
    Row("silent", "nothing listens on PORT * even after 60 s"),
    Row("wrong_host", "nothing listens on PORT * even after 60 s; the app listens on 127.0.0.2:*"),
    Row("wrong_port", "nothing listens on PORT * even after 60 s; the app listens on 127.0.0.1:*"),
    Row(
      "http_500",
      "Shop.Endpoint raised RuntimeError: the till is empty (lib/shop/endpoint.ex:12), so GET /health answers 500 even "
        + "after 60 s"),
    Row(
      "db_away",
      "Postgres at 127.0.0.1:5432 does not answer, so GET /health answers 500 even after 60 s"),
    Row(
      "db_pass",
      "Postgres refuses the connection (password authentication failed for user \"shop\"), so GET /health answers 500 "
        + "even after 60 s"),
    Row(
      "db_name",
      "Postgres at db.shop.internal:5432 has no address (no such host), so GET /health answers 500 even after 60 s"
    ),
    Row(
      "rd_away",
      "Redis at 127.0.0.1:6379 does not answer, so GET /health answers 500 even after 60 s"
    ),
    Row("http_404", "GET /health answers 404 even after 60 s: Not Found"),
    Row("http_503", "GET /health answers 503 even after 60 s: warming up the ovens"),
    Row("moved", "GET /health is redirected to https://shop.example/health (301) even after 60 s"),
    Row("http_slow", "GET /health gets no answer in 2 s even after 60 s"),
  ]

  /// Runs of the project `stall`, which is written in Erlang.
  static let stall: [Row] = [
    Row("none", nil),
    Row("connect", "stall_till could not connect to 127.0.0.1:1: connection refused"),
    Row(
      "match",
      "stall_till could not connect: connection refused (stall_till.erl:*); to which address is not known"
    ),
    Row("stop", "stall_till did not start: no_float"),
    Row("badarg", "stall_till did not start: badarg (stall_till.erl:*)"),
    Row("error", "stall_app:start/2 returned the error no_licence"),
    Row("raise", "stall_app:start/2 failed: {no_shelf,7} (stall_app.erl:*)"),
    Row("undef", "module stall_absent is not in the release, but stall_till calls it"),
    Row(
      "later",
      "stall_till ended: the_fuse_has_blown (stall_till.erl:*), so application stall ended*"
    ),
  ]

  /// Changes of a built release of `shop`, as shell commands in its folder, and the sentence.
  static let trees: [(name: String, change: String, sentence: String)] = [
    (
      "nif-arch",
      """
      echo 'int x;' | cc -shared -x c - -o lib/shop-0.1.0/priv/shop_arch.so
      printf '\\267\\0' | dd of=lib/shop-0.1.0/priv/shop_arch.so bs=1 seek=18 conv=notrunc
      """, "lib/shop-0.1.0/priv/shop_arch.so is for aarch64; this host is *"
    ),
    (
      "nif-new",
      """
      echo '#include <stdlib.h>\nvoid *f() { return malloc(1); }' | cc -fPIC -shared -x c - -o lib/shop-0.1.0/priv/shop_new.so
      sed -i 's/GLIBC_2\\.2\\.5/GLIBC_2.99\\x00/' lib/shop-0.1.0/priv/shop_new.so
      """, "lib/shop-0.1.0/priv/shop_new.so needs glibc 2.99; this host has 2.*"
    ),
    (
      "temporary",
      """
      echo 'export RELEASE_TMP=/proc/nowhere' >> releases/0.1.0/env.sh
      sed -i 's/reboot_system_after_config => false/reboot_system_after_config => true/' releases/0.1.0/sys.config
      """,
      "the release could not write its run-time configuration to releases/0.1.0/sys.config: *"
    ),
    (
      "erts-arch",
      #"for f in erts-*/bin/beam.smp; do printf '\267\0' | dd of=$f bs=1 seek=18 conv=notrunc; done"#,
      "erts-*/bin/beam.smp is for aarch64; this host is *"
    ),
    (
      "erts-new", "sed -i 's/GLIBC_2\\.34/GLIBC_2.99/' erts-*/bin/beam.smp",
      "erts-*/bin/beam.smp needs glibc 2.99; this host has 2.*"
    ),
    (
      "erts-mode", "chmod 644 erts-*/bin/beam.smp",
      "erts-*/bin/beam.smp is not executable (mode 644)"
    ),
    ("start-mode", "chmod 644 bin/shop", "bin/shop is not executable (mode 644)"),
    ("boot-gone", "rm releases/*/start.boot", "releases/0.1.0/start.boot is not in the release"),
    (
      "boot-cut", "truncate -s 2000 releases/*/start.boot",
      "releases/0.1.0/start.boot: the input ends *"
    ),
    (
      "module-gone", "rm lib/ledger-*/ebin/Elixir.Ledger.beam",
      "module Ledger (application ledger) is not in the release"
    ),
    (
      "module-cut", "truncate -s 500 lib/ledger-*/ebin/Elixir.Ledger.beam",
      "module Ledger (application ledger) cannot be loaded: its file is damaged, or made by a newer compiler"
    ),
    (
      "flag", "printf '+P 200000\\n\\n+Zq\\n' > releases/0.1.0/vm.args",
      "vm.args:3: unknown flag +Zq"
    ),
    (
      "flag-value", "printf '+P many\\n' > releases/0.1.0/vm.args",
      "vm.args:1: bad number of processes many"
    ),
    (
      "sys-config", "echo '[{shop, [{tax, 19}]' > releases/0.1.0/sys.config",
      "releases/0.1.0/sys.config: no ending <dot> found"
    ),
    (
      "syntax", "printf 'import Config\\n\\nif true do\\n' > releases/0.1.0/runtime.exs",
      "releases/0.1.0/runtime.exs:4: missing terminator: end *"
    ),
    (
      "home", "echo 'unset HOME' >> releases/0.1.0/env.sh",
      "HOME is not set, so that the VM cannot find its cookie"
    ),
    (
      "cookie", "echo 'unset RELEASE_COOKIE' >> releases/0.1.0/env.sh; rm -f releases/COOKIE",
      "the release has no cookie: RELEASE_COOKIE is not set and there is no releases/COOKIE"
    ),
    (
      "script", "echo 'bin/absent || exit 3' >> releases/0.1.0/env.sh",
      "bin/absent is not in the slug; a script of the release calls it"
    ),
    (
      "program", "echo 'web: bin/shopp start' > Procfile",
      "Procfile: web starts 'bin/shopp', which the slug does not have"
    ),
  ]

  // MARK: - Runs

  let stage: Stage

  init() throws { stage = try Stage("cause") }

  private func slug(of project: String) throws -> String {
    try FileTree.copy(
      Workspace.root + "/Tests/Fixtures/projects/" + project, to: stage.folder.path + "/" + project)
    let built = try stage.relctl("build", stage.folder.path + "/" + project, "--json")
    try #require(built.exit == .code(0), "\(built.errors)\(built.output)")
    return try #require(
      try stage.events().last { $0.type == .slugStored }?.data.slug, "\(built.output)")
  }

  /// Deploys each row to an app of its own, some at a time, and compares what `relctl` says.
  private func check(_ rows: [Row], _ slug: String, atOnce: Int) throws {
    for start in stride(from: 0, to: rows.count, by: atOnce) {
      let some = Array(rows[start..<min(start + atOnce, rows.count)])
      let answers = Threads.collect(some.count) { index in
        (some[index], Result { try deploy(some[index], slug) })
      }
      for (row, answer) in answers { try compare(row, try answer.get()) }
    }
  }

  private func deploy(_ row: Row, _ slug: String) throws -> Stage.Answer {
    let config = ["FAULT=\(row.fault)"] + row.more
    _ = try stage.run("relctl", ["config", row.app, "set"] + config)
    let answer = try stage.relctl("deploy", row.app, slug)
    try stage.relctl("stop", row.app, "--detach")
    return answer
  }

  private func compare(_ row: Row, _ answer: Stage.Answer) throws {
    let name = "\(row.fault) \(row.more)"
    guard let sentence = row.sentence else {
      #expect(answer.exit == .code(0), "\(name): \(answer.errors)")
      return
    }
    let line = answer.errors.split(separator: "\n").first.map(String.init) ?? ""
    #expect(answer.exit == .code(1), "\(name): \(answer.output)")
    #expect(Self.fits(line, "relctl: \(sentence) [RT-*]"), "\(name): \(line)")
    // The sentence is told once.
    let words = line.dropFirst(8).prefix { $0 != "[" }
    #expect(!answer.output.contains(words), "\(name): \(answer.output)")
  }

  /// Whether a text is as a pattern says, in which `*` stands for any text.
  static func fits(_ text: String, _ pattern: String) -> Bool {
    let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
    var rest = text[...]
    for (index, part) in parts.enumerated() where !part.isEmpty {
      let found =
        index == parts.count - 1
        ? (rest.hasSuffix(part) ? rest.endIndex..<rest.endIndex : nil) : rest.firstRange(of: part)
      guard let found, index > 0 || found.lowerBound == text.startIndex else { return false }
      rest = rest[found.upperBound...]
    }
    return true
  }

  @Test func releasesOfElixirThatEnd() throws {
    try check(Self.shop, try slug(of: "shop"), atOnce: 3)
    // The ids and facts of a day can be counted.
    let failed = try stage.events().filter { $0.type == .deploymentFailed }
    let ids = Dictionary(grouping: failed) { $0.data.cause?.id ?? "" }.mapValues(\.count)
    #expect((ids["RT-CONNECTION"] ?? 0) >= 8 && (ids["RT-CONFIG-MISSING"] ?? 0) == 3, "\(ids)")
    #expect(failed.allSatisfy { $0.data.cause?.facts["ending"] != nil })
    let causes = failed.compactMap(\.data.cause).map { "\($0)" }
    #expect(!causes.contains { $0.contains("7f3a9") || $0.contains("115,99") })
  }

  @Test func releasesOfElixirThatDoNotGetReady() throws {
    try check(Self.waiting, try slug(of: "shop"), atOnce: Self.waiting.count)
  }

  @Test func releasesOfErlang() throws {
    try check(Self.stall, try slug(of: "stall"), atOnce: 3)
  }

  @Test func aPortThatAnotherProgramHolds() throws {
    let server = try LoopbackServer { _ in [] }
    let row = Row(
      "bandit", ["OTHER_PORT=\(server.port)"],
      "port \(server.port) is held by pid \(Program.processID) (*)")
    try check([row], try slug(of: "shop"), atOnce: 1)
  }

  @Test func damagedReleases() throws {
    let release = stage.folder.path + "/built"
    try FileTree.copy(Workspace.root + "/Tests/Fixtures/projects/shop", to: release)
    let built = try Invocation(
      ["mix", "release", "--quiet"], in: release,
      environment: stage.environment.merging(["MIX_ENV": "prod"]) { $1 }
    ).run(limit: 120_000)
    try #require(built.isSuccess, "\(built.text)")
    let rows = Self.trees
    for start in stride(from: 0, to: rows.count, by: 3) {
      let some = Array(rows[start..<min(start + 3, rows.count)])
      let answers = Threads.collect(some.count) { index in
        (some[index], Result { try deploy(some[index], release) })
      }
      for (row, answer) in answers {
        let answer = try answer.get()
        let line = answer.errors.split(separator: "\n").first.map(String.init) ?? ""
        #expect(answer.exit != .code(0), "\(row.name)")
        #expect(
          Self.fits(line, "relctl: \(row.sentence) [RT-*]"), "\(row.name): \(answer.errors)")
      }
    }
  }

  /// Deploys a copy of a built release that was changed.
  private func deploy(_ row: (name: String, change: String, sentence: String), _ release: String)
    throws -> Stage.Answer
  {
    let tree = stage.folder.path + "/tree-" + row.name
    let copy =
      "cp -r \(release)/_build/prod/rel/shop \(tree) && cd \(tree) && cp \(release)/app.json ."
    let made = try Invocation(
      ["/bin/sh", "-c", "\(copy) && { \(row.change); }"], environment: stage.environment
    ).run(errors: .null)
    try #require(made.isSuccess)
    // The module loads its library only then.
    if row.name.hasPrefix("nif") {
      let fault = "FAULT=" + row.name.replacing("-", with: "_")
      _ = try stage.relctl("config", "tree-" + row.name, "set", fault)
    }
    return try stage.relctl("deploy", "tree-" + row.name, tree)
  }

  /// The log folder of a release of Erlang cannot be written.
  @Test func aLogThatCannotBeWritten() throws {
    let config =
      "[{kernel, [{logger, [{handler, default, logger_std_h, #{config => #{file => \"/proc/nowhere/x.log\"}}}]}]}].\n"
    try FileTree.copy(
      Workspace.root + "/Tests/Fixtures/projects/stall", to: stage.folder.path + "/stall")
    try Files.replace(stage.folder.path + "/stall/config/sys.config", with: Array(config.utf8))
    let answer = try stage.relctl("deploy", "stall", stage.folder.path + "/stall")
    #expect(answer.exit == .code(1))
    #expect(
      answer.errors.hasPrefix(
        "relctl: the VM's kernel could not open /proc/nowhere/x.log: no such file or directory "),
      "\(answer.errors)")
  }

  /// The old release serves while the new one fails, and the operator is told soon after the fact.
  @Test func theOldReleaseServesMeanwhile() throws {
    let slug = try slug(of: "shop")
    _ = try stage.relctl("config", "shop", "set", "FAULT=none")
    let deployed = try stage.relctl("deploy", "shop", slug)
    try #require(deployed.exit == .code(0), "\(deployed.errors)")
    let before = try stage.ready()
    for (fault, sentence) in [("connect", Self.connect), ("raise", Self.raise)] {
      let failed = try stage.relctl("config", "shop", "set", "FAULT=\(fault)")
      let told = Timestamp(milliseconds: Clock.now())
      #expect(failed.exit == .code(1))
      #expect(Self.fits(failed.errors, "relctl: \(sentence) [RT-*"), "\(failed.errors)")
      let fact = try #require(try stage.events().last { $0.type == .instanceCrashed })
      #expect(told - fact.time < 3000)
      #expect(try stage.ready().map(\.pid) == before.map(\.pid))
    }
    // The name of the node is taken, by the release before.
    let tree = stage.folder.path + "/fixed"
    try FileTree.copy(stage.home.slugs + "/\(slug)/tree", to: tree)
    try Files.remove(tree + "/.reltui")
    let script = tree + "/releases/0.1.0/env.sh"
    let words = try Files.read(script) + Array("export RELEASE_NODE=fixed@127.0.0.1\n".utf8)
    try Files.remove(script)
    try Files.replace(script, with: words, mode: 0o755)
    _ = try stage.relctl("config", "fixed", "set", "FAULT=none")
    #expect(try stage.relctl("deploy", "fixed", tree).exit == .code(0))
    let second = try stage.relctl("config", "fixed", "set", "MORE=1")
    #expect(
      second.errors.hasPrefix("relctl: another node has the name fixed@127.0.0.1 already ["),
      "\(second.errors)")
  }

  /// A child that does not end keeps its VM from ending; then the VM is killed, and that is told.
  @Test func aChildThatDoesNotEnd() throws {
    _ = try stage.relctl("config", "shop", "set", "FAULT=wont_end", "RELTUI_STOP_GRACE=2")
    let deployed = try stage.relctl("deploy", "shop", try slug(of: "shop"), "--until", "ready")
    try #require(deployed.exit == .code(0), "\(deployed.errors)")
    _ = try stage.relctl("stop", "shop")
    let stopped = try #require(try stage.events().last { $0.type == .instanceStopped })
    let cause = try #require(stopped.data.cause)
    #expect(cause.id == ProblemID.stopKilled.rawValue)
    #expect(
      Self.fits(
        cause.sentence,
        "web.1 of v1 did not end in its grace period and was killed: *beam.smp*"),
      "\(cause.sentence)")
  }
}
