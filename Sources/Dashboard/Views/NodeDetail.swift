import Events
import HomeLayout
import NodeModel
import PlainText
import Terminal

/// A small table in a pane.
struct PaneTable {
  var columns: [Column]
  var rows: [[Cell]]
}

extension Model {
  /// The selected node: why it cannot be asked, what it has, who works most and what happened last.
  func drawNodeDetail(_ frame: inout Frame, _ area: Area) {
    guard let node = cursorNode, area.height > 0 else { return }
    frame.put(
      geometry.hasSides ? .middle : .plain, row: area.row, title: Self.title(of: node))
    var rest = area.below(1)
    for line in detailTexts(of: node, width: max(2, rest.width - 2)).prefix(rest.height) {
      frame.put(
        line.text, row: rest.row, column: rest.column + 1, width: rest.width - 2, role: line.role)
      rest = rest.below(1)
    }
    let tables = Self.detailTables(of: node, self)
    for (index, table) in tables.enumerated() where rest.height > 1 {
      let share = rest.height / (tables.count - index)
      let count = min(table.rows.count, max(1, share - 1), rest.height - 1)
      let rows = Array(table.rows.prefix(count))
      // Tables of the same columns stand in line.
      let alike = tables.filter { $0.columns.count == table.columns.count }.flatMap(\.rows)
      let layout = Layout(table.columns, rows: alike, width: rest.width - 2)
      frame.putHeader(layout, row: rest.row, column: rest.column + 1)
      for (offset, row) in rows.enumerated() {
        frame.put(row, in: layout, row: rest.row + 1 + offset, column: rest.column + 1)
      }
      rest = rest.below(count + 1)
    }
  }

  /// `greeter-web-1-42@127.0.0.1 · OTP 25 · ERTS 13.1.5 · 4 schedulers`
  private static func title(of node: NodeReport) -> String {
    guard let snapshot = node.snapshot else { return node.name }
    let (online, all) = (snapshot.schedulersOnline, snapshot.schedulers)
    let schedulers = online == all ? count(all, "scheduler") : "\(online) of \(all) schedulers"
    return "\(node.name) · OTP \(snapshot.otp) · ERTS \(snapshot.erts) · \(schedulers)"
  }

  private static func count(_ count: Int, _ word: String) -> String {
    "\(count) \(word)" + (count == 1 ? "" : "s")
  }

  func detailTexts(of node: NodeReport, width: Int) -> [Cell] {
    var lines: [Cell] = []
    func add(_ text: String, _ role: Role = .text, most: Int = 2) {
      lines += Printable.wrap(text, to: width, most: most).map { Cell($0, role) }
    }
    if let hindrance = Wording.hindrance(of: node) {
      add(hindrance, Self.role(of: node), most: 3)
      if let remedy = node.cause?.remedy { add(remedy) }
      for evidence in (node.cause?.evidence ?? []).prefix(4) {
        add("\(evidence.place): \(evidence.text)", .aside)
      }
    }
    guard let snapshot = node.snapshot else { return lines }
    if node.state == .down { add("What follows is the last that it told.", .aside) }
    for (word, usage) in Self.usages(of: snapshot) where usage.isHigh {
      add("\(Wording.percent(usage))% of the \(word) that it may have are in use.", .warning)
    }
    add(Self.memory(snapshot.memory))
    let counts = Self.usages(of: snapshot).map { word, usage in
      "\(word) \(Wording.number(usage.count))/\(Wording.count(usage.limit))"
    }
    add("counts  " + counts.joined(separator: ", "))
    add("run queues  " + Self.queues(snapshot.runQueues), most: 1)
    let peers = snapshot.peers.prefix(20).joined(separator: ", ")
    add("peers  " + (peers.isEmpty ? "none" : peers))
    return lines
  }

  private static func usages(
    of snapshot: NodeSnapshot
  ) -> [(String, NodeSnapshot.Usage)] {
    [
      ("processes", snapshot.processes), ("ports", snapshot.ports), ("atoms", snapshot.atoms),
      ("ETS", snapshot.ets),
    ]
  }

  private static func memory(_ memory: NodeSnapshot.Memory) -> String {
    let kinds = [
      ("atoms", memory.atom), ("binaries", memory.binary), ("code", memory.code),
      ("ETS", memory.ets),
    ].map { "\($0) \(ByteCount.text($1))" }
    return
      "memory  \(ByteCount.text(memory.total)): processes \(ByteCount.text(memory.processes)), "
      + "system \(ByteCount.text(memory.system)) (\(kinds.joined(separator: ", ")))"
  }

  /// Each queue's length, of very many only the sum.
  private static func queues(_ lengths: [Int]) -> String {
    if lengths.isEmpty { return "–" }
    if lengths.count <= 24 { return lengths.map(String.init).joined(separator: " ") }
    let sum = lengths.reduce(0) { $0.clampedAdding($1) }
    return "\(Wording.number(sum)) waiting in \(lengths.count)"
  }

  static func detailTables(of node: NodeReport, _ model: Model) -> [PaneTable] {
    [
      leaders("LARGEST PROCESSES", Array((node.survey?.largest ?? []).prefix(5))),
      leaders("BUSIEST PROCESSES", Array((node.survey?.busiest ?? []).prefix(5))),
      leaders("LONGEST QUEUES", Array((node.survey?.queues ?? []).prefix(5))),
      happenings(of: node, model),
    ].filter { !$0.rows.isEmpty }
  }

  private static func leaders(_ title: String, _ leaders: [ProcessSurvey.Leader]) -> PaneTable {
    PaneTable(
      columns: [
        Column(title, minimum: 18), Column("PID", minimum: 9, yields: 1),
        Column("REDUCTIONS", .right, minimum: 10, yields: 3),
        Column("MESSAGES", .right, minimum: 8, yields: 2), Column("MEM", .right, minimum: 6),
      ],
      rows: leaders.map { leader in
        [
          Cell(leader.name), Cell(leader.pid, .aside),
          Cell(leader.reductions.map { Wording.number($0) } ?? "–"),
          Cell(Wording.number(leader.messages)), Cell(ByteCount.text(leader.memory)),
        ]
      })
  }

  /// The newest at the top, as there may be room for few.
  private static func happenings(of node: NodeReport, _ model: Model) -> PaneTable {
    PaneTable(
      columns: [
        Column("TIME", minimum: 8), Column("WHAT HAPPENED", minimum: 20, grows: true),
      ],
      rows: node.happenings.suffix(20).reversed().map { happening in
        let time = Wording.moment(happening.time, now: model.now, utcOffset: model.utcOffset)
        return [Cell(time, .aside), Cell(happening.text, happening.isBad ? .bad : .text)]
      })
  }
}
