import ErlangDistribution
import Events
import HomeLayout
import NodeWatch
import Posix

@testable import NodeModel

/// Nodes as they might be in the night of `Past.night`.
extension NodeReport {
  static func run(
    _ app: String, _ index: Int, _ run: UInt64, _ release: Int, _ state: State = .up
  ) -> NodeReport {
    let name = "\(app)-web-\(index)-\(run)@127.0.0.1"
    return NodeReport(
      id: "run:\(run)", name: name,
      origin: .run(
        app: app, instance: InstanceName("web", index), run: run, release: ReleaseNumber(release)),
      state: state)
  }

  static var night: [NodeReport] { [silent, booting, greeter, idle, found, given] }

  /// Fully known.
  static var greeter: NodeReport {
    var node = run("greeter", 1, 36, 2)
    node.snapshot = .well(node.name)
    node.boot = .watched
    node.survey = ProcessSurvey(
      busiest: [
        .init(
          pid: "<0.231.0>", name: "Greeter.Clock", reductions: 1_204_551, messages: 0,
          memory: 142_880),
        .init(
          pid: "<0.50.0>", name: "application_controller", reductions: 3200, messages: 0,
          memory: 426_000),
        .init(
          pid: "<0.312.0>", name: "gen_server:loop/7", reductions: nil, messages: 3, memory: 8800),
      ],
      queues: [
        .init(
          pid: "<0.231.0>", name: "Greeter.Mailer", reductions: 20, messages: 12_480,
          memory: 9_142_880)
      ],
      applications: [
        "kernel": .init(processes: 40, memory: 3_000_000),
        "greeter": .init(processes: 1200, memory: 40_000_000),
        "logger": .init(processes: 5, memory: 120_000), "": .init(processes: 40, memory: 900_000),
      ])
    node.happenings = [
      NodeHappening(time: Past.now + -90_000, text: "connected"),
      NodeHappening(
        time: Past.now + -20_000, text: "long_gc 812 ms in Greeter.Mailer <0.231.0>", isBad: true),
    ]
    node.settings = NodeSettings(
      flags: ["-setcookie «masked»", "-name greeter-web-1-36@127.0.0.1", "+sbwt none"],
      values: [
        .init(application: "greeter", key: "port", text: "4003"),
        .init(
          application: "greeter", key: "endpoint",
          text: "[{url,[{host,\"greeter.localhost\"},{port,8080},{scheme,\"http\"}]},"
            + "{secret_key_base,«masked»},{server,true}]"),
        .init(application: "logger", key: "level", text: "info"),
      ], releases: [.init(name: "greeter", version: "0.1.0", status: "permanent")])
    return node
  }

  /// Hangs in ecto_sql.
  static var booting: NodeReport {
    var node = run("billing", 1, 79, 32)
    node.snapshot = NodeSnapshot.well(node.name)
    node.snapshot?.isReady = false
    node.snapshot?.status = "starting"
    node.boot = .hanging
    return node
  }

  static var silent: NodeReport {
    var node = run("billing", 1, 16, 31, .silent)
    node.snapshot = .well(node.name)
    node.snapshot?.processes = .init(245_000, of: 262_144)
    node.cause = Cause(DistributionError.tooSlow(.talking))
    return node
  }

  static var idle: NodeReport { run("shop", 1, 64, 1, .idle) }

  static var found: NodeReport {
    var node = NodeReport(
      id: "pid:812", name: "rabbit@prod-1", origin: .found(pid: 812), state: .up)
    node.snapshot = .well(node.name)
    node.snapshot?.uptime = 864_000_000
    node.boot = .unwatched
    return node
  }

  static var given: NodeReport {
    NodeReport(
      id: "given:legacy@10.0.0.9", name: "legacy@10.0.0.9", origin: .given, state: .down,
      cause: Cause(
        DistributionError.noEPMD(host: "10.0.0.9", port: 4369, .refused)))
  }
}

