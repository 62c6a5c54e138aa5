import Events
import HomeLayout
import Terminal

/// The Previews view: all previews with their addresses and leases.
struct PreviewsView: TableBody {
  var previews: [PreviewReport]
  var list: ListPosition
  /// The selected one.
  var cursor: String?
  /// The text of an empty list.
  var empty: [Cell]
  var clock: WallClock

  func table(width: Int) -> TableView {
    if previews.isEmpty { return TableView(heading: empty) }
    let now = clock.now
    return TableView.list(
      previews, list, Self.columns, isSelected: { $0.app == cursor },
      note: { preview in preview.cause.map { Cell($0.sentence, preview.state.role) } },
      row: { Self.row(of: $0, at: now) })
  }

  private static let columns = [
    Column("PREVIEW", minimum: 8), Column("STATE", minimum: 5, yields: 1),
    Column("URL", minimum: 12, yields: 3), Column("LEASE", .right, minimum: 4, yields: 2),
    Column("COMMIT", minimum: 7, yields: 5), Column("BY", minimum: 2, yields: 6),
    Column("AGE", .right, minimum: 3, yields: 4), Column("SUBJECT", minimum: 8, yields: 7),
  ]

  private static func row(of preview: PreviewReport, at now: Timestamp) -> [Cell] {
    [
      Cell(preview.app + (preview.fork ? " (fork)" : "")),
      Cell(preview.state.rawValue, preview.state.role), Cell(preview.url ?? "–", .aside),
      Cell(preview.leaseText(at: now), preview.isEnding(at: now) ? .warning : .text),
      Cell(String(preview.commit?.prefix(7) ?? "–"), .aside), Cell(preview.by ?? "–"),
      Cell(preview.time.map { Wording.age(since: $0, at: now) } ?? "–", .aside),
      Cell(preview.line ?? "", .aside),
    ]
  }
}

extension PreviewReport {
  /// Whether its lease ends within a day.
  fileprivate func isEnding(at now: Timestamp) -> Bool {
    until.map { $0 - now < 86_400_000 } ?? false
  }
}

extension PreviewReport.State {
  fileprivate var role: Role {
    switch self {
    case .ready: .ready
    case .starting, .closing: .busy
    case .unready: .warning
    case .crashed, .leftover: .bad
    case .new, .stopped, .asleep: .idle
    }
  }
}
