import Glibc
import Posix
import ReleaseModel
import Synchronization
import TestSupport
import Testing

@testable import Buildpack

@Suite(.waitsForPrograms) struct BootCheckTests {
  @Test func bootsWithPlaceholdersForConfigVars() throws {
    let house = try Playhouse(
      start: """
        File.write!("written", "into the tree")
        """,
      runtime: """
        "ecto://" <> _ = System.fetch_env!("DATABASE_URL")
        true = byte_size(System.fetch_env!("SECRET_KEY_BASE")) >= 64
        2 = String.to_integer(System.fetch_env!("POOL_SIZE")) * 2
        false = System.get_env("ENABLE_X") == "true"
        nil = System.get_env("OPTIONAL")
        3 = String.to_integer(System.fetch_env!("ODD"))  + 2
        "Moin" = System.fetch_env!("GREETING")
        true = String.to_integer(System.fetch_env!("PORT")) > 0
        """)
    let outcome = try house.outcome { request in
      request.variables = [
        variable("DATABASE_URL"), variable("SECRET_KEY_BASE"), variable("POOL_SIZE", .conditional),
        variable("ENABLE_X"), variable("OPTIONAL", .optional), variable("ODD"), variable("PORT"),
        variable("GREETING"),
      ]
      request.appJSON = try? AppJSON(bytes: Array(#"{"env":{"GREETING":"Moin"}}"#.utf8))
    }
    expectStarted(outcome)
  }

  /// The placeholder of a variable, by its name.
  static let placeholders: [(name: String, value: String)] = [
    ("DATABASE_URL", "ecto://placeholder-database-url:placeholder-database-url@127.0.0.1:1/"),
    ("REDIS_URL", "redis://"), ("STORAGE_URL", "http://127.0.0.1:1/"),
    ("SENTRY_DSN", "http://placeholder-sentry-dsn@127.0.0.1:1/1"),
    ("SECRET_KEY_BASE", "placeholder-secret-key-base-0123456789"), ("SMTP_PORT", "1"),
    ("CALL_TIMEOUT", "10000"), ("POOL_SIZE", "1"), ("PHX_HOST", "localhost"),
    ("ADMIN_EMAIL", "placeholder-admin-email@localhost"), ("ENABLE_X", "false"),
    ("X_ENABLED", "false"), ("LOG_LEVEL", "info"), ("API_KEY", "placeholder-api-key"),
  ]

  @Test func placeholdersFollowTheNameOfTheVariable() throws {
    let checks = Self.placeholders.map { name, value in
      #"String.starts_with?(System.fetch_env!("\#(name)"), "\#(value)") || raise "\#(name)""#
    }
    let kept = ["PATH", "RELEASE_NODE", "ERL_ZFLAGS", "HOME"]
    let house = try Playhouse(
      runtime: (checks
        + kept.map { #"System.get_env("\#($0)") =~ "placeholder-\#($0)" && raise "x""# })
        .joined(separator: "\n"))
    expectStarted(
      try house.outcome { request in
        request.variables = (Self.placeholders.map(\.name) + kept).map { variable($0) }
      })
  }

  private func expectStarted(_ outcome: BootCheck.Outcome) {
    guard case .started(let applications, let milliseconds) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(applications >= 4 && milliseconds > 0)
  }

  /// Failed boots, with the end of the sentence and the facts.
  static let failures: [(start: String, runtime: String, words: [String], remedy: String)] = [
    (
      "", #"System.fetch_env!("MISSING")"#,
      ["actor does not boot: MISSING is not set"],
      "Set MISSING"
    ),
    (
      "", #"System.get_env("NEEDED") || raise "environment variable NEEDED is missing.""#,
      ["actor does not boot: NEEDED is not set (config/runtime.exs:7)"], "Set NEEDED"
    ),
    (
      #"raise "no phrases""#, "",
      ["actor does not boot: Actor.start/2 raised RuntimeError: no phrases (lib/actor.ex:4)"],
      "bin/actor start"
    ),
    ("System.halt(3)", "", ["actor does not boot: it ended with exit code 3"], "bin/actor start"),
    (
      #"System.cmd("kill", ["-9", System.pid()])"#, "",
      ["actor does not boot: another program killed it (SIGKILL)"], "dmesg"
    ),
    (
      "", "raise \"odd", ["actor does not boot: releases/", "runtime.exs:", "missing terminator"],
      "bin/actor"
    ),
  ]

  @Test(arguments: Self.failures.indices) func saysWhyItDoesNotBoot(_ index: Int) throws {
    let (start, runtime, words, remedy) = Self.failures[index]
    let cause = try Playhouse(start: start, runtime: runtime).failure {
      $0.variables = [variable("NEEDED", .optional, line: 7)]
    }
    #expect(cause.id == "RT-BUILD-REHEARSAL")
    for word in words { #expect(cause.sentence.contains(word), "\(cause)") }
    #expect(cause.remedy?.contains(remedy) == true && cause.evidence.count <= 3, "\(cause)")
  }

  @Test func namesTheFunctionInWhichABootHangs() throws {
    let cause = try Playhouse(start: "Process.sleep(:infinity)").failure { $0.limit = 10_000 }
    #expect(
      cause.sentence.hasPrefix("actor has not booted after 10 s: application actor is starting"),
      "\(cause)")
    #expect(cause.evidence.contains { $0.kind == "process" && $0.text.contains("sleep") })
  }

  @Test func aRefusedPlaceholderIsNotAFailure() throws {
    let outcome = try Playhouse(
      runtime: """
        System.fetch_env!("ROLE") in ["web", "worker"] || raise "no role: #{System.get_env("ROLE")}"
        """
    ).outcome { $0.variables = [variable("ROLE", line: 9)] }
    guard case .unclear(let cause) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(
      cause.sentence == "actor could not be checked: the placeholder for ROLE is not accepted "
        + "(config/runtime.exs:9): config/runtime.exs raised RuntimeError: no role: «ROLE»")
  }

  /// No real value is in the release's environment, and a config var of the app is not reported as missing.
  @Test func noRealValueIsUsed() throws {
    let canary = "canary-" + Random.hex(8)
    let house = try Playhouse(
      start: """
        # Only by the VM's own call: fetch_env! is what the build would have found.
        System.fetch_env!("TOKEN") =~ "canary" && raise "seen"
        for {name, value} <- System.get_env(), value =~ "canary-", do: raise "seen in #{name}"
        canary = "\(canary.prefix(12))" <> "\(canary.dropFirst(12))"
        {grep, _} = System.cmd("grep", ["-rl", canary, Path.dirname(System.get_env("HOME"))])
        grep == "" || raise "seen in #{grep}"
        """)
    expectStarted(try house.outcome { $0.config = ["TOKEN": canary, "PATH": canary] })
  }

  @Test func realValuesAreUsedWithTheSettingReal() throws {
    let server = try LoopbackServer { _ in Array("hello".utf8) }
    let house = try Playhouse(
      start: """
        "real-value" = System.fetch_env!("TOKEN")
        {:ok, s} = :gen_tcp.connect({127, 0, 0, 1}, \(server.port), [:binary, active: false])
        :gen_tcp.send(s, "hi")
        {:ok, "hello"} = :gen_tcp.recv(s, 0)
        """)
    expectStarted(
      try house.outcome { request in
        (request.config, request.mode) = (["TOKEN": "real-value"], .real)
      })
    let missing = try Playhouse(runtime: #"raise System.fetch_env!("TOKEN")"#).failure { request in
      (request.config, request.mode) = (["TOKEN": "real-value"], .real)
    }
    #expect(!"\(missing)".contains("real-value") && missing.sentence.contains("«TOKEN»"))
  }

  @Test func theReleaseReachesNoServer() throws {
    let reached = Reached()
    let server = try LoopbackServer { bytes in
      reached.note(bytes)
      return []
    }
    let house = try Playhouse(
      start: """
        {:error, reason} = :gen_tcp.connect({127, 0, 0, 1}, \(server.port), [:binary])
        File.write!("said", inspect(reason))
        {:error, _} = :gen_tcp.connect({192, 0, 2, 1}, 80, [:binary], 5000)
        {:ok, listening} = :gen_tcp.listen(0, [])
        {:ok, own} = :inet.port(listening)
        {:ok, _} = :gen_tcp.connect({127, 0, 0, 1}, own, [:binary])
        # Nor a server on a socket file.
        [] = File.ls!("/run")
        """)
    expectStarted(try house.outcome())
    // Outside of the sandbox the server answers.
    _ = try Loopback.exchange([1], port: server.port, milliseconds: 5000)
    #expect(reached.all == [[1]])
  }

  @Test func aDaemonDoesNotOutliveIt() throws {
    let house = try Playhouse(
      start: #"System.cmd("sh", ["-c", "setsid sh -c 'sleep 1000; echo x' >&2 &"])"#)
    expectStarted(try house.outcome())
  }

  @Test func withoutNamespacesOnlyTheConfigurationIsRead() throws {
    let empty = try TemporaryFolder("empty", inMemory: true)
    let house = try Playhouse(start: #"raise "started""#, runtime: #"System.fetch_env!("A")"#)
    let outcome = try house.outcome { request in
      request.searchPath = empty.path
      request.variables = [variable("A")]
    }
    #expect(outcome == checked("cannot run 'unshare': no such file or directory"))
    let cause = try house.failure { $0.searchPath = empty.path }
    #expect(
      cause.sentence
        == "actor cannot be configured: A is not set")
    // One that says no.
    try empty.write("unshare", "#!/bin/sh\necho 'unshare: no' >&2\nexit 1\n", mode: 0o755)
    let refused = try house.outcome { request in
      request.searchPath = empty.path
      request.variables = [variable("A")]
    }
    #expect(refused == checked("unshare: no"))
  }
}

/// The sandbox for different users, kinds of releases and ends of a check.
@Suite(.waitsForPrograms) struct BootSandboxTests {
  @Test func bootsReleasesOfRelx() throws {
    let house = try Playhouse(Actor.relx)
    guard case .started(let applications, _) = try house.outcome() else {
      Issue.record("\(try house.outcome())")
      return
    }
    #expect(applications == 4)
    let empty = try TemporaryFolder("empty", inMemory: true)
    let reason = "cannot run 'unshare': no such file or directory"
    #expect(try house.outcome { $0.searchPath = empty.path } == checked(reason))
  }

  /// As an unprivileged user, in a tree of that user and in a tree of another user.
  @Test(arguments: [true, false]) func worksForOwnersAndOtherUsers(_ isOwner: Bool) throws {
    let house = try Playhouse(
      start: """
        {id, 0} = System.cmd("id", ["-u"])
        File.write!("written", id)
        File.write!(Path.join(System.get_env("RELEASE_ROOT"), "lib/x"), id)
        """)
    guard User.isRoot else {
      #expect(isStarted(try house.outcome()))
      return
    }
    try Files.setMode(house.tree, 0o755)
    // A copy, since only its owner may be able to enter the workspace.
    let own = house.folder.path + "/own"
    try FileTree.copyFile(try Workspace.program("relpack"), to: own, mode: 0o755)
    try house.folder.write(
      "relpack",
      """
      #!/bin/sh
      chown -R 65534:65534 "$(dirname "$2")" \(isOwner ? house.tree : "")
      exec setpriv --reuid 65534 --regid 65534 --clear-groups \(own) "$@"
      """, mode: 0o755)
    #expect(isStarted(try house.outcome { $0.program = house.folder.path + "/relpack" }))
  }

  private func isStarted(_ outcome: BootCheck.Outcome) -> Bool {
    if case .started = outcome { return true }
    Issue.record("\(outcome)")
    return false
  }

  /// The scripts of a release may name its node in any way, or not at all.
  @Test(arguments: [
    "export RELEASE_NODE=odd@127.0.0.1", "export RELEASE_DISTRIBUTION=sname RELEASE_NODE=odd",
    "export RELEASE_DISTRIBUTION=none", "export RELEASE_MODE=interactive", "RELEASE_COOKIE=theirs",
  ]) func asTheReleaseWantsIt(_ line: String) throws {
    let house = try Playhouse()
    try File.open(house.tree + "/releases/0.1.0/env.sh", .append).write("\n\(line)\n")
    #expect(isStarted(try house.outcome()))
  }

  @Test func bootsEachOfSeveralReleases() throws {
    let house = try Playhouse()
    try Files.makeFolder(house.folder.path + "/several/rel", mode: 0o755)
    try Files.makeFolder(house.folder.path + "/several/bin", mode: 0o755)
    for name in ["actor", "other"] {
      let folder = "\(house.folder.path)/several/rel/\(name)"
      try FileTree.copy(house.tree, to: folder)
    }
    try house.folder.write("several/rel/other/start.exs", "System.halt(7)")
    let release = try #require(try house.request().releases.first)
    let results = try house.check { request in
      request.tree = house.folder.path + "/several"
      request.releases = ["actor", "other"].map { name in
        var copy = release
        (copy.name, copy.folder) = (name, "rel/\(name)")
        copy.startCommand = "rel/\(name)/bin/actor"
        return copy
      }
      // Other parts of a command, and the release phase, are not run.
      request.processes = [
        Procfile.Entry(process: "release", command: "rel/actor/bin/actor start && false"),
        Procfile.Entry(process: "web", command: "false && rel/actor/bin/actor start"),
        Procfile.Entry(process: "job", command: "env A=1 rel/other/bin/actor start"),
      ]
    }
    #expect(results.map(\.release) == ["actor", "other"])
    #expect(isStarted(results[0].outcome))
    #expect(
      results[1].problem?.sentence
        == "other does not boot: it ended with exit code 7; it printed nothing")
    #expect(BootCheckMode.warn.failure(results) == nil)
    #expect(BootCheckMode.fail.failure(results) == results[1].problem)
  }

  /// Nothing is left if relpack or its parent is killed.
  @Test(arguments: [true, false]) func aKilledCheckLeavesNothing(_ isLetGo: Bool) throws {
    let house = try Playhouse(
      start: """
        System.cmd("sh", ["-c", "setsid sleep 1000 &"])
        Process.sleep(:infinity)
        """)
    let check = try BootCheck.begin(try house.request())
    let isUp = eventually { house.leftovers.contains { $0.contains("sleep 1000") } }
    #expect(isUp)
    if isLetGo {
      check.stop()
    } else {
      let ours = ProcessTable.all().filter { process in
        let words = ProcessTable.words(of: process.pid)
        return process.parent == getpid() && words.contains(house.scratch + "/job.json")
      }
      #expect(ours.count == 1)
      for process in ours { process.identity.signal(.kill) }
      #expect(
        try check.end()
          == [BootCheck.Result(release: "", outcome: .skipped("the check ended without a result"))])
    }
    #expect(eventually { house.leftovers.isEmpty })
    #expect(!Files.exists(house.scratch))
  }
}

/// The outcome on a host without namespaces.
private func checked(_ reason: String) -> BootCheck.Outcome {
  .checked(
    reason: "the host allows no separate network for it (\(reason))",
    remedy: "RELPACK_BOOT_CHECK=network boots it all the same")
}

/// The requests that came to a server.
final class Reached: Sendable {
  private let lock = Mutex<[[UInt8]]>([])
  func note(_ bytes: [UInt8]) { lock.withLock { $0.append(bytes) } }
  var all: [[UInt8]] { lock.withLock { $0 } }
}