extension NodeSnapshot {
  static func well(_ name: String) -> NodeSnapshot {
    var snapshot = NodeSnapshot(
      node: name, otp: "25", erts: "13.1.5", uptime: 19_990_000, isReady: true, status: "started",
      schedulers: 4, schedulersOnline: 4, runQueues: [0, 2, 0, 0],
      processes: .init(1285, of: 262_144), ports: .init(12, of: 65_536),
      atoms: .init(14_213, of: 1_048_576), ets: .init(80, of: 8192),
      applications: [
        Application(name: "kernel", version: "8.5.3", type: .permanent, order: 1),
        Application(
          name: "stdlib", version: "4.2", type: .permanent, order: 2, dependencies: ["kernel"]),
        Application(
          name: "logger", version: "1.14.0", type: .permanent, order: 3,
          dependencies: ["kernel", "stdlib", "elixir"]),
        Application(
          name: "greeter", version: "0.1.0", type: .permanent, order: 4,
          dependencies: ["kernel", "stdlib", "elixir", "logger"]),
        Application(name: "elixir", version: "1.14.0", state: .loaded, dependencies: ["kernel"]),
      ], peers: ["greeter-web-2-39@127.0.0.1"])
    snapshot.memory.total = 82_000_000
    snapshot.memory.processes = 31_000_000
    snapshot.memory.system = 51_000_000
    snapshot.memory.atom = 500_000
    snapshot.memory.binary = 4_200_000
    snapshot.memory.code = 20_100_000
    snapshot.memory.ets = 3_100_000
    return snapshot
  }
}

extension BootTimeline {
  /// kernel, stdlib, logger and greeter, one after another.
  static var watched: BootTimeline {
    var boot = BootTimeline()
    boot.look(at: 0, starting: ["kernel"], running: [], isReady: false)
    boot.look(at: 12, starting: ["stdlib"], running: ["kernel"], isReady: false)
    boot.look(at: 15, starting: ["logger"], running: ["kernel", "stdlib"], isReady: false)
    boot.look(
      at: 56, starting: ["greeter"], running: ["kernel", "stdlib", "logger"], isReady: false)
    boot.look(
      at: 1245, starting: [], running: ["kernel", "stdlib", "logger", "greeter"], isReady: true)
    return boot
  }

  static var hanging: BootTimeline {
    var boot = BootTimeline()
    boot.look(at: 0, starting: ["stdlib"], running: ["kernel"], isReady: false)
    boot.look(at: 15, starting: ["logger"], running: ["kernel", "stdlib"], isReady: false)
    boot.look(at: 6215, starting: ["logger"], running: ["kernel", "stdlib"], isReady: false)
    boot.stack = [
      "gen_tcp:connect/4", "Elixir.DBConnection.Connection:connect/2", "gen:do_call/4",
      "proc_lib:init_p/3",
    ]
    return boot
  }

  static var unwatched: BootTimeline {
    var boot = BootTimeline()
    let running = ["kernel", "stdlib", "logger", "greeter"]
    boot.look(at: 0, starting: [], running: running, isReady: true)
    return boot
  }
}

extension SupervisionTree {
  static var greeter: SupervisionTree {
    SupervisionTree(
      application: "greeter",
      entries: [
        .init(
          depth: 0, kind: .supervisor, name: "Greeter.Supervisor", pid: "<0.210.0>",
          doing: "gen_server:loop/7"),
        .init(
          depth: 1, kind: .supervisor, name: "Greeter.Repo", pid: "<0.211.0>",
          doing: "gen_server:loop/7"),
        .init(
          depth: 2, kind: .worker, name: "DBConnection.ConnectionPool", pid: "<0.212.0>",
          doing: "gen_server:loop/7"),
        .init(depth: 2, kind: .worker, name: "DBConnection.Watcher", pid: nil, doing: "restarting"),
        .init(
          depth: 1, kind: .worker, name: "Greeter.Clock", pid: "<0.231.0>",
          doing: "timer:sleep/1"),
        .init(depth: 1, kind: .supervisor, name: "Greeter.Jobs", pid: "<0.240.0>", doing: ""),
        .init(depth: 2, kind: .more, name: "and 1,180 more", pid: nil),
      ])
  }
}

extension NodeLogPart {
  /// Forty messages of all levels, one of many lines, some lost in between.
  static func busy(_ node: String) -> [NodeLogPart] {
    let levels = NodeLogLine.Level.allCases
    let lines = (0..<40).map { index in
      NodeLogLine(
        time: Past.now + Int64(index - 40) * 1500, level: levels[(index * 3 + 4) % levels.count],
        module: index % 2 == 0 ? "Greeter.Clock" : "supervisor", pid: "<0.\(200 + index).0>",
        text: index == 37
          ? "GenServer Greeter.Clock terminating\n** (RuntimeError) no time\n    lib/clock.ex:12"
          : "answer \(index) took 812 ms")
    }
    return [
      NodeLogPart(node: node, lines: Array(lines.prefix(35))),
      NodeLogPart(node: node, lines: Array(lines.suffix(5)), lost: 1234),
    ]
  }
}
