import Events
import HomeLayout
import Instance
import JSONText
import Posix
import ReleaseModel
import TestSupport
import Testing

/// A run of a release.
func specification(
  _ command: String = "bin/demo start", tree: String = "/slug", folder: String = "/run",
  config: [String: String] = [:]
) -> RunSpecification {
  RunSpecification(
    app: "demo", run: run(port: 4001), folder: RunFolder(path: folder), tree: tree,
    otpRelease: nil, command: command, config: config, epmdPort: 4370)
}

func run(_ process: String = "web", port: UInt16? = nil) -> Board.Run {
  Board.Run(
    id: 42, instance: InstanceName(process, 1), release: ReleaseNumber(3), state: .starting,
    since: Timestamp(milliseconds: 0), port: port, node: "demo-web-1-42@127.0.0.1")
}

@Suite struct RunSpecificationTests {
  @Test func environmentHasOnlyConfigAndOwnVariables() {
    #expect(Environment.current["PATH"] != nil)
    let config = [
      "DATABASE_URL": "ecto://x", "PATH": "/evil", "RELEASE_COOKIE": "mine", "LANG": "C",
    ]
    let variables = specification(config: config).environment
    #expect(
      variables == [
        "DATABASE_URL": "ecto://x", "LANG": "C", "HOME": "/run/home", "PORT": "4001",
        "DYNO": "web.1",
        "PATH": "/slug/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "RELEASE_NODE": "demo-web-1-42@127.0.0.1", "RELEASE_DISTRIBUTION": "name",
        "RELEASE_COOKIE": "unused", "RELEASE_TMP": "/run/tmp", "ERL_EPMD_PORT": "4370",
        "ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_CRASH_DUMP": "/run/home/erl_crash.dump",
        "ERL_CRASH_DUMP_BYTES": "10000000",
        "ERL_ZFLAGS": "-setcookie x -start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
        "RELTUI_APP": "demo", "RELTUI_INSTANCE": "web.1", "RELTUI_RELEASE": "v3",
        "RELTUI_RUN": "42",
      ])
    let client = specification().clientEnvironment
    #expect(client["ERL_ZFLAGS"] == "-setcookie x -start_epmd false")
    #expect(client["LANG"] == "C.UTF-8")
  }

  /// What a start script finds in place of the release's own arguments file, and other programs beside the run.
  @Test(arguments: [OTPRelease.Kind.mix, .relx])
  func argumentsFiles(_ kind: OTPRelease.Kind) throws {
    let temporary = try TemporaryFolder("arguments")
    let tree = temporary.path + "/a tree"
    try temporary.write("a tree/releases/1.0/vm.args", "+S 1\n-name other\n-setcookie secret\n")
    try temporary.write("a tree/own.args", "+S 2\n")
    let home = Home(root: temporary.path + "/home")
    let launcher = Launcher(shim: "/bin/true", agent: "/bin/true", home: home)
    try Files.makeFolder(home.app("demo").path)
    let variable = kind == .relx ? "VMARGS_PATH" : "RELEASE_VM_ARGS"
    let head = "-init_debug\n-s erlang display reltui_booted\n-env \(variable) "
    for given in [nil, "own.args"] as [String?] {
      var config = ["ERL_ZFLAGS": "+Q 1", "ERL_FLAGS": "+A 2"]
      config[variable] = given
      var run = specification(tree: tree, folder: temporary.path + "/run", config: config)
      run.otpRelease = try release(kind)
      #expect(try launcher.start(run).exit() == .code(0))
      #expect(run.environment[variable] == run.folder.bootArguments)
      #expect(run.environment["ERL_ZFLAGS"]?.hasPrefix("+Q 1 -setcookie x ") == true)
      let client = run.clientEnvironment
      #expect(client["ERL_ZFLAGS"] == "+Q 1 -setcookie x -start_epmd false")
      #expect(client["ERL_FLAGS"] == "+A 2")
      let text = String(decoding: try Files.read(run.folder.bootArguments), as: UTF8.self)
      if kind == .mix {
        let own = temporary.path + "/a\\ tree/" + (given ?? "releases/1.0/vm.args")
        #expect(client[variable] == given)
        #expect(text == "\(head)\(own)\n-args_file \(own)\n")
      } else {
        let size = given == nil ? 1 : 2
        let own = "+S \(size)\n-name demo-web-1-42@127.0.0.1\n-setcookie unused\n"
        #expect(client[variable] == run.folder.plainArguments)
        #expect(try Files.read(run.folder.plainArguments) == Array(own.utf8))
        #expect(text == "\(head)\(run.folder.plainArguments)\n\(own)")
      }
    }
  }

  /// A slug may name any file as its arguments, and put a link in its HOME.
  @Test func rootReadsAndChangesNoFileForAnApp() throws {
    let temporary = try TemporaryFolder("lure")
    let home = Home(root: temporary.path + "/home")
    try temporary.write("secret", "-root_secret\n", mode: 0o600)
    try temporary.write("home/slugs/1/tree/own.args", "+S 2\n")
    let launcher = Launcher(shim: "/bin/true", agent: "/bin/true", home: home)
    let user = try #require(try AppUser.of("demo", in: home))
    let folder = home.app("demo").run("web.1", 42)
    for (path, text) in [(temporary.path + "/secret", ""), ("own.args", "+S 2\n")] {
      var run = specification(
        tree: home.slugs + "/1/tree", folder: folder.path, config: ["VMARGS_PATH": path])
      (run.otpRelease, run.user) = (try release(.relx), user)
      #expect(try launcher.start(run).exit() == .code(0))
      let arguments = String(decoding: try Files.read(folder.plainArguments), as: UTF8.self)
      #expect(
        arguments == text + (text.isEmpty ? "\n" : "")
          + "-name demo-web-1-42@127.0.0.1\n-setcookie unused\n")
      for file in [folder.plainArguments, folder.bootArguments] {
        let info = try #require(try Files.info(file))
        #expect(info.owner == user.id && info.mode == 0o400, "\(file)")
      }
      // The next launch finds what the app has left.
      try Files.remove(folder.cookie)
      try Files.symbolicLink(to: temporary.path + "/secret", at: folder.cookie)
    }
    let secret = try #require(try Files.info(temporary.path + "/secret"))
    #expect(secret.owner == 0 && secret.mode == 0o600)
    #expect(try Files.read(temporary.path + "/secret") == Array("-root_secret\n".utf8))
  }

  /// Root puts a run into its control group before it becomes the app's user; a program beside it has another group.
  @Test func groupsOfARunAndOfItsCheck() throws {
    let temporary = try TemporaryFolder("run-group")
    for name in ["own", "check"] { try temporary.write("\(name)/cgroup.procs", "") }
    func entries(_ name: String) throws -> String {
      String(decoding: try Files.read("\(temporary.path)/\(name)/cgroup.procs"), as: UTF8.self)
    }
    let home = Home(root: temporary.path + "/home")
    try temporary.write("home/slugs/1/tree/bin/demo", "")
    var run = specification(
      "id -u; cat \(temporary.path)/own/cgroup.procs", tree: home.slugs + "/1/tree",
      folder: home.app("demo").run("web.1", 42).path)
    run.user = try AppUser.of("demo", in: home)
    (run.group, run.clientGroup) = (temporary.path + "/own", temporary.path + "/check")
    let launcher = Launcher(
      shim: try Workspace.program("relshim"), agent: "/bin/false", home: home)
    #expect(try launcher.start(run).wait() == .code(0))
    let user = run.user?.id ?? User.id
    #expect(LogTail.lines(of: run.folder, count: 9).map(\.text) == ["\(user)", "0"])
    #expect(try entries("check") == "")

    var check = try GateCommand(["true"], beside: run, milliseconds: 10_000)
    #expect(eventually { check.advance() == .ready })
    #expect(try entries("check") == "0" && entries("own") == "0")
  }

  private func release(_ kind: OTPRelease.Kind) throws -> OTPRelease {
    try JSON.decode(
      OTPRelease.self,
      from: Array(
        """
        {"name":"demo","version":"1.0","kind":"\(kind.rawValue)","erts_version":"13.1.5",
          "applications":[],"start_command":"bin/demo","start_argument":"start"}
        """.utf8))
  }

  /// Typical commands of Procfiles, run by a real shell.
  @Test func commandsRunByAShell() throws {
    let folder = try TemporaryFolder("command")
    try folder.write("a tree/bin/demo", "#!/bin/sh\necho $GREETING $*; echo $$\n", mode: 0o755)
    let own = [
      "exec bin/demo start", "bin/demo start", "demo start", "\"bin/demo\" start", "$RUN start",
    ]
    let others = [
      "GREETING=hi bin/demo start", ": && bin/demo start", "cd bin && ./demo start",
      "true; demo start", "eval bin/demo start", "command bin/demo start", "bin/demo start | cat",
      "if true; then demo start; fi", "bin/demo $(echo start)", "{ bin/demo start; }",
    ]
    for command in own + others {
      let run = specification(command, tree: folder.path + "/a tree", config: ["RUN": "bin/demo"])
      let (reading, writing) = try File.pipe()
      let child = try Child.start(
        Invocation(run.shellCommand, in: "/", environment: run.environment),
        output: .file(writing), errors: .file(writing))
      #expect(child.exit() == .code(0), "\(command)")
      let lines = String(decoding: try reading.read(upTo: 4096, within: 60_000), as: UTF8.self)
        .split(separator: "\n")
      let greeting = command.hasPrefix("GREETING") ? "hi start" : "start"
      #expect(lines.first.map(String.init) == greeting, "\(command): \(lines)")
      // Signals go to the process group, but the end of its first process is the end of the run.
      if own.contains(command) { #expect(lines.last == "\(child.pid)", "\(command)") }
    }
  }
}

