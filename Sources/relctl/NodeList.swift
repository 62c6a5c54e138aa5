import CommandLine
import Events
import NodeModel
import Observation

extension Command {
  static let nodeList = Command(
    CommandSyntax(
      "node list", "", "show the nodes of this host, ours and others",
      details: """
        Nodes of this home's instances, and the BEAMs that run on this host. Each is asked at the same
        time, for two seconds at the most; below the table stands why one cannot be asked.
        """, options: [.cookieFile, .tlsOptions, .json])
  ) { call throws(Cause) in
    let locator = try call.nodeLocator()
    let nodes = locator.all(found: Discovery.search())
    let reports = try NodeRound.ask(nodes, for: .vitals, mask: locator.mask, milliseconds: 2000)
    if call.wantsJSON { return call.report(json: reports.map(NodeFacts.init)) }
    if reports.isEmpty {
      call.context.print("no node runs here")
      return .success
    }
    let rows = zip(nodes, reports).map { row($0, $1).map(call.shown) }
    let head = ["NODE", "FROM", "OTP", "UPTIME", "MEM", "PROCESSES", "OTP APPS", "STATE"]
    call.context.print(trimmed(Table.render([head] + rows)))
    for (node, report) in zip(nodes, reports) {
      for line in hindrance(node, report) { call.context.print(call.shown(line)) }
    }
    return .success
  }

  private static func row(_ node: KnownNode, _ report: NodeReport) -> [String] {
    let snapshot = report.snapshot
    let applications = snapshot?.applications ?? []
    let running = applications.count { $0.state == .running }
    return [
      snapshot?.node ?? report.name, node.source, snapshot?.otp ?? "–",
      snapshot.map { Age.text($0.uptime) } ?? "–",
      snapshot.map { ByteCount.text($0.memory.total) } ?? "–",
      snapshot.map { "\($0.processes.count)" } ?? "–",
      snapshot == nil ? "–" : "\(running)/\(applications.count)", stateWord(report),
    ]
  }

  /// `up`, `booting`, `stopping`, `down`, `silent`
  static func stateWord(_ report: NodeReport) -> String {
    guard report.state == .up, let snapshot = report.snapshot, !snapshot.isReady else {
      return report.state.rawValue
    }
    return snapshot.status == "stopping" ? "stopping" : "booting"
  }

  /// Why a node is not up, and what to do; empty for a node that is up.
  private static func hindrance(_ node: KnownNode, _ report: NodeReport) -> [String] {
    guard report.state != .up, let cause = report.cause else { return [] }
    let isNameless = node.found.map { $0.name == nil } ?? false
    let line = "\(isNameless ? node.source : report.name): \(cause.sentence) [\(cause.id)]"
    return [line] + (cause.remedy.map { ["  " + $0] } ?? [])
  }
}
