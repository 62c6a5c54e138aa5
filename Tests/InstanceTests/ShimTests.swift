import Glibc
import HomeLayout
import Instance
import Posix
import TestSupport
import Testing

/// A run under the real `relshim`, with a shell script in place of a BEAM.
final class ShimRun {
  let temporary: TemporaryFolder
  let folder: RunFolder
  private let shim: Child
  private var exit: Exit?
  /// User and system time of the shim and of the processes that it waited for, in milliseconds.
  private(set) var cpu: Int64 = 0

  /// - Parameter prefix: shell words before `relshim`.
  init(
    _ script: String, grace: Int = 30, prefix: String = "", options: [String] = [],
    in temporary: TemporaryFolder? = nil
  ) throws {
    self.temporary = try temporary ?? TemporaryFolder("shim")
    folder = RunFolder(path: self.temporary.path)
    shim = try Self.start(["/bin/sh", "-c", script], folder, grace, prefix, options)
  }

  static func start(
    _ command: [String], _ folder: RunFolder, _ grace: Int = 30, _ prefix: String = "",
    _ options: [String] = []
  ) throws -> Child {
    let words = [try Workspace.program("relshim"), "--run", folder.path, "--grace", String(grace)]
    return try Child.start(
      Invocation(
        ["/bin/sh", "-c", prefix + " exec \"$0\" \"$@\""] + words + options + ["--"] + command,
        in: "/", environment: ["PATH": "/usr/bin:/bin"]),
      output: .null, errors: .null, newSession: true)
  }

  deinit {
    if exit == nil { _ = finish(.kill) }
    if let process = try? status().processIdentity { process.signal(.kill) }
  }

  func status() throws -> RunStatus {
    try RunStatus(text: String(decoding: Files.read(folder.status), as: UTF8.self))
  }

  /// The script's output. The shell may report that the signal also ended its own `sleep`.
  var lines: [String] {
    LogTail.lines(of: folder, count: 1000).map(\.text).filter { $0 != "Terminated" }
  }

  /// Waits until the script has written the line.
  func says(_ text: String) -> Bool { eventually { lines.contains(text) } }

  var shimIdentity: ProcessIdentity? { ProcessIdentity(of: shim.pid) }
  var descendants: [ProcessIdentity] {
    ProcessTable.descendants(of: shim.pid).map(\.identity)
  }

  /// Sends the shim a signal, if any, and waits for its end.
  func finish(_ signal: Signal? = nil) -> Exit {
    if let exit { return exit }
    if let signal { shim.signal(signal) }
    var (status, usage): (Int32, rusage) = (0, rusage())
    if let end = shimIdentity?.endWatch(),
      (try? Poll.isReady(Poll.Interest(end.descriptor), before: Clock.monotonic() + 60_000)) != true
    {
      shim.signal(.kill)
    }
    wait4(shim.pid, &status, 0, &usage)
    let times = [usage.ru_utime, usage.ru_stime]
    cpu = times.reduce(0) { $0 + Int64($1.tv_sec) * 1000 + Int64($1.tv_usec) / 1000 }
    let end: Exit =
      status & 0x7f == 0 ? .code(status >> 8 & 0xff) : .signal(Signal(rawValue: status & 0x7f))
    exit = end
    return end
  }
}

@Suite struct ShimTests {
  static let patient = "while :; do sleep 0.02; done"

  @Test func sigtermStopsTheRun() throws {
    let run = try ShimRun("trap 'echo bye; exit 7' TERM; echo up; echo err >&2; " + Self.patient)
    #expect(run.says("err"))
    let before = try run.status()
    #expect(before.shimIdentity == run.shimIdentity && before.processIdentity?.isAlive == true)
    #expect(before.exit == nil && before.ended == nil && !before.wasAsked)
    #expect(run.finish(.term) == .code(0))
    let status = try run.status()
    #expect(status.wasAsked && status.exit == .code(7) && status.ended != nil)
    #expect(run.lines == ["up", "err", "bye"])
    let now = Timestamp(milliseconds: Clock.now())
    let times = LogTail.lines(of: run.folder, count: 10).map(\.time) + [status.ended ?? now]
    #expect(times == times.sorted() && times.allSatisfy { (-60_000...60_000).contains($0 - now) })
  }

  @Test func runEndsByItself() throws {
    let cases: [(String, RunStatus.Exit)] = [
      ("exit 0", .code(0)), ("exit 3", .code(3)), ("kill -9 $$", .signal(9)),
      ("kill -TERM $$", .signal(15)),
    ]
    for (script, exit) in cases {
      let run = try ShimRun("printf 'no newline'; " + script)
      #expect(run.finish() == .code(0))
      let status = try run.status()
      #expect(status.exit == exit && !status.wasAsked, "\(script)")
      #expect(run.lines == ["no newline"])
    }
  }

