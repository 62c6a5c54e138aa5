import Glibc
import Posix
import TestSupport
import Testing

@Suite struct InvocationTests {
  static func shell(_ script: String, in directory: String? = nil) -> Invocation {
    Invocation(
      ["sh", "-c", script], in: directory, environment: ["PATH": "/usr/bin:/bin", "GREETING": "hi"])
  }

  @Test func endsAndOutputs() throws {
    let cases: [(String, Exit, String)] = [
      ("exit 0", .code(0), ""),
      ("exit 3", .code(3), ""),
      ("exit 255", .code(255), ""),
      ("kill -9 $$", .signal(.kill), ""),
      ("kill -TERM $$", .signal(.term), ""),
      ("echo a; echo b >&2; echo c", .code(0), "a\nb\nc\n"),
      ("echo $GREETING; echo ${HOME-none}", .code(0), "hi\nnone\n"),
      ("cat", .code(0), ""),
      ("cd /; pwd", .code(0), "/\n"),
    ]
    for (script, exit, output) in cases {
      let result = try Self.shell(script).run()
      #expect(result.exit == exit && result.text == output, "\(script): \(result)")
    }
    #expect(try Self.shell("pwd", in: "/usr").run().text == "/usr\n")
    #expect(try Self.shell("echo a; echo b >&2").run(errors: .null).text == "a\n")
    let much = try Self.shell("head -c 3000000 /dev/zero").run()
    #expect(much.output.count == 3_000_000)
  }

  @Test func whatCannotBeStarted() throws {
    let environment = ["PATH": "/usr/bin:/bin"]
    let cases: [(Invocation, PosixError)] = [
      (
        Invocation(["no-such-program"], environment: environment),
        PosixError("run", "no-such-program", .noSuchFile)
      ),
      (Invocation(["sh"], environment: [:]), PosixError("run", "sh", .noSuchFile)),
      (Invocation([], environment: environment), PosixError("run", "", .noSuchFile)),
      (
        Invocation(["/etc/passwd"], environment: [:]),
        PosixError("run", "/etc/passwd", .accessDenied)
      ),
      (
        Invocation(["/bin/sh"], in: "/no/such", environment: [:]),
        PosixError("run", "/bin/sh", .noSuchFile)
      ),
    ]
    for (invocation, error) in cases { #expect(throws: error) { try invocation.run() } }
  }

  /// The second one shows no life any more but for being there.
  @Test(arguments: ["exec sleep 60", "exec >/dev/null 2>&1; exec sleep 60"])
  func theLimitKills(_ script: String) throws {
    let start = Clock.monotonic()
    let result = try Self.shell("echo first; " + script).run(limit: 300)
    #expect(result.exit == .signal(.kill) && result.text == "first\n")
    #expect(Clock.monotonic() - start < 20_000)
    #expect(try Self.shell("exec >&- 2>&-; exit 4").run(limit: 20_000).exit == .code(4))
  }
}

@Suite struct ChildTests {
  /// Descriptors of ours that are not closed by exec(2), low and high.
  @Test func nothingIsHandedDownButThreeStreams() throws {
    var opened = [open("/dev/null", O_RDONLY), open("/dev/null", O_RDONLY)]
    opened.append(fcntl(opened[0], F_DUPFD, 200))
    defer { for descriptor in opened { close(descriptor) } }
    #expect(opened.allSatisfy { $0 > 2 })
    let script = "n=0; while [ $n -lt 260 ]; do [ -e /proc/$$/fd/$n ] && echo $n; n=$((n+1)); done"
    #expect(try InvocationTests.shell(script).run().text == "0\n1\n2\n")
  }

  @Test func signalsAreAsInAFreshProcess() async {
    await #expect(processExitsWith: .success) {
      Signals.turnWriteFailuresIntoErrors()
      let signals = try Signals([.term, .chld])
      let result = try InvocationTests.shell("grep -E 'Sig(Blk|Ign)' /proc/self/status").run()
      let sets = result.text.split(separator: "\n").map { UInt64($0.suffix(16), radix: 16) }
      // glibc keeps signals 32 and up for itself and leaves them ignored in what posix_spawn(3) starts.
      #expect(sets.map { $0.map { $0 & 0x7fff_ffff } } == [0, 0])
      raise(SIGTERM)
      #expect(try Poll.wait([signals.file.descriptor], milliseconds: 5000) != [])
      #expect([signals.next(), signals.next()].contains(.term))
    }
  }

