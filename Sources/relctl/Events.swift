import CommandLine
import EventLog
import Journal
import PlainText
import Posix
import ReleaseModel

extension Verb {
  static let events = Verb(
    Command(
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

/// The events that were asked for, on their way to standard output.
private struct EventListing {
  private let call: Call
  private let journal: Journal
  private var filter: EventFilter
  private let isTerminal: Bool
  private var reader: Reader
  /// Matching events that are still to be passed over.
  private var skipped = 0
  private var isNamed = false
  private var pending: [UInt8] = []
  private var damageTold = 0

  init(_ call: Call, _ journal: Journal, _ filter: EventFilter) {
    (self.call, self.journal, self.filter) = (call, journal, filter)
    isTerminal = call.context.isTerminal
    reader = Reader(journal.log)
  }

  mutating func follow() throws(Cause) -> Outcome {
    let output = call.context.output.descriptor
    do {
      let signals = try Signals([2, 15])
      var watch = Watch(journal.log)
      try begin()
      filter.end = .max
      var isAsked = false
      try show {
        isAsked = isAsked || signals.next() != nil
        return isAsked
      }
      try checkApp()
      while !isAsked {
        let ready = try Poll.wait(
          [signals.file.descriptor] + [watch.descriptor].compactMap { $0 }, written: [output],
          milliseconds: watch.descriptor == nil ? Watch.fallback : nil)
        isAsked = signals.next() != nil || ready.contains(output)
        if watch.hasChanged() { try show { isAsked } }
      }
      return .success
    } catch { throw (error as? Cause) ?? Cause(.system, "\(error)") }
  }

  mutating func showPast() throws(Cause) {
    try begin()
    try show { false }
    try checkApp()
  }

  private mutating func begin() throws(Cause) {
    do throws(EventLogError) {
      filter.end = try journal.log.lastLine()?.sequence ?? 0
      if let oldest = try filter.lost(of: journal.log) {
        call.context.note(
          "relctl: what was before event \(oldest) is not kept any more; see: relctl events retention"
        )
      }
      let place = try filter.place(in: journal.log)
      reader = Reader(journal.log, from: place.cursor)
      skipped = place.skipped
    } catch { throw Cause(error) }
  }

  /// An app may be known from its own events only, or be on the board and have none left.
  private func checkApp() throws(Cause) {
    if let app = filter.app, !isNamed, try !journal.names(app) { _ = try call.app(app) }
  }

  /// - Parameter isOver: asked now and then whether nobody wants the rest.
  private mutating func show(_ isOver: () -> Bool) throws(Cause) {
    var isDone = isOver()
    while !isDone {
      let lines: [Line]
      do throws(EventLogError) { lines = try reader.next() } catch { throw Cause(error) }
      isDone = lines.isEmpty || isOver()
      for line in lines {
        isDone = isDone || filter.isOver(at: line)
        if filter.mayMatch(line) { take(line, Event(line)) }
      }
      flush()
    }
    let damage = Array(reader.damage[damageTold...])
    damageTold = reader.damage.count
    let id = ProblemID.logDamaged.rawValue
    for damage in try journal.untold(damage) {
      call.context.note("relctl: \(damage.path): offset \(damage.offset): \(damage) [\(id)]")
    }
  }

  private mutating func take(_ line: Line, _ event: Event) {
    guard filter.matches(event) else { return }
    isNamed = true
    if skipped > 0 {
      skipped -= 1
      return
    }
    let bytes = call.wantsJSON ? Self.json(line, event) : Self.text(event)
    pending += isTerminal ? Array(Printable.clean(utf8: bytes).utf8) : bytes
    pending.append(UInt8(ascii: "\n"))
    if pending.count > 65_536 { flush() }
  }

  /// As it stands in the log; what is right by its checksum but no event must not break who reads on.
  private static func json(_ line: Line, _ event: Event) -> [UInt8] {
    event.id.isEmpty ? JSON.encode(event) : line.bytes
  }

  private static func text(_ event: Event) -> [UInt8] {
    let words = [
      "\(event.time)", "\(event.sequence)", event.typeName, event.app ?? "–", event.summary,
    ]
    return Array(words.filter { !$0.isEmpty }.joined(separator: " ").utf8)
  }

  private mutating func flush() {
    if !pending.isEmpty { call.context.print(bytes: pending) }
    pending = []
  }
}