  @Test func runIgnoringSIGTERMIsKilledAfterTheGracePeriod() throws {
    let run = try ShimRun("trap '' TERM; echo up; " + Self.patient, grace: 1)
    #expect(run.says("up"))
    let start = Clock.monotonic()
    #expect(run.finish(.term) == .code(0))
    #expect(try run.status().exit == .signal(9) && run.status().wasAsked)
    #expect((1000..<15_000).contains(Clock.monotonic() - start))
    let killed = try Files.read(run.folder.path + "/killed")
    #expect(String(decoding: killed, as: UTF8.self).hasPrefix("sh (pid "))
  }

  /// The made-up group is a folder; the kernel would move the process that writes 0.
  @Test func runIsInItsGroupBeforeItsFirstInstruction() throws {
    let group = try TemporaryFolder("group")
    try group.write("cgroup.procs", "")
    let run = try ShimRun("cat \(group.path)/cgroup.procs", options: ["--group", group.path])
    #expect(run.finish() == .code(0) && run.lines == ["0"])

    // A run that cannot be put into its group must not run outside it.
    try Files.remove(group.path + "/cgroup.procs")
    let outside = try ShimRun("echo ran", options: ["--group", group.path])
    #expect(outside.finish() == .code(69) && outside.lines == [])
    #expect(try outside.status().exit == .notStarted(errno: ENOENT))
  }

  /// All that a run starts is in its group, and `relshim` is not.
  @Test func noProcessLeavesTheGroup() throws {
    let mount = try #require(GroupTree.here().mount)
    let name = "/reltui-test-\(Random.hex(4))"
    try Files.makeFolder(mount + name, mode: 0o755)
    defer { try? Files.removeFolder(mount + name) }
    let script = """
      (setsid sh -c 'setsid sh -c "sleep 301" & sleep 302' &)
      sleep 303 & cat /proc/self/cgroup; echo up; read go < go
      """
    let temporary = try TemporaryFolder("shim")
    #expect(mkfifo(temporary.path + "/go", 0o600) == 0)
    let run = try ShimRun(
      "cd \(temporary.path); " + script, options: ["--group", mount + name], in: temporary)
    #expect(run.says("up") && run.lines.contains("0::" + name))
    #expect(eventually { run.descendants.count >= 6 })
    for process in run.descendants {
      #expect(GroupTree.here(of: process.pid).group == name)
    }
    let shim = try #require(run.shimIdentity)
    #expect(GroupTree.here(of: shim.pid).group == GroupTree.here().group)
    #expect(run.finish(.term) == .code(0))
    try Files.removeFolder(mount + name)
  }

