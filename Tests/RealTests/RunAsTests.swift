import Events
import HomeLayout
import Posix
import TestSupport
import Testing

/// Apps of a home that root serves run as users of their own. An app, another app and another user try what they must
/// not be able to do; root does the same to show that the tries are right.
@Suite(.waitsForPrograms) struct RunAsTests {
  enum Host: CaseIterable {
    case withNamespaces, withoutNamespaces

    /// The words before a program that run it as on such a host.
    var entrance: [String] {
      self == .withNamespaces ? [] : ["setpriv", "--bounding-set=-sys_admin", "--"]
    }
  }

  @Test(arguments: Host.allCases) func nobodyReachesWhatIsNotTheirs(_ host: Host) throws {
    let stage = try Stage("run-as")
    #expect(try run(host, stage, "agent", "start").exit == .code(0))
    for app in ["victim", "attacker"] {
      let deployed = try stage.relctl("deploy", app, try slug(in: stage, called: app))
      try #require(deployed.exit == .code(0), "\(deployed.errors)\(deployed.output)")
    }
    let secret = try stage.run("relctl", ["config", "victim", "set", "TOKEN"], input: "a secret")
    try #require(secret.exit == .code(0), "\(secret.errors)")
    let instances = try stage.ready()
    try checkRights(of: instances, stage, host)

    let victim = try #require(instances.first { $0.app == "victim" })
    let table = try table(victim, stage)
    let names = (table.others + table.also).map(\.name)
    let script = Self.script(table.others + table.also)
    #expect(try result(["/bin/sh", "-c", script], stage) == names)
    for user in [try user(of: "attacker", stage), 65_534] {
      #expect(try result(Self.become(user) + ["/bin/sh", "-c", script], stage) == [], "\(user)")
    }
    let own = try user(of: "victim", stage)
    let mine = Self.script(table.also)
    #expect(try result(Self.become(own) + ["/bin/sh", "-c", mine], stage) == [])
    for (app, tries) in [("attacker", script), ("victim", mine)] {
      let expression =
        "IO.puts(elem(System.cmd(\"/bin/sh\", [\"-c\", Base.decode16!(\"\(Hex.encode(Array(tries.utf8)))\", case: :lower)]), 0) <> \"over\")"
      let answer = try run(host, stage, "eval", app, expression)
      #expect(answer.text == "over\n", "\(app)")
    }
    try checkNames(of: victim, stage)
  }

  /// Its owner could change what root reads there and then does.
  @Test func rootServesNoHomeOfAnotherUser() throws {
    let stage = try Stage("foreign")
    let events = stage.home.events
    try Files.makeFolder(events)
    try FileTree.give(stage.home.root, to: 65_534)
    let slug = try Greeter.slug.get()
    for words in [["agent"], ["agent", "start"], ["deploy", "demo", slug]] {
      let refused = try stage.run("relctl", words)
      #expect(refused.exit == .code(69), "\(words)")
      #expect(refused.errors.contains("belongs to another user, the uid 65534 [RT-HOME-FOREIGN]"))
    }
    #expect(!Files.exists(stage.home.agentLock))
    let written = try stage.events().map(\.typeName).filter { $0.hasSuffix(".requested") }
    #expect(written.isEmpty)
  }

  /// Each try ends with exit code 0 if it succeeds. Nothing is changed by it.
  private typealias Try = (name: String, command: String)

  /// - Returns: what all but the app itself are kept from, and what the app is kept from, too.
  private func table(_ victim: InstanceReport, _ stage: Stage) throws -> (
    others: [Try], also: [Try]
  ) {
    let app = stage.home.app("victim")
    let run = app.run("web.1", victim.run)
    let config = try #require(try Files.list(app.configs).first)
    let status = try RunStatus(text: String(decoding: try Files.read(run.status), as: UTF8.self))
    let (agent, beam) = (try stage.agent().pid, try #require(victim.pid))
    let epmd = try #require(
      ProcessTable.all().first { process in
        process.state != "Z" && ProcessTable.name(of: process.pid) == "epmd"
          && ProcessTable.words(of: process.pid).first?.hasPrefix(stage.home.root) == true
      })
    let others: [Try] = [
      ("the variables of its VM", "cat /proc/\(beam)/environ"),
      ("the cookie of the run", "cat \(run.cookie)"),
      ("what is in HOME", "ls \(run.home)"),
      ("a new file in HOME", "[ -w \(run.home) ]"),
      ("a new file in tmp", "[ -w \(run.temporary) ]"),
      ("a signal to its VM", "kill -0 \(beam)"),
    ]
    let events = stage.home.events + "/0000000000000001.jsonl"
    let also: [Try] = [
      ("the config vars", "cat \(app.config(config))"),
      ("the cookie of the app", "cat \(app.cookie)"),
      ("the output", "cat \(run.currentLog)"),
      ("the events", "cat \(events)"),
      ("the key of the digests", "cat \(stage.home.secret)"),
      ("the names in the home", "ls \(stage.home.root)"),
      ("the names in the folder of the run", "ls \(run.path)"),
      ("a line in the log", ": >> \(events)"),
      ("another status", "[ -w \(run.status) ]"),
      ("another name in the folder of the run", "[ -w \(run.path) ]"),
      ("the lock of the run", ": >> \(run.lock)"),
      ("another uid", ": >> \(app.user)"),
      ("the record of uids", "cat /var/lib/reltui-uids/next"),
      ("the variables of the relshim", "cat /proc/\(status.shim.pid)/environ"),
      ("a signal to the relshim", "kill -0 \(status.shim.pid)"),
      ("a signal to the agent", "kill -0 \(agent)"),
      ("a signal to epmd", "kill -0 \(epmd.pid)"),
    ]
    return (others, also)
  }