  @Test func aSessionOfItsOwn() throws {
    let (reading, writing) = try File.pipe()
    let child = try Child.start(
      InvocationTests.shell("cut -d' ' -f6 /proc/$$/stat"), output: .file(writing),
      newSession: true)
    #expect(child.exit() == .code(0))
    let session = String(decoding: try reading.read(upTo: 100, within: 60_000), as: UTF8.self)
    #expect(session == "\(child.pid)\n")
    #expect(session != "\(getsid(0))\n")
  }
}

@Suite struct ProcessIdentityTests {
  static func sleeper() throws -> Child {
    try Child.start(InvocationTests.shell("exec sleep 60"), output: .null, errors: .null)
  }

  @Test func aReusedNumberIsAnotherProcess() throws {
    let child = try Self.sleeper()
    defer { _ = child.exit() }
    let identity = try #require(ProcessIdentity(of: child.pid))
    let former = ProcessIdentity(pid: child.pid, started: identity.started - 1)
    #expect(identity.isAlive && !former.isAlive)
    #expect(!former.signal(.kill))
    #expect(former.endWatch() == nil)
    #expect(identity.isAlive, "the signal for its predecessor reached it")
    #expect(identity.signal(.kill))
    // It was not waited for yet, so it is a zombie.
    #expect(eventually { !identity.isAlive })
    #expect(ProcessTable.stat(child.pid)?.state == "Z")
  }

  @Test func theEndIsSeen() throws {
    let child = try Self.sleeper()
    let identity = try #require(ProcessIdentity(of: child.pid))
    let watch = try #require(identity.endWatch())
    #expect(try Poll.wait([watch.descriptor], milliseconds: 0) == [])
    child.signal(.term)
    #expect(try Poll.wait([watch.descriptor], milliseconds: 10_000) == [watch.descriptor])
    #expect(child.exit() == .signal(.term))
    #expect(identity.endWatch() == nil && ProcessIdentity(of: child.pid) == nil)
  }

  @Test func descendantsToTheLast() throws {
    let (reading, writing) = try File.pipe()
    let script = "sh -c 'setsid sleep 61 & sleep 62 & echo x; wait' ; :"
    let child = try Child.start(InvocationTests.shell(script), output: .file(writing))
    _ = try reading.read(upTo: 10, within: 60_000)
    #expect(eventually { ProcessTable.descendants(of: child.pid).count == 3 })
    #expect(ProcessTable.endDescendants(of: child.pid))
    child.signal(.kill)
    _ = child.exit()
  }
}

@Suite struct EndAllTests {
  /// A shell with this in its environment, and what it starts.
  private static func start(_ mark: String, _ script: String) throws -> Child {
    let (reading, writing) = try File.pipe()
    let child = try Child.start(
      Invocation(
        ["sh", "-c", script], environment: ["PATH": Invocation.standardPath, "MARK": mark]),
      output: .file(writing), newSession: true)
    #expect(try reading.read(upTo: 1, within: 60_000).count == 1)
    return child
  }

  private static func has(_ mark: String, _ process: ProcessTable.Stat) -> Bool {
    ProcessTable.environment(of: process.pid).contains("MARK=" + mark)
  }

  /// Among them a process in a session of its own, one that ignores SIGTERM, and one that goes on starting others.
  @Test func thoseThatAreMeantAndNoOthers() throws {
    let (mark, other) = (Random.id(), Random.id())
    let spared = try Self.start(other, "echo; exec sleep 60")
    let child = try Self.start(
      mark,
      """
      setsid sleep 60 &
      trap '' TERM
      (n=0; while [ $n -lt 300 ]; do sleep 60 & n=$((n+1)); done) &
      echo
      wait
      """)
    // The leaving parts of a storm of processes are reaped by the host's first process, at its own pace.
    #expect(ProcessTable.endAll(within: 20_000) { Self.has(mark, $0) })
    #expect(child.exit() == .signal(.kill))
    #expect(!ProcessTable.all().contains { !$0.hasEnded && Self.has(mark, $0) })
    #expect(ProcessIdentity(of: spared.pid)?.isAlive == true)
    spared.signal(.kill)
    #expect(spared.exit() == .signal(.kill))
  }

  /// One for which nothing has waited is a zombie, and has ended.
  @Test func aZombieHasEnded() throws {
    let mark = Random.id()
    let child = try Self.start(mark, "echo; exec sleep 60")
    #expect(ProcessTable.endAll { $0.pid == child.pid })
    #expect(ProcessTable.stat(child.pid)?.hasEnded == true)
    _ = child.exit()
  }

  @Test func neverThisProcess() {
    #expect(ProcessTable.endAll { $0.pid == Program.processID })
  }
}