  /// Port programs have sessions of their own.
  @Test(arguments: ["exec sleep 303", "exit 3"])
  func noProcessOutlivesTheRun(_ ending: String) throws {
    let script = "setsid sleep 301 & (setsid sh -c 'sleep 302 & wait' &); echo up; read go < go; "
    let temporary = try TemporaryFolder("shim")
    #expect(mkfifo(temporary.path + "/go", 0o600) == 0)
    let run = try ShimRun(script + ending, in: temporary)
    #expect(run.says("up"))
    #expect(eventually { run.descendants.count == 4 })
    let descendants = run.descendants
    // Opening the pipe for reading and writing does not block; the script reads from it.
    let go = try File.open(temporary.path + "/go", .update)
    try go.write("go\n")
    #expect(run.finish(ending == "exit 3" ? nil : .term) == .code(0))
    #expect(descendants.filter(\.isAlive) == [])
    if ending == "exit 3" { #expect(try run.status().exit == .code(3)) }
  }

  /// A shell runs between the shim and the programs.
  @Test func commandOfSeveralProgramsGetsSIGTERM() throws {
    let inner = "trap \"echo inner bye; exit 0\" TERM; echo up; " + Self.patient
    let run = try ShimRun("cd / && sh -c '\(inner)'; echo never")
    #expect(run.says("up"))
    #expect(run.finish(.term) == .code(0))
    #expect(run.lines.prefix(2) == ["up", "inner bye"])
    #expect(try run.status().wasAsked)
  }

  @Test func oneShimPerFolder() throws {
    let run = try ShimRun("trap 'exit 0' TERM; echo up; " + Self.patient)
    #expect(run.says("up"))
    let before = try run.status()
    #expect(try ShimRun.start(["/bin/echo", "second"], run.folder).exit() == .code(69))
    #expect(try run.status() == before && before.processIdentity?.isAlive == true)
    #expect(run.finish(.term) == .code(0))
    #expect(run.lines == ["up"])
  }

  @Test func failedStartHasItsErrno() throws {
    let temporary = try TemporaryFolder("shim")
    let folder = RunFolder(path: temporary.path)
    #expect(try ShimRun.start(["/no/such/program"], folder).exit() == .code(69))
    let observation = try RunObservation(folder)
    #expect(observation.status?.exit == .notStarted(errno: ENOENT))
    #expect(try ShimRun.start([], folder).exit() == .code(64))
  }

  @Test func observationsOfAFolder() throws {
    let temporary = try TemporaryFolder("shim")
    #expect(try RunObservation(RunFolder(path: temporary.path)) == .absent)
    let run = try ShimRun("echo up; exec sleep 300", in: temporary)
    #expect(run.says("up"))
    #expect(try RunObservation(run.folder) == .live(run.status()))
    #expect(run.finish(.kill) == .signal(.kill))
    #expect(try RunObservation(run.folder) == .lost(run.status()))
    #expect(try run.status().processIdentity?.isAlive == true)
    let ended = try ShimRun("exit 1")
    #expect(ended.finish() == .code(0))
    #expect(try RunObservation(ended.folder) == .ended(ended.status()))
  }

  @Test func longOutputIsRotated() throws {
    let temporary = try TemporaryFolder("shim")
    for number in 1...7 { try temporary.write("log/\(number)", "") }
    // 17 MB in numbered lines of 8 kB, then one line that is too long.
    let script = """
      awk 'BEGIN { pad = sprintf("%8000s", ""); for (i = 1; i <= 2200; i++) print i pad }'
      head -c 20000 /dev/zero | tr '\\0' y; echo
      """
    let run = try ShimRun(script, in: temporary)
    #expect(run.finish() == .code(0))
    #expect(try Files.list(run.folder.log) == ["5", "6", "7", "8", "9", "current"])
    for name in ["8", "9", "current"] {
      #expect(try Files.info(run.folder.log + "/" + name).map { $0.size <= 8 << 20 } == true)
    }
    let lines = LogTail.lines(of: run.folder, count: 5000)
    #expect(lines.prefix(2200).map { Int($0.text.prefix { $0 != " " }) } == Array(1...2200))
    #expect(lines.dropFirst(2200).map { $0.text.utf8.count } == [16_384, 20_000 - 16_384])
  }

  @Test func fullDiskDropsLinesButKeepsTheRun() throws {
    // A limit of 8 kB on the size of files simulates the full disk.
    let script = "i=0; while [ $i -lt 40 ]; do printf '%0500d\\n' $i; i=$((i+1)); done; exit 5"
    let run = try ShimRun(script, prefix: "ulimit -f 16;")
    #expect(run.finish() == .code(0))
    #expect(try run.status().exit == .code(5))
    let bytes = try Files.read(run.folder.currentLog)
    #expect(bytes.count <= 8192 && (bytes.isEmpty || bytes.last == UInt8(ascii: "\n")))
    let lines = run.lines.filter { $0.utf8.count == 500 }
    #expect(run.lines == lines + ["[relshim: \(40 - lines.count) lines lost, no space]"])
  }

  /// The shim must not poll an output that has ended.
  @Test func closedOutputCostsNoCPU() throws {
    let run = try ShimRun("echo up; exec >/dev/null 2>&1; sleep 1; exit 4")
    #expect(run.finish() == .code(0))
    #expect(try run.status().exit == .code(4) && run.lines == ["up"])
    #expect(run.cpu < 500, "\(run.cpu) ms of CPU in one second")
  }

  @Test func shimStartsAnAgentWhenNoneIsAlive() throws {
    let temporary = try TemporaryFolder("shim-agent")
    try temporary.write("agent", "#!/bin/sh\necho \"$@\" > \(temporary.path)/called\n", mode: 0o755)
    let options = ["--agent", temporary.path + "/agent", "--home", temporary.path]
    let called = temporary.path + "/called"
    let asked = try ShimRun("trap 'exit 0' TERM; echo up; " + Self.patient, options: options)
    #expect(asked.says("up") && asked.finish(.term) == .code(0))
    #expect(!Files.exists(called), "the run was asked to stop")
    do {
      let lock = try Lock.take(temporary.path + "/agent.lock")
      #expect(try ShimRun("exit 1", options: options).finish() == .code(0))
      #expect(!Files.exists(called), "there is an agent")
      withExtendedLifetime(lock) {}
    }
    #expect(try ShimRun("exit 1", options: options).finish() == .code(0))
    let arguments = try Files.readIfThere(called).map { String(decoding: $0, as: UTF8.self) }
    #expect(arguments == "agent start --home \(temporary.path)\n")
  }

  /// A release phase must not run a second time if the agent starts it again.
  @Test func endedRunsAreNeverStartedAgain() throws {
    let temporary = try TemporaryFolder("once")
    for _ in 1...2 {
      let shim = try ShimRun.start(
        ["/bin/sh", "-c", "echo ran >>'\(temporary.path)/count'"], RunFolder(path: temporary.path))
      _ = shim.exit()
    }
    #expect(try Files.read(temporary.path + "/count") == Array("ran\n".utf8))
  }
}
