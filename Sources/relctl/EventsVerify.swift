import CommandLine
import EventLog
import Journal
import Posix
import ReleaseModel

extension Verb {
  static let eventsVerify = Verb(
    Command("events verify", "", "read the whole event log and say what is wrong", options: [.json])
  ) { call throws(Cause) in
    let found = try call.journal().verify()
    if call.wantsJSON {
      call.print(json: LogReport(found))
    } else if found.damage.isEmpty {
      call.context.print("\(found.summary): all well")
    } else {
      for damage in found.damage { call.context.print("\(damage.place): \(damage)") }
    }
    if !call.wantsJSON, let rest = found.unfinished {
      call.context.note("relctl: \(rest.place): \(rest); nobody was told that it is there")
    }
    if found.damage.isEmpty { return .success }
    let count = found.damage.count
    throw Cause(
      .logDamaged, "the event log has \(count) problem\(count == 1 ? "" : "s")",
      remedy: found.damage.contains(where: \.canBeRepaired)
        ? "Set aside what is no event: relctl events repair"
        : "Nothing is to be done: whole events stay as they are.")
  }

  static let eventsRepair = Verb(
    Command(
      "events repair", "", "set aside what is no event in the log, and write down what is gone",
      details: """
        What is taken out is kept in a file under events/aside. No event moves; whole events stay
        as they are. Programs that read or write the log go on meanwhile.
        """)
  ) { call throws(Cause) in
    let journal = try call.journal()
    let before = try journal.verify()
    if before.segments == 0 {
      call.context.print("nothing to repair: \(before.summary)")
      return .success
    }
    let done: Repair
    do throws(EventLogError) { done = try journal.log.repair() } catch { throw Cause(error) }
    for damage in done.taken {
      call.context.print("\(damage.place): took \(damage.length) bytes into \(done.aside ?? "?")")
    }
    if done.restored > 0 {
      call.context.print("restored \(done.restored) events that had lost the end of their line")
    }
    if let rest = before.unfinished { call.context.print("\(rest.place): \(rest); set aside") }
    let told = try call.tell(done, journal)
    let after = try journal.verify()
    for damage in after.damage { call.context.print("\(damage.place): \(damage); left as it is") }
    if !told, before.unfinished == nil, after.damage.isEmpty {
      call.context.print("nothing to repair: \(after.summary)")
    }
    return .success
  }

  static let eventsStat = Verb(
    Command("events stat", "", "show what the event log holds, and how much", options: [.json])
  ) { call throws(Cause) in
    let stat = try LogStat(call.journal())
    if call.wantsJSON {
      call.print(json: stat)
      return .success
    }
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

extension Call {
  /// Writes down what a repair has done and which numbers are gone.
  ///
  /// Where the damage was at the end the gap is only there when the next event has its number, so it is looked for
  /// again. A run that was killed before it came here left its gaps untold.
  /// - Returns: whether there was anything.
  fileprivate func tell(_ done: Repair, _ journal: Journal) throws(Cause) -> Bool {
    var isUntold = !done.taken.isEmpty || done.restored > 0
    var aside = done.aside
    var wasTold = false
    while true {
      let missing = try journal.verify().damage.compactMap(\.missing)
      guard isUntold || !missing.isEmpty else { return wasTold }
      for numbers in missing {
        context.print("\(Gaps.text(numbers)) \(numbers.count == 1 ? "is" : "are") gone")
      }
      let event = try journal.append(
        .logRepaired, app: nil,
        EventData {
          $0.by = user
          $0.missing = missing.isEmpty ? nil : missing.map(Gaps.text)
          $0.aside = aside
          $0.size = aside == nil ? nil : done.taken.reduce(0) { $0 + $1.length }
        })
      context.print("written down as event \(event.sequence)")
      (isUntold, aside, wasTold) = (false, nil, true)
    }
  }
}

extension Damage {
  /// `0000000000000001.jsonl: offset 512`
  fileprivate var place: String { "\(segment): offset \(offset)" }

  fileprivate var segment: String { String(path.split(separator: "/").last ?? "") }

  fileprivate var missing: ClosedRange<UInt64>? {
    if case .missing(let numbers) = kind { numbers } else { nil }
  }

  fileprivate var canBeRepaired: Bool {
    switch kind {
    case .unreadable, .unfinished, .missing: true
    case .again, .backInTime: false
    }
  }
}

extension Verification {
  fileprivate var summary: String {
    guard let first, let last else { return "the log is empty" }
    return "\(Grouped.text(lines)) \(lines == 1 ? "event" : "events") in \(segments) "
      + "\(segments == 1 ? "segment" : "segments"), \(first) to \(last)"
  }
}

/// Numbers for people.
enum Grouped {
  /// `1,204`
  static func text(_ number: Int) -> String {
    let digits = Array(String(number))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0, digits[index - 1] != "-" { text.append(",") }
      text.append(digit)
    }
    return text
  }
}

/// What `events verify --json` prints.
private struct LogReport: Encodable {
  struct Problem: Encodable {
    var segment: String
    var offset: Int
    var length: Int
    var what: String

    init(_ damage: Damage) {
      (segment, offset, length) = (damage.segment, damage.offset, damage.length)
      what = damage.description
    }
  }

  var events: Int
  var first: UInt64?
  var last: UInt64?
  var segments: Int
  var size: Int
  var problems: [Problem]
  var unfinished: Problem?

  init(_ found: Verification) {
    (events, first, last) = (found.lines, found.first, found.last)
    (segments, size) = (found.segments, found.size)
    problems = found.damage.map(Problem.init)
    unfinished = found.unfinished.map(Problem.init)
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

  init(_ journal: Journal) throws(Cause) {
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