  private static func script(_ tries: [Try]) -> String {
    tries.map { "( \($0.command) ) >/dev/null 2>&1 && echo '\($0.name)'\n" }.joined() + "true\n"
  }

  private static func become(_ user: UInt32) -> [String] {
    ["setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups", "--no-new-privs", "--"]
  }

  private func result(_ words: [String], _ stage: Stage) throws -> [String] {
    try Invocation(words, in: "/", environment: ["PATH": Invocation.standardPath])
      .run(limit: 20_000).text.split(separator: "\n").map(String.init)
  }

  private func run(_ host: Host, _ stage: Stage, _ arguments: String...) throws
    -> Invocation.Result
  {
    try Invocation(
      host.entrance + [try Workspace.program("relctl")] + arguments, in: stage.folder.path,
      environment: stage.environment
    ).run(limit: 60_000)
  }

  private func user(of app: String, _ stage: Stage) throws -> UInt32 {
    let text = String(decoding: try Files.read(stage.home.app(app).user), as: UTF8.self)
    return try #require(UInt32(text.split(whereSeparator: { " \n".contains($0) }).last ?? ""))
  }

  /// A slug whose release phase, gate and `.profile.d` write down as what they run.
  private func slug(in stage: Stage, called name: String) throws -> String {
    let tree = stage.folder.path + "/" + name
    try FileTree.copy(try Greeter.slug.get(), to: tree)
    try Files.remove(tree + "/.reltui")
    let note = #"id -u >"$HOME/"#
    try stage.folder.write("\(name)/.profile.d/a.sh", "export NOTED=yes\n\(note)profile\"\n")
    try stage.folder.write(
      "\(name)/Procfile",
      "web: \(note)web\"; grep -E '^(Cap|NoNew|Umask)' /proc/self/status >$HOME/rights; "
        + "ulimit -n >>$HOME/rights; exec bin/greeter start\nrelease: \(note)release\"\n")
    try stage.folder.write(
      "\(name)/app.json",
      #"{"reltui": {"observe": 0}, "env": {"GREETER_GREETING": "Hello"}, "healthchecks": {"web": ["#
        + #"{"type": "startup", "path": "/health", "attempts": 30, "wait": 1, "timeout": 2}, "#
        + #"{"type": "startup", "command": "test $NOTED = yes && id -u >\"$HOME/gate\""}]}}"#)
    return tree
  }

  /// Checks that all code of the slugs ran as its app's user, without rights.
  private func checkRights(of instances: [InstanceReport], _ stage: Stage, _ host: Host) throws {
    let users = try ["attacker", "victim"].map { try user(of: $0, stage) }
    #expect(Set(users + [0]).count == 3)
    // A container may allow fewer than 65,536.
    let most = try Invocation(["sh", "-c", "ulimit -Hn"], environment: stage.environment).run().text
    let files = min(65_536, Int(most.dropLast()) ?? 65_536)
    for instance in instances {
      let user = try user(of: instance.app, stage)
      let app = stage.home.app(instance.app)
      let run = app.run("web.1", instance.run)
      let phase = try #require(try Files.list(app.instances + "/release.1").last)
      let folders = [
        (run.home, ["gate", "profile", "web"]),
        (app.instances + "/release.1/\(phase)/home", ["profile", "release"]),
      ]
      for (folder, names) in folders {
        for name in names {
          let text = String(decoding: try Files.read("\(folder)/\(name)"), as: UTF8.self)
          #expect(text == "\(user)\n", "\(folder)/\(name)")
        }
      }
      let rights = String(decoding: try Files.read(run.home + "/rights"), as: UTF8.self)
      let none = ["Inh", "Prm", "Eff", "Bnd", "Amb"].map { "Cap\($0):\t0000000000000000" }
      #expect(
        rights.split(separator: "\n").map(String.init).sorted()
          == (none + ["NoNewPrivs:\t1", "Umask:\t0077", String(files)]).sorted())
      #expect(ProcessTable.user(of: try #require(instance.pid)) == user)
      let answer = try self.run(
        host, stage, "eval", instance.app, "IO.puts(System.get_env(\"NOTED\"))")
      #expect(answer.text == "yes\n")
      let mode = try Files.info(stage.home.root)?.mode
      #expect(mode == (host == .withNamespaces ? 0o700 : 0o711))
    }
  }

  /// Checks that names which a program could have guessed keep no node from starting.
  private func checkNames(of victim: InstanceReport, _ stage: Stage) throws {
    let old = try #require(victim.node)
    let text = String(decoding: try Files.read(stage.home.epmd), as: UTF8.self)
    let port = try #require(UInt16(text.split(whereSeparator: { " \n".contains($0) }).last ?? ""))
    let last = try #require(try stage.events().last?.sequence)
    var squatters: [File] = []
    for run in last...(last + 50) {
      let name = Array("victim-web-1-\(run)".utf8)
      let request: [UInt8] =
        [120, 0, 9, 77, 0, 0, 6, 0, 5, 0, UInt8(name.count)] + name + [0, 0]
      let squatter = try Loopback.connect(port)
      try squatter.write([0, UInt8(request.count)] + request)
      #expect(try squatter.read(upTo: 16).count >= 4)
      squatters.append(squatter)
    }
    let restarted = try stage.relctl("restart", "victim")
    #expect(restarted.exit == .code(0), "\(restarted.errors)")
    let new = try #require(try stage.ready().first { $0.app == "victim" }?.node)
    #expect(new != old && new.hasPrefix("victim-web-1-") && squatters.count == 51)
  }
}
