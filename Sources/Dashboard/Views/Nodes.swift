import Events
import HomeLayout
import NodeModel
import Terminal

extension Model {
  /// The list of nodes and the pane of the selected one below it.
  var nodeAreas: (list: Area, detail: Area) {
    let body = geometry.body
    guard body.height >= 10, let node = cursorNode else { return (body, body.below(body.height)) }
    let tables = Self.detailTables(of: node, self).reduce(0) { $0 + $1.rows.count + 1 }
    let detail = detailTexts(of: node, width: max(2, body.width - 2)).count + 1 + tables
    let wanted = nodeLines.count + 1
    let list = min(wanted, max(body.height - detail, body.height / 2))
    return (body.top(list), body.below(list))
  }

  /// The list's lines: a node's row, and under one that cannot be asked why.
  private var nodeLines: [(index: Int, isNote: Bool)] {
    listedNodes.enumerated().flatMap { index, node in
      Self.trouble(of: node) == nil ? [(index, false)] : [(index, false), (index, true)]
    }
  }

  private static func trouble(of node: NodeReport) -> Cell? {
    guard node.isInTrouble, let cause = node.cause else { return nil }
    return Cell(cause.sentence, role(of: node))
  }

  var nodeSheet: Sheet {
    let lines = nodeLines
    if lines.isEmpty { return Sheet(heading: noNodes) }
    let (listed, cursor) = (listedNodes, cursorNode?.id)
    let own = lines.indices.filter { listed[lines[$0].index].id == cursor }
    let range = own.first.flatMap { first in own.last.map { first...$0 } }
    var columns = Self.nodeColumns
    // Of a node that nobody deployed the name is all there is to tell it by.
    let most = max(8, min(26, geometry.body.width / 2))
    columns[0].minimum = listed.prefix(500).reduce(8) { max($0, min(most, $1.name.utf8.count)) }
    return Sheet(
      heading: [], columns: columns, count: lines.count,
      line: { number in
        let node = listed[lines[number].index]
        return lines[number].isNote
          ? .note(Self.trouble(of: node) ?? Cell("")) : .row(Self.nodeRow(node))
      }, cursor: range)
  }

  private var noNodes: [Cell] {
    if setting.isPast {
      return [Cell("What nodes had to say then is not kept.")]
    }
    if let filter = filters[.view(.nodes)], !filter.isEmpty, !nodes.isEmpty {
      return [Cell("No node matches '\(filter)'."), Cell("Esc shows all.", .aside)]
    }
    if setting.namesNodes { return [Cell("The nodes that were named are not known yet.")] }
    return [
      Cell("No node is known yet."),
      Cell("Nodes that run on this host are listed when they are found.", .aside),
      Cell("For one elsewhere: reltui --node NAME@HOST", .aside),
    ]
  }

  private static let nodeColumns = [
    Column("NODE", minimum: 8), Column("STATE", minimum: 4), Column("FROM", minimum: 5, yields: 3),
    Column("OTP", minimum: 3, yields: 6), Column("UPTIME", .right, minimum: 3, yields: 4),
    Column("MEM", .right, minimum: 3, yields: 2),
    Column("PROCESSES", .right, minimum: 4, yields: 7),
    Column("RUN QUEUE", .right, minimum: 3, yields: 8),
    Column("APPS", minimum: 5, yields: 1),
  ]

  private static func nodeRow(_ node: NodeReport) -> [Cell] {
    let head = [
      Cell(node.name), Cell(Wording.state(of: node), role(of: node)),
      Cell(Wording.origin(of: node), .aside), Cell(node.snapshot?.otp ?? "–", .aside),
    ]
    // What it used to have is no news of a node that is gone.
    guard let snapshot = node.snapshot, node.state != .down else {
      return head + (0..<5).map { _ in Cell("–", .aside) }
    }
    let waiting = snapshot.runQueues.reduce(0) { $0.clampedAdding($1) }
    return head + [
      Cell(snapshot.uptime < 60_000 ? "<1m" : Age.text(snapshot.uptime), .aside),
      Cell(ByteCount.text(snapshot.memory.total)),
      Cell(Wording.usage(snapshot.processes), snapshot.processes.isHigh ? .warning : .text),
      Cell(Wording.number(waiting)),
      Cell(Wording.applications(of: node), node.isBooting ? .busy : .text),
    ]
  }

  static func role(of node: NodeReport) -> Role {
    switch node.state {
    case .idle: .idle
    case .connecting: .busy
    case .up: node.isBooting ? .busy : .ready
    case .silent: .warning
    case .down: node.isShut ? .warning : .bad
    }
  }
}
