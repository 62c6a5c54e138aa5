import CommandLine
import Events
import NodeModel
import Observation

extension Command {
  static let nodeInfo = Command(
    CommandSyntax(
      "node info", "NAME@HOST[:PORT]|APP[/INSTANCE]", count: 1...1,
      "show what a node says of itself",
      details: """
        Versions, memory, counts and their limits, applications in the order in which they were
        started, and what it was started with. What looks like a secret is masked.
        """, options: [.cookieFile, .tlsOptions, .json])
  ) { call throws(Cause) in
    let locator = try call.nodeLocator()
    let node = try call.node(locator)
    let parts: NodeAttention.Parts = [.vitals, .settings]
    let reports = try NodeRound.ask([node], for: parts, mask: locator.mask, milliseconds: 5000)
    guard let report = reports.first, let snapshot = report.snapshot else {
      throw reports.first?.cause ?? Cause(.nodeSilent, "\(node.name) tells nothing of itself")
    }
    if call.wantsJSON { return call.report(json: NodeDetails(report)) }
    for section in [
      head(node, report, snapshot), applications(snapshot.applications),
      settings(report.settings ?? NodeSettings()),
    ] where !section.isEmpty {
      for line in section { call.context.print(call.shown(line)) }
    }
    return .success
  }

  private static func head(
    _ node: KnownNode, _ report: NodeReport, _ snapshot: NodeSnapshot
  ) -> [String] {
    let queues = snapshot.runQueues.map { "\($0)" }.joined(separator: " ")
    let peers = snapshot.peers.isEmpty ? "–" : snapshot.peers.joined(separator: " ")
    return Table.lines(
      [
        ["node", snapshot.node], ["from", node.source], ["state", stateWord(report)],
        ["runtime", "OTP \(snapshot.otp), ERTS \(snapshot.erts)"],
        ["uptime", Age.text(snapshot.uptime)],
        ["schedulers", "\(snapshot.schedulersOnline) of \(snapshot.schedulers) online"],
        ["run queues", queues], ["memory", ByteCount.text(snapshot.memory.total)],
      ] + memory(snapshot.memory) + [
        usage("processes", snapshot.processes), usage("ports", snapshot.ports),
        usage("atoms", snapshot.atoms), usage("ETS tables", snapshot.ets), ["peers", peers],
      ])
  }

  private static func memory(_ memory: NodeSnapshot.Memory) -> [[String]] {
    let kinds = [
      ("processes", memory.processes), ("system", memory.system), ("  atom", memory.atom),
      ("  binary", memory.binary), ("  code", memory.code), ("  ets", memory.ets),
    ]
    return kinds.map { ["  " + $0, ByteCount.text($1)] }
  }

  private static func usage(_ name: String, _ usage: NodeSnapshot.Usage) -> [String] {
    let text = "\(Grouped.text(usage.count)) of \(Grouped.text(usage.limit))"
    return [name, text + (usage.isHigh ? ", which is much" : "")]
  }

  private static func applications(_ all: [NodeSnapshot.Application]) -> [String] {
    let rows = all.map { application in
      [
        "  " + (application.order.map { "\($0)" } ?? "–"), application.name, application.version,
        application.type?.rawValue ?? "–", application.state.rawValue,
      ]
    }
    return ["", "applications, in the order in which they were started"] + Table.lines(rows)
  }

  private static func settings(_ settings: NodeSettings) -> [String] {
    var text: [String] = []
    if !settings.releases.isEmpty {
      text += ["", "OTP releases"]
      text += Table.lines(settings.releases.map { ["  " + $0.name, $0.version, $0.status] })
    }
    if !settings.flags.isEmpty { text += ["", "flags"] + settings.flags.map { "  " + $0 } }
    if !settings.values.isEmpty {
      text += ["", "environment of its applications"]
      text += Table.lines(settings.values.map { ["  " + $0.application, $0.key, $0.text] })
    }
    return text
  }
}

extension CommandCall {
  fileprivate func node(_ locator: NodeLocator) throws(Cause) -> KnownNode {
    if positional(0).contains("@") { return try locator.node(named: positional(0)) }
    let (app, run) = try runningInstance()
    return try locator.node(of: run, app: app.name)
  }
}

extension KnownNode {
  /// `greeter/web.1`, `pid 812 (ana)`
  var source: String {
    if case .run(let app, let instance, _, _) = origin { return "\(app)/\(instance)" }
    return found.map { "pid \($0.pid) (\($0.user))" } ?? "–"
  }
}
