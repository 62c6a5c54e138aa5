import CommandLine
import EventLog
import Events
import JSONText
import Journal
import PlainText
import Posix

extension Command {
  static let events = Command(
    CommandSyntax(
      "events", "", "show the event log",
      details: """
        T is 10m, 2h or 3d ago, 07:05 or '2026-11-21 07:05' by the clock on the wall, or RFC 3339.
        GLOB is a type in which * and ? stand for anything: 'instance.*'. With --json, --after or
        --since everything from there is shown, else the last 100.
        """,
      options: [
        .follow, Option("--lines", short: "-n", value: "N", "how many of the last"), .json,
        Option("--app", value: "APP", "only this app's"),
        Option("--type", value: "GLOB", "only events of these types"),
        Option("--since", value: "T", "not what was before"),
        Option("--until", value: "T", "not what was after"),
        Option("--after", value: "SEQ", "only events with a greater number"),
      ])
  ) { call throws(Cause) in
    let filter = try EventFilter(call)
    var listing = EventListing(call, try call.journal(), filter)
    if call.arguments.has("--follow") { return try listing.follow() }
    try listing.showPast()
    return .success
  }
}

/// A listing of the matching events on standard output.
private struct EventListing {
  private let call: CommandCall
  private let journal: EventJournal
  private var filter: EventFilter
  private let isTerminal: Bool
  private var reader: Reader
  private var skipped = 0
  private var isNamed = false
  private var pending: [UInt8] = []
  private var damageTold: Set<Damage> = []

  init(_ call: CommandCall, _ journal: EventJournal, _ filter: EventFilter) {
    (self.call, self.journal, self.filter) = (call, journal, filter)
    isTerminal = call.context.isTerminal
    reader = Reader(journal.log)
  }

  mutating func follow() throws(Cause) -> Outcome {
    do {
      let signals = try Signals([.int, .term])
      var watch = Watch(journal.log)
      var loop = EventLoop<StreamSource>(signals: signals)
      loop.watch([.close(ofReaderOf: call.context.output.descriptor)], as: .reader)
      var isAsked = false
      try showPast(follows: true) {
        isAsked = isAsked || signals.next() != nil
        return isAsked
      }
      while !isAsked {
        loop.watch(watch.descriptor, as: .changes)
        let turn = try loop.wait(
          until: watch.descriptor == nil ? Clock.monotonic() + Watch.fallback : nil)
        isAsked = !turn.signals.isEmpty || turn.has(.reader)
        if watch.hasChanged() { try show(before: .max) { isAsked } }
      }
      return .success
    } catch { throw (error as? Cause) ?? Cause(.system, "\(error)") }
  }

  mutating func showPast(follows: Bool = false, isOver: () -> Bool = { false }) throws(Cause) {
    let places = try findPlaces()
    skipped = places.skipped
    if follows { filter.end = .max }
    for stretch in places.stretches {
      reader = Reader(journal.log, from: stretch.start)
      try show(before: stretch.end, isOver)
    }
    try tell(places.damage)
    try checkApp()
  }

  private mutating func findPlaces() throws(Cause) -> EventFilter.Places {
    do throws(EventLogError) {
      filter.end = try journal.log.lastLine()?.sequence ?? 0
      if let oldest = try filter.lost(of: journal.log) {
        call.context.note(
          "relctl: what was before event \(oldest) is not kept any more; see: relctl events retention"
        )
      }
      return try filter.places(in: journal.log)
    } catch { throw Cause(error) }
  }

  /// Throws if the app is unknown: it is neither on the board nor named by any event.
  private func checkApp() throws(Cause) {
    guard let app = filter.app, !isNamed else { return }
    let hasEvents = filter.isOnlyApp ? false : try journal.names(app)
    if !hasEvents { _ = try call.app(app) }
  }

  private mutating func show(before end: UInt64, _ isOver: () -> Bool) throws(Cause) {
    var isDone = isOver()
    while !isDone, reader.cursor.sequence + 1 < end {
      let lines: [Line]
      do throws(EventLogError) { lines = try reader.next() } catch { throw Cause(error) }
      isDone = lines.isEmpty || isOver()
      for line in lines {
        isDone = isDone || filter.isOver(at: line)
        if line.sequence < end, filter.mayMatch(line) { take(line) }
      }
      flush()
    }
    try tell(reader.damage)
  }

  /// Reports damage on standard error, each place once.
  private mutating func tell(_ damage: [Damage]) throws(Cause) {
    let id = ProblemID.logDamaged.rawValue
    for damage in try journal.untold(damage.filter { damageTold.insert($0).inserted }) {
      call.context.note("relctl: \(damage.path): offset \(damage.offset): \(damage) [\(id)]")
    }
  }

  /// Adds the line to the output if it matches. With --json only its envelope is decoded.
  private mutating func take(_ line: Line) {
    let start = pending.count
    if call.wantsJSON {
      let envelope = EventEnvelope(line)
      let (app, type) = (envelope?.app, (envelope ?? .unreadable).typeName)
      guard filter.matches(app: app, type: type), isShown() else { return }
      // A line with a correct checksum may still not be an event; encode it so that the reading program can parse it.
      pending += envelope == nil ? JSON.encode(Event(line)) : line.bytes
    } else {
      var event = Event(sequence: line.sequence, time: line.time)
      event.read(line)
      guard filter.matches(app: event.app, type: event.typeName), isShown() else { return }
      addText(of: event)
    }
    if isTerminal {
      let clean = Printable.clean(utf8: pending[start...])
      pending.replaceSubrange(start..., with: clean.utf8)
    }
    pending.append(UInt8(ascii: "\n"))
    if pending.count > 65_536 { flush() }
  }

  /// Whether to show a matching event, or to skip it because only the last ones are wanted.
  private mutating func isShown() -> Bool {
    isNamed = true
    if skipped == 0 { return true }
    skipped -= 1
    return false
  }

  private mutating func addText(of event: Event) {
    pending += event.time.description.utf8
    add(String(event.sequence))
    add(event.typeName)
    add(event.app ?? "–")
    let start = pending.count
    pending.append(UInt8(ascii: " "))
    event.addSummary(to: &pending)
    if pending.count == start + 1 { pending.removeLast() }
  }

  private mutating func add(_ word: String) {
    if word.isEmpty { return }
    pending.append(UInt8(ascii: " "))
    pending += word.utf8
  }

  private mutating func flush() {
    if !pending.isEmpty { call.context.print(bytes: pending) }
    pending.removeAll(keepingCapacity: true)
  }
}