@Suite struct LogTailTests {
  let folder: TemporaryFolder
  let run: RunFolder
  init() throws {
    folder = try TemporaryFolder("tail")
    run = RunFolder(path: folder.path)
  }

  func lines(_ range: ClosedRange<Int>, width: Int = 0) -> String {
    let padding = String(repeating: "x", count: width)
    return range.map { "2026-11-21T07:05:09.042Z \($0)\(padding)\n" }.joined()
  }

  func numbers(_ count: Int) -> [Int?] {
    LogTail.lines(of: run, count: count).map { Int($0.text.prefix { $0 != "x" }) }
  }

  @Test func tailReadsLargerWindowsWhenNeeded() throws {
    // 1.2 MB: the first window has ten lines, only the second has a thousand.
    let text = lines(1...1200, width: 1000)
    try folder.write("log/current", text)
    for count in [0, 1, 10, 250, 1000, 1200, 5000] {
      #expect(numbers(count) == Array(max(1, 1201 - count)..<1201))
    }
    #expect(LogTail.read(run, count: 1).end == text.utf8.count)
  }

  @Test func tailReadsOlderFilesFirst() throws {
    try folder.write("log/2", lines(1...3))
    try folder.write("log/10", lines(4...6))
    try folder.write("log/current", lines(7...9))
    try folder.write("log/notes", lines(100...101))
    #expect(numbers(100) == Array(1...9))
    #expect(numbers(4) == [6, 7, 8, 9])
    #expect(LogTail.read(run, count: 100).end == lines(7...9).utf8.count)
  }

  @Test func tailLeavesPartialLinesForLater() throws {
    #expect(LogTail.read(run, count: 5).lines == [])
    try folder.write("log/current", "2026-11-21T07:05:09.042Z cut")
    #expect(LogTail.read(run, count: 5).end == 0 && numbers(5) == [])
    try folder.write("log/current", lines(1...2) + "2026-11-21T07:05")
    #expect(numbers(5) == [1, 2])
    #expect(LogTail.read(run, count: 5).end == lines(1...2).utf8.count)
    try folder.write("log/current", lines(1...1) + "\nno stamp\n")
    let read = LogTail.lines(of: run, count: 5)
    #expect(read.map(\.text) == ["1", "", "no stamp"] && Set(read.map(\.time)).count == 1)
  }
}
