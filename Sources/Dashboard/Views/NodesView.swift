import Events
import NodeModel
import Terminal

/// The Nodes view: all nodes that are known, and below them the pane of the selected one.
struct NodesView: ListAndPane {
  var nodes: [NodeReport]
  var list: ListPosition
  /// The selected node.
  var cursor: NodeReport?
  /// The text of an empty list.
  var empty: [Cell]
  var clock: WallClock

  var pane: (any Pane)? { cursor.map { NodeDetail(node: $0, clock: clock) } }

  func table(width: Int) -> TableView {
    if nodes.isEmpty { return TableView(heading: empty) }
    var columns = Self.columns
    // A node that was not deployed here is identified only by its name, so the column should show it whole.
    let most = max(8, min(26, width / 2))
    columns[0].minimum = nodes.prefix(500).reduce(8) {
      max($0, min(most, $1.name.utf8.count))
    }
    return TableView.list(
      nodes, list, columns, isSelected: { $0.id == cursor?.id },
      note: { node in node.isInTrouble ? node.cause.map { Cell($0.sentence, node.role) } : nil },
      row: Self.row)
  }

  private static let columns = [
    Column("NODE", minimum: 8), Column("STATE", minimum: 4), Column("FROM", minimum: 5, yields: 3),
    Column("OTP", minimum: 3, yields: 6), Column("UPTIME", .right, minimum: 3, yields: 4),
    Column("MEM", .right, minimum: 3, yields: 2),
    Column("PROCESSES", .right, minimum: 4, yields: 7),
    Column("RUN QUEUE", .right, minimum: 3, yields: 8),
    Column("OTP APPS", minimum: 5, yields: 1),
  ]

  private static func row(of node: NodeReport) -> [Cell] {
    let head = [
      Cell(node.name), Cell(Wording.state(of: node), node.role),
      Cell(Wording.origin(of: node), .aside), Cell(node.snapshot?.otp ?? "–", .aside),
    ]
    // The last numbers of a node that is down would mislead.
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
}

extension NodeReport {
  var role: Role {
    switch state {
    case .idle: .idle
    case .connecting: .busy
    case .up: isBooting ? .busy : .ready
    case .silent: .warning
    case .down: isShut ? .warning : .bad
    }
  }
}
