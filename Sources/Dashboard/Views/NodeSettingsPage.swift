import HomeLayout
import NodeModel
import PlainText
import Terminal

extension Model {
  /// What the opened node was started with.
  var settingsSheet: Sheet {
    guard let node = nodes.first(where: { $0.id == openSettings }) else {
      return Sheet(heading: [Cell(Wording.sentence(.noNode))])
    }
    let title = Cell("\(node.name) · settings · Esc goes back", .aside)
    guard let settings = node.settings else {
      let hindrance = Wording.hindrance(of: node) ?? "Reading its settings …"
      return Sheet(heading: [title, Cell(hindrance, Self.role(of: node))])
    }
    let lines = Self.lines(of: settings, Filter(filters[.settings]), width: geometry.body.width - 5)
    if lines.isEmpty { return Sheet(heading: [title, Cell("Nothing matches.", .aside)]) }
    return Sheet(
      heading: [title], columns: [Column("", minimum: 8, grows: true)], count: lines.count,
      line: { .row([lines[$0]]) })
  }

  private static func lines(
    of settings: NodeSettings, _ filter: Filter, width: Int
  ) -> [Cell] {
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

  /// A long value goes on in some more lines; a short one is not looked at.
  private static func wrapped(_ text: String, width: Int) -> [Cell] {
    if text.utf8.count <= width { return [Cell(" " + text)] }
    return Printable.wrap(text, to: max(2, width), most: 6).enumerated().map { index, line in
      Cell((index == 0 ? " " : "   ") + line)
    }
  }
}
