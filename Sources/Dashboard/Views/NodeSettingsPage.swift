import NodeModel
import PlainText
import Terminal

/// The page of one node's settings: its flags, its releases, its applications' environment.
struct NodeSettingsPage: TableBody {
  /// Nil when the node is gone.
  let node: NodeReport?
  let list: ListPosition

  func table(width: Int) -> TableView {
    guard let node else { return TableView(heading: [Cell(Wording.sentence(.noNode))]) }
    let title = Cell("\(node.name) · settings · Esc goes back", .aside)
    guard let settings = node.settings else {
      let hindrance = Wording.hindrance(of: node) ?? "Reading its settings …"
      return TableView(heading: [title, Cell(hindrance, node.role)])
    }
    let lines = Self.lines(of: settings, list.filter, width: width - 5)
    if lines.isEmpty { return TableView(heading: [title, Cell("Nothing matches.", .aside)]) }
    return TableView(
      heading: [title], columns: [Column("", minimum: 8, grows: true)], count: lines.count,
      line: { .row([lines[$0]]) }, top: list.top)
  }

  private static func lines(of settings: NodeSettings, _ filter: Filter, width: Int) -> [Cell] {
    func part(_ title: String, _ texts: [String]) -> [Cell] {
      let shown = texts.filter { filter.passes([$0]) }
      if shown.isEmpty { return [] }
      return [Cell(title, .title)] + shown.flatMap { wrapped($0, width: width) }
    }
    let releases = settings.releases.map { "\($0.name) \($0.version)  \($0.status)" }
    let values = settings.values.map { "\($0.application) \($0.key) = \($0.text)" }
    return part("Flags", settings.flags) + part("Releases (release handler)", releases)
      + part("Configuration (application environment)", values)
  }

  /// The lines of a text; a long value is wrapped.
  private static func wrapped(_ text: String, width: Int) -> [Cell] {
    if text.utf8.count <= width { return [Cell(" " + text)] }
    return Printable.wrap(text, to: max(2, width), most: 6).enumerated().map { index, line in
      Cell((index == 0 ? " " : "   ") + line)
    }
  }
}
