import EventLog
import Events
import HomeLayout
import JSONText
import Journal

struct EventFilter {
  let app: String?
  private let type: Glob?
  private let sieve: EventSieve
  private let after: UInt64?
  private let since: Timestamp?
  private let until: Timestamp?
  /// How many of the last matching events to show; nil for all.
  private let count: Int?
  /// The number of the last event when the command began, since events may be written faster than they are read.
  var end = UInt64.max

  init(_ call: CommandCall) throws(Cause) {
    app = call.arguments["--app"]
    type = call.arguments["--type"].map { Glob($0) }
    sieve = EventSieve(app: app, type: type)
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

  /// Whether only the app is filtered by; then no match means that the app has no events.
  var isOnlyApp: Bool { type == nil && after == nil && since == nil && until == nil }

  /// Whether a line may match, judged without decoding its event.
  func mayMatch(_ line: Line) -> Bool {
    (after ?? 0 < line.sequence && line.sequence <= end) && line.time >= since ?? line.time
      && line.time <= until ?? line.time && sieve.mayPass(line.bytes)
  }

  /// Whether an event matches whose line has passed `mayMatch`.
  func matches(app: String?, type: String) -> Bool {
    (self.app == nil || app == self.app) && self.type?.matches(type) ?? true
  }

  private func matches(_ line: Line) -> Bool {
    guard mayMatch(line) else { return false }
    if app == nil && type == nil { return true }
    let envelope = EventEnvelope(line) ?? .unreadable
    return matches(app: envelope.app, type: envelope.typeName)
  }

  /// Whether neither this line nor a later one can match.
  func isOver(at line: Line) -> Bool {
    line.sequence > end || until.map { line.time > $0 } ?? false
  }
}

extension EventFilter {
  /// A range of adjacent segments of a log.
  struct Stretch {
    var start: Cursor
    /// The number of the first event after it.
    var end: UInt64
  }

  struct Places {
    /// Oldest first. Without `until`, the last one extends to the end of the log.
    var stretches: [Stretch]
    /// How many matching events in the stretches come before those to show.
    var skipped = 0
    /// The damaged parts that the search skipped.
    var damage: [Damage] = []
  }

  /// Where to read. The last events are searched from the newest segment backwards, each time in twice as many
  /// segments. Only segments with matching events are read again.
  func places(in log: DurableLog) throws(EventLogError) -> Places {
    var first = Cursor.start
    if let after { first = try log.cursor(before: after) }
    if let since {
      let place = try log.cursor(before: since)
      if place.segment > first.segment { first = place }
    }
    guard let count else { return Places(stretches: [Stretch(start: first, end: .max)]) }
    let last = try until.map { time throws(EventLogError) in try log.cursor(before: time + 1) }
    let segments = try log.segments()
    let wanted = segments.indices.filter {
      segments[$0] >= first.segment && segments[$0] <= last?.segment ?? .max
    }
    guard let oldest = wanted.first, let newest = wanted.last else {
      return Places(stretches: [Stretch(start: first, end: .max)])
    }
    func end(of index: Int) -> UInt64 {
      index + 1 < segments.count ? segments[index + 1] : .max
    }
    var places = Places(stretches: [])
    var counts: [UInt64: Int] = [:]
    var (index, step) = (newest + 1, 1)
    repeat {
      let stretch = Stretch(
        start: Cursor(segment: segments[max(oldest, index - step)]), end: end(of: index - 1))
      places.damage = try tally(log, stretch, &counts) + places.damage
      (index, step) = (max(oldest, index - step), 2 * step)
    } while index > oldest && counts.values.reduce(0, +) < count
    var found = 0
    for index in (index...newest).reversed() {
      let more = counts[segments[index]] ?? 0
      if more == 0, index < newest { continue }
      if let later = places.stretches.first, later.start.segment == end(of: index) {
        places.stretches[0].start = Cursor(segment: segments[index])
      } else {
        let stretch = Stretch(start: Cursor(segment: segments[index]), end: end(of: index))
        places.stretches.insert(stretch, at: 0)
      }
      found += more
      if found >= count { break }
    }
    places.skipped = max(0, found - count)
    return places
  }

  /// Counts the matching events of each segment.
  /// - Returns: the damaged parts that were skipped.
  private func tally(_ log: DurableLog, _ stretch: Stretch, _ counts: inout [UInt64: Int])
    throws(EventLogError) -> [Damage]
  {
    var reader = Reader(log, from: stretch.start)
    while reader.cursor.sequence + 1 < stretch.end {
      let lines = try reader.next()
      if lines.isEmpty { break }
      counts[reader.cursor.segment, default: 0] += lines.count {
        $0.sequence < stretch.end && matches($0)
      }
    }
    return reader.damage
  }

  /// The number of the oldest event, if the filter also asks for events before it.
  func lost(of log: DurableLog) throws(EventLogError) -> UInt64? {
    guard let oldest = try log.segments().first, oldest > 1 else { return nil }
    if let after, after < oldest - 1 { return oldest }
    var reader = Reader(log, from: Cursor(segment: oldest))
    guard let since, let line = try reader.next(limit: 1).first, line.time > since else {
      return nil
    }
    return oldest
  }
}

extension EventJournal {
  func names(_ app: String) throws(Cause) -> Bool {
    let sieve = EventSieve(app: app)
    return try contains { sieve.mayPass($0.bytes) && EventEnvelope($0)?.app == app }
  }

  /// Whether the log has an event of a type, with the id of a slug in its data as `slug`.
  func has(_ type: String, of slug: String) throws(Cause) -> Bool {
    try contains { line in
      guard EventEnvelope(line)?.typeName == type else { return false }
      var event = Event(sequence: line.sequence, time: line.time)
      event.read(line)
      let named = event.data.slug ?? Self.slug(in: event.foreign)
      return named.map { $0.utf8.count >= 12 && slug.hasPrefix($0) } ?? false
    }
  }

  private static func slug(in data: [UInt8]) -> String? {
    struct Named: Decodable { var slug: String? }
    return (try? JSON.decode(Named.self, from: data))?.slug
  }

  private func contains(_ isMeant: (Line) -> Bool) throws(Cause) -> Bool {
    do throws(EventLogError) {
      var reader = Reader(log)
      while true {
        let lines = try reader.next()
        if lines.isEmpty { return false }
        if lines.contains(where: isMeant) { return true }
      }
    } catch { throw Cause(error) }
  }
}

extension CommandCall {
  fileprivate func time(_ option: String) throws(Cause) -> Timestamp? {
    guard let text = arguments[option] else { return nil }
    switch try HistoryPoint(typed: text) {
    case .time(let time): return time
    case .sequence:
      throw Cause(
        .usage, "'\(text)' is not a time",
        remedy: "What comes after an event's number: --after \(text)")
    }
  }
}
