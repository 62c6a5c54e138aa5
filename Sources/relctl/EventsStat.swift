import CommandLine
import EventLog
import Events
import HomeLayout
import Journal

extension Command {
  static let eventsStat = Command(
    CommandSyntax(
      "events stat", "", "show what the event log holds, and how much", options: [.json])
  ) { call throws(Cause) in
    let stat = try LogStat(call.journal())
    if call.wantsJSON { return call.report(json: stat) }
    var rows: [[String]] = []
    if let first = stat.first, let last = stat.last {
      rows += [["first", "\(first.sequence)", "\(first.time)"]]
      rows += [["last", "\(last.sequence)", "\(last.time)"]]
    }
    rows += [
      ["events", Grouped.text(stat.events)], ["segments", "\(stat.segments)"],
      ["bytes", Grouped.text(stat.size)], ["checkpoints", "\(stat.checkpoints)"],
    ]
    let types = stat.types.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    let top = types.prefix(LogStat.top).map { ["  \($0.key)", Grouped.text($0.value)] }
    call.context.print(trimmed(Table.render(rows)))
    if !top.isEmpty { call.context.print(call.shown(trimmed(Table.render(top)))) }
    if types.count > LogStat.top {
      call.context.print("  and \(types.count - LogStat.top) types more: relctl events stat --json")
    }
    return .success
  }
}

/// What `events stat --json` prints.
private struct LogStat: Encodable {
  struct Edge: Encodable {
    var sequence: UInt64
    var time: Timestamp
  }

  static let top = 12

  var first: Edge?
  var last: Edge?
  var events: Int
  var segments: Int
  var size: Int
  var checkpoints: Int
  var types: [String: Int] = [:]

  init(_ journal: EventJournal) throws(Cause) {
    do throws(EventLogError) {
      var types: [String: Int] = [:]
      var (first, last): (Edge?, Edge?)
      let found = try journal.log.verify { line in
        let edge = Edge(sequence: line.sequence, time: line.time)
        (first, last) = (first ?? edge, edge)
        types[Event(line).typeName, default: 0] += 1
      }
      (self.first, self.last, self.types) = (first, last, types)
      (events, segments, size) = (found.lines, found.segments, found.size)
      checkpoints = try journal.log.checkpoints().count
    } catch { throw Cause(error) }
  }
}