@Suite struct StrangersFilesTests {
  /// A process that sees a folder as its root, and lives until it is killed.
  static func imprisoned(in folder: String) throws -> Child {
    let script = "import os,sys,time; os.chroot(sys.argv[1]); print(flush=True); time.sleep(600)"
    let (reading, writing) = try File.pipe()
    let child = try Child.start(
      Invocation(["python3", "-c", script, folder], environment: Environment.current),
      output: .file(writing))
    #expect(try reading.read(upTo: 1, within: 60_000).count == 1)
    return child
  }

  @Test func noLinkLeadsOutOfTheRoot() throws {
    try #require(User.isRoot, "this test needs root, to give a process another root")
    let folder = try TemporaryFolder("root")
    try folder.write("etc/passwd", "inside")
    try folder.write("home/file", "own")
    for (target, name) in [("/etc", "absolute"), ("../../../../etc", "relative")] {
      try Files.symbolicLink(to: target, at: folder.path + "/" + name)
    }
    try Files.symbolicLink(to: "/proc/self/root/etc/passwd", at: folder.path + "/last")
    let child = try Self.imprisoned(in: folder.path)
    defer {
      child.signal(.kill)
      _ = child.exit()
    }
    let cases: [(String, Errno?, String)] = [
      ("/home/file", nil, "own"), ("/absolute/passwd", nil, "inside"),
      ("/relative/passwd", nil, "inside"), ("/home/../../../etc/passwd", nil, "inside"),
      ("/last", Errno(rawValue: ELOOP), ""), ("/none", .noSuchFile, ""),
    ]
    for (path, reason, content) in cases {
      do throws(PosixError) {
        let file = try File.open(path, inRootOf: child.pid)
        let bytes = try file.readToEnd()
        #expect(reason == nil && String(decoding: bytes, as: UTF8.self) == content, "\(path)")
        #expect(try file.info().kind == .file)
      } catch { #expect(error == reason.map { PosixError("read", path, $0) }) }
    }
    #expect(throws: PosixError("read", "/home/file", .notADirectory)) {
      try File.open("/home/file", inRootOf: child.pid, isFolder: true)
    }
    #expect(throws: PosixError.self) { try File.open("/etc/passwd", inRootOf: 0) }
  }

  @Test func whatAProcessIs() throws {
    let child = try Child.start(
      Invocation(["/bin/sleep", "600", "0", "0"], environment: [:]))
    defer {
      child.signal(.kill)
      _ = child.exit()
    }
    // execve(2) closes descriptors, by which a start is known to have worked, before it sets the name and the words.
    #expect(eventually { ProcessTable.words(of: child.pid) == ["/bin/sleep", "600", "0", "0"] })
    #expect(ProcessTable.name(of: child.pid) == "sleep" && ProcessTable.pids().contains(child.pid))
    #expect(ProcessTable.words(of: child.pid, limit: 10) == ["/bin/sleep"])
    #expect(ProcessTable.user(of: child.pid) == User.id)
    let process = try #require(ProcessIdentity(of: child.pid))
    #expect(abs(ProcessTable.bootMoment() + process.sinceBoot - Clock.now()) < 60_000)
    #expect(ProcessIdentity(pid: 1, started: 250).sinceBoot == 2500)
    #expect(ProcessIdentity(pid: 1, started: .max).sinceBoot > 0)
    // Like a setuid program: its words may come from another user.
    try #require(User.isRoot, "this test needs root, to run a program as another user")
    let mixed = try Child.start(
      Invocation(
        ["setpriv", "--ruid=65534", "--clear-groups", "/bin/sleep", "600"],
        environment: ["PATH": Invocation.standardPath]))
    defer {
      mixed.signal(.kill)
      _ = mixed.exit()
    }
    #expect(eventually { ProcessTable.name(of: mixed.pid) == "sleep" })
    #expect(ProcessTable.user(of: mixed.pid) == nil)
    #expect(ProcessTable.words(of: 0) == [] && ProcessTable.user(of: 0) == nil)
    #expect(ProcessTable.name(of: 0) == "" && ProcessTable.sockets(of: 0) == nil)
  }

  @Test func listeners() throws {
    let server = try LoopbackServer()
    let all = try #require(Listener.all(inNetworkOf: getpid()))
    let found = all.filter { $0.port == server.port }
    #expect(found.map(\.address) == ["127.0.0.1"] && found.map(\.owner) == [User.id])
    let sockets = try #require(ProcessTable.sockets(of: getpid()))
    #expect(found.allSatisfy { sockets.contains($0.inode) && !$0.isWildcard })
    #expect(Listener.all(inNetworkOf: getpid(), limit: 10) == nil)
    #expect(Listener.all(inNetworkOf: 0) == nil)
  }
}
