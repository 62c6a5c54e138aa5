import Events
import NodeModel
import PlainText
import Terminal

/// A small table in a pane.
struct PaneTable {
  var columns: [Column]
  var rows: [[Cell]]
}

/// The pane of one node: why it cannot be asked, its numbers, its busiest processes and its last events.
struct NodeDetail: Pane {
  let node: NodeReport
  let clock: WallClock

  func wantedRows(in body: Area) -> Int {
    lines(width: max(2, body.width - 2)).count + 1 + tables.reduce(0) { $0 + $1.rows.count + 1 }
  }

  func draw(_ frame: inout Frame, _ area: Area) {
    frame.put(area.paneRule, row: area.row, title: Self.title(of: node))
    var rest = area.below(1)
    let lines = lines(width: max(2, rest.width - 2))
    frame.put(lines, in: rest)
    rest = rest.below(lines.count)
    let tables = tables
    for (index, table) in tables.enumerated() where rest.height > 1 {
      let share = rest.height / (tables.count - index)
      let count = min(table.rows.count, max(1, share - 1), rest.height - 1)
      // Tables with the same number of columns are aligned.
      let alike = tables.filter { $0.columns.count == table.columns.count }.flatMap(\.rows)
      let layout = Layout(table.columns, rows: alike, width: rest.width - 2)
      frame.putHeader(layout, row: rest.row, column: rest.column + 1)
      frame.put(table.rows.prefix(count), in: rest.below(1), layout)
      rest = rest.below(count + 1)
    }
  }

  /// `greeter-web-1-42@127.0.0.1 · OTP 25 · ERTS 13.1.5 · 4 schedulers`
  private static func title(of node: NodeReport) -> String {
    guard let snapshot = node.snapshot else { return node.name }
    let (online, all) = (snapshot.schedulersOnline, snapshot.schedulers)
    let schedulers =
      online == all ? Heading.count(all, "scheduler") : "\(online) of \(all) schedulers"
    return "\(node.name) · OTP \(snapshot.otp) · ERTS \(snapshot.erts) · \(schedulers)"
  }

  private func lines(width: Int) -> [Cell] {
    var lines: [Cell] = []
    func add(_ text: String, _ role: Role = .text, most: Int = 2) {
      lines += Printable.wrap(text, to: width, most: most).map { Cell($0, role) }
    }
    if let hindrance = Wording.hindrance(of: node) {
      add(hindrance, node.role, most: 3)
      if let remedy = node.cause?.remedy { add(remedy) }
      for evidence in (node.cause?.evidence ?? []).prefix(4) {
        add("\(evidence.place): \(evidence.text)", .aside)
      }
    }
    guard let snapshot = node.snapshot else { return lines }
    if node.state == .down { add("Its last answers follow.", .aside) }
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

  private static func usages(of snapshot: NodeSnapshot) -> [(String, NodeSnapshot.Usage)] {
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

  /// The length of each queue; only the sum if there are very many.
  private static func queues(_ lengths: [Int]) -> String {
    if lengths.isEmpty { return "–" }
    if lengths.count <= 24 { return lengths.map(String.init).joined(separator: " ") }
    let sum = lengths.reduce(0) { $0.clampedAdding($1) }
    return "\(Wording.number(sum)) waiting in \(lengths.count)"
  }

  private var tables: [PaneTable] {
    [
      Self.leaders("LARGEST PROCESSES", Array((node.survey?.largest ?? []).prefix(5))),
      Self.leaders("BUSIEST PROCESSES", Array((node.survey?.busiest ?? []).prefix(5))),
      Self.leaders("LONGEST QUEUES", Array((node.survey?.queues ?? []).prefix(5))),
      events,
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

  /// The newest first, as there may be room for few.
  private var events: PaneTable {
    PaneTable(
      columns: [Column("TIME", minimum: 8), Column("WHAT HAPPENED", minimum: 20, grows: true)],
      rows: node.happenings.suffix(20).reversed().map { happening in
        [
          Cell(Wording.moment(happening.time, clock), .aside),
          Cell(happening.text, happening.isBad ? .bad : .text),
        ]
      })
  }
}
