import NodeModel
import Terminal

/// The page of one application's processes, each under its supervisor.
struct SupervisionTreePage: TableBody {
  let application: String
  let node: NodeReport
  let list: ListPosition

  func table(width: Int) -> TableView {
    var heading = [
      Cell("\(application) in \(node.name) · supervision tree · Esc goes back", .aside)
    ]
    if let hindrance = Wording.hindrance(of: node) { heading.append(Cell(hindrance, node.role)) }
    guard let tree = node.tree, tree.application == application else {
      return TableView(heading: heading + [Cell("Reading it …", .aside)])
    }
    if let note = tree.note { heading.append(Cell(note, .warning)) }
    let filter = list.filter
    let entries =
      filter.isEmpty
      ? tree.entries
      : tree.entries.filter { filter.passes([$0.name, $0.pid ?? "", $0.doing, $0.kind.rawValue]) }
    if entries.isEmpty, tree.note == nil {
      heading.append(Cell(filter.isEmpty ? "It has no processes." : "No process matches."))
    }
    let levels = Branches.levels(below: entries)
    return TableView(
      heading: heading, columns: Self.columns, count: entries.count,
      line: { .row(Self.row(of: entries[$0], Branches.text(to: entries[$0], levels[$0]))) },
      top: list.top)
  }

  private static let columns = [
    Column("PROCESS", minimum: 16), Column("KIND", minimum: 6, yields: 3),
    Column("PID", minimum: 6, yields: 1), Column("DOING", minimum: 6, yields: 2),
  ]

  private static func row(of entry: SupervisionEntry, _ branches: String) -> [Cell] {
    if entry.kind == .more { return [Cell(branches + entry.name, .aside)] }
    let isRunning = entry.pid != nil
    return [
      Cell(branches + entry.name), Cell(entry.kind.rawValue, .aside),
      Cell(entry.pid ?? "–", .aside),
      Cell(
        isRunning || !entry.doing.isEmpty ? entry.doing : "not running",
        isRunning ? .text : .warning),
    ]
  }
}

/// The lines that lead to a process of a tree: `│ ├ `.
enum Branches {
  /// Deeper levels are not indented further.
  private static let deepest = 24

  /// For each entry the levels at which other entries follow below it, one bit each.
  static func levels(below entries: [SupervisionEntry]) -> [UInt32] {
    var levels = [UInt32](repeating: 0, count: entries.count)
    var open: UInt32 = 0
    for index in entries.indices.reversed() {
      levels[index] = open
      let own = UInt32(1) << UInt32(depth(of: entries[index]))
      open = open & (own - 1) | own
    }
    return levels
  }

  static func text(to entry: SupervisionEntry, _ levels: UInt32) -> String {
    let depth = depth(of: entry)
    if depth == 0 { return "" }
    func goesOn(_ level: Int) -> Bool { levels >> UInt32(level) & 1 == 1 }
    let trunk = (1..<depth).map { goesOn($0) ? "│ " : "  " }.joined()
    return trunk + (goesOn(depth) ? "├ " : "└ ")
  }

  private static func depth(of entry: SupervisionEntry) -> Int { min(max(0, entry.depth), deepest) }
}
