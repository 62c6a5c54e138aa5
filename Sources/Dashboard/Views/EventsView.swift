import Events
import Terminal

/// The Events view: the newest events of the log, oldest first.
struct EventsView: BodyView {
  var events: Feed<Event>
  var filter: Filter
  var clock: WallClock

  func rows(in body: Area) -> Int { body.height - (TableView.showsTitles(body.height) ? 1 : 0) }

  func draw(_ frame: inout Frame, in body: Area) {
    let (window, _) = events.window(height: rows(in: body), passes: filter.passes)
    if window.isEmpty {
      let text = events.rows.isEmpty ? "No event yet." : "No event matches."
      return frame.put([Cell(text, .aside)], in: body)
    }
    let rows = window.map { Self.row(of: $0.row, among: events.rows, clock) }
    TableView.table([], Self.columns, rows).draw(&frame, body)
  }

  private static let columns = [
    Column("TIME", minimum: 8, yields: 1), Column("EVENT", minimum: 19),
    Column("APP", minimum: 7, yields: 2), Column("WHAT", minimum: 10, grows: true, yields: 3),
    Column("BY", minimum: 4, yields: 2),
  ]

  /// - Parameter events: those among which the request that the event names is looked up.
  static func row(of event: Event, among events: [Event], _ clock: WallClock) -> [Cell] {
    let request = event.data.request.flatMap { id in events.last { $0.id == id } }
    return [
      Cell(Wording.moment(event.time, clock), .aside),
      Cell(event.typeName, EventSummary.role(of: event)), Cell(event.app ?? "–"),
      Cell(EventSummary.text(of: event, asked: request)), Cell(event.data.by ?? "", .aside),
    ]
  }
}
