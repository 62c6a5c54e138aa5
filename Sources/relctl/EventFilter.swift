import CommandLine
import EventLog
import Journal
import Posix
import ReleaseModel

/// Which events are asked for.
struct EventFilter {
  let app: String?
  private let type: Glob?
  private let after: UInt64?
  private let since: Timestamp?
  private let until: Timestamp?
  /// How many of the last; nil for all.
  private let count: Int?
  /// The last number there was when it was asked: a writer may be faster than we are.
  var end = UInt64.max

  init(_ call: Call) throws(Cause) {
    app = call.arguments["--app"]
    type = call.arguments["--type"].map { Glob($0) }
    after = try call.arguments["--after"].map { text throws(Cause) in
      guard let number = UInt64(text), number < 1_000_000_000_000_000 else {
        throw Cause(
          .usage, "'\(text)' is no number of an event", remedy: "As in: relctl events --after 1200")
      }
      return number
    }
    since = try call.time("--since")
    until = try call.time("--until")
    if let since, let until, until < since {
      throw Cause(
        .usage, "--until is before --since", remedy: "From \(since) to \(until) is nothing.")
    }
    if until != nil, call.arguments.has("--follow") {
      throw Cause(.usage, "--until cannot go with --follow", remedy: "Leave one of them out.")
    }
    let isWhole = call.wantsJSON || after != nil || since != nil
    count = try call.lineCount() ?? (isWhole ? nil : 100)
  }

  /// By what can be told without reading the event.
  func mayMatch(_ line: Line) -> Bool {
    (after ?? 0 < line.sequence && line.sequence <= end) && line.time >= since ?? line.time
      && line.time <= until ?? line.time
  }

  func matches(_ event: Event) -> Bool {
    (app == nil || event.app == app) && type?.matches(event.typeName) ?? true
  }

  /// Whether nothing that is asked for comes after it.
  func isOver(at line: Line) -> Bool {
    line.sequence > end || until.map { line.time > $0 } ?? false
  }
}

// MARK: - Where to begin

extension EventFilter {
  /// Where to begin reading, and how many of the matching events from there are too many. Reads no more of the log
  /// than it must: what is before is never looked at, and the last ones are looked for from the newest segment back.
  func place(in log: EventLog) throws(EventLogError) -> (cursor: Cursor, skipped: Int) {
    var first = Cursor.start
    if let after { first = try log.cursor(before: after) }
    if let since {
      let place = try log.cursor(before: since)
      if place.segment > first.segment { first = place }
    }
    guard let count else { return (first, 0) }
    let last = try until.map { time throws(EventLogError) in try log.cursor(before: time + 1) }
    let segments = try log.segments()
      .filter { $0 >= first.segment && $0 <= last?.segment ?? .max }
    var (found, oldest) = (0, segments.last)
    for (index, segment) in segments.enumerated().reversed() {
      let next = index + 1 < segments.count ? segments[index + 1] : .max
      let more = try self.count(in: log, from: segment, to: next)
      if more > 0 { oldest = segment }
      found += more
      if found >= count { break }
    }
    return (oldest.map { Cursor(segment: $0) } ?? first, max(0, found - count))
  }

  /// The oldest event, where what is asked for begins before it.
  func lost(of log: EventLog) throws(EventLogError) -> UInt64? {
    guard let oldest = try log.segments().first, oldest > 1 else { return nil }
    if let after, after < oldest - 1 { return oldest }
    var reader = Reader(log, from: Cursor(segment: oldest))
    guard let since, let line = try reader.next(limit: 1).first, line.time > since else {
      return nil
    }
    return oldest
  }

  /// Matching events of a segment.
  private func count(in log: EventLog, from segment: UInt64, to next: UInt64)
    throws(EventLogError) -> Int
  {
    var reader = Reader(log, from: Cursor(segment: segment))
    var count = 0
    while reader.cursor.sequence + 1 < next {
      let lines = try reader.next()
      if lines.isEmpty || reader.cursor.segment > segment { break }
      count += lines.count { mayMatch($0) && ((app == nil && type == nil) || matches(Event($0))) }
    }
    return count
  }
}

extension Journal {
  /// Whether an event is about this app.
  func names(_ app: String) throws(Cause) -> Bool {
    do throws(EventLogError) {
      var reader = Reader(log)
      while true {
        let lines = try reader.next()
        if lines.isEmpty { return false }
        if lines.contains(where: { Event($0).app == app }) { return true }
      }
    } catch { throw Cause(error) }
  }
}

extension Call {
  fileprivate func time(_ option: String) throws(Cause) -> Timestamp? {
    guard let text = arguments[option] else { return nil }
    switch try Moment(typed: text) {
    case .time(let time): return time
    case .sequence:
      throw Cause(
        .usage, "'\(text)' is no moment",
        remedy: "What comes after an event's number: --after \(text)")
    }
  }
}
