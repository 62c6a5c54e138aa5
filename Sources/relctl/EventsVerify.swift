import CommandLine
import EventLog
import Events
import HomeLayout
import Journal
import Posix

extension Command {
  static let eventsVerify = Command(
    CommandSyntax(
      "events verify", "", "read the whole event log and say what is wrong", options: [.json])
  ) { call throws(Cause) in
    let found = try call.journal().verify()
    if call.wantsJSON {
      call.print(json: LogReport(found))
    } else {
      for damage in found.damage { call.context.print("\(damage.place): \(damage)") }
      call.context.print(found.summary)
    }
    if !call.wantsJSON, let rest = found.unfinished {
      call.context.note("relctl: \(rest.place): \(rest); it was never acknowledged")
    }
    if found.damage.isEmpty { return .success }
    throw Cause(
      .logDamaged, "the event log has \(Grouped.text(found.damage.count, "problem"))",
      remedy: found.damage.contains(where: \.canBeRepaired)
        ? "Mend what can be mended: relctl events repair"
        : "Nothing is to be done: whole events stay as they are.")
  }

  static let eventsRepair = Command(
    CommandSyntax(
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
    for number in done.restored {
      call.context.print("restored number \(number): it had lost the newline behind it")
    }
    if let torn = done.torn {
      let place = done.tornAside.map { "taken into \($0)" } ?? "erased, since it could not be kept"
      call.context.print("\(torn.place): \(torn); it was never acknowledged; \(place)")
    }
    let (told, after) = try call.tell(done, journal)
    for damage in after.damage { call.context.print("\(damage.place): \(damage); left as it is") }
    if !told, done.torn == nil, after.damage.isEmpty {
      call.context.print("nothing to repair: \(after.summary)")
    }
    return .success
  }
}

extension CommandCall {
  /// Writes an event that says what a repair has done and which numbers are gone.
  ///
  /// Damage at the end of the log becomes a gap only when the next event is written, so the log is verified again after
  /// each event. This also reports gaps of an earlier repair that was killed before this step.
  /// - Returns: whether an event was written, and the result of the last verification.
  fileprivate func tell(_ done: Repair, _ journal: EventJournal) throws(Cause) -> (
    Bool, Verification
  ) {
    var isUntold = !done.taken.isEmpty || !done.restored.isEmpty
    var aside = done.aside
    var wasTold = false
    while true {
      let now = try journal.verify()
      // One line of the log holds no more than these.
      let missing = now.damage.compactMap(\.missing).prefix(1000)
      guard isUntold || !missing.isEmpty else { return (wasTold, now) }
      for numbers in missing {
        let isOne = numbers.count == 1
        context.print(
          "number\(isOne ? "" : "s") \(Gaps.text(numbers)) \(isOne ? "is" : "are") gone")
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

  fileprivate var segment: String { Files.name(of: path) }

  fileprivate var canBeRepaired: Bool {
    switch kind {
    case .unreadable, .unfinished, .unended, .missing: true
    case .early, .again, .backInTime: false
    }
  }
}

extension Verification {
  /// `174,212 events since 1 August, none missing`
  fileprivate var summary: String {
    let gap =
      if missing == 0 { "none missing" } else if damage.contains(where: \.isMissing) {
        "\(Grouped.text(missing)) missing"
      } else { "\(Grouped.text(missing)) missing, as a repair has written down" }
    guard let first else { return missing == 0 ? "the log is empty" : "no event is left, \(gap)" }
    return "\(Grouped.text(lines, "event")) since \(Self.day(of: first.time)), \(gap)"
  }

  /// The date in local time, with the year if it is not the current one.
  private static func day(of time: Timestamp) -> String {
    func parts(_ time: Timestamp) -> [Int] {
      let wall = time + Int64(Clock.utcOffset(at: time.milliseconds)) * 1000
      return wall.description.prefix(10).split(separator: "-").map { Int($0) ?? 0 }
    }
    let (date, today) = (parts(time), parts(Timestamp(milliseconds: Clock.now())))
    let months = [
      "January", "February", "March", "April", "May", "June", "July", "August", "September",
      "October", "November", "December",
    ]
    let day = "\(date[2]) \(months[date[1] - 1])"
    return date[0] == today[0] ? day : "\(day) \(date[0])"
  }
}

enum Grouped {
  static func text(_ number: Int) -> String {
    var digits = String(number)[...]
    var groups: [Substring] = []
    while !digits.isEmpty {
      groups.append(digits.suffix(3))
      digits = digits.dropLast(3)
    }
    return groups.reversed().joined(separator: ",")
  }

  static func text(_ number: Int, _ word: String) -> String {
    "\(text(number)) \(word)\(number == 1 ? "" : "s")"
  }
}

/// What `events verify --json` prints.
private struct LogReport: Encodable {
  struct Problem: Encodable {
    var segment: String
    var offset: Int
    var length: Int
    var what: String
    /// `3` or `5-7`, where numbers are missing.
    var missing: String?

    init(_ damage: Damage) {
      (segment, offset, length) = (damage.segment, damage.offset, damage.length)
      (what, missing) = (damage.description, damage.missing.map(Gaps.text))
    }
  }

  var events: Int
  var first: UInt64?
  var last: UInt64?
  var since: Timestamp?
  /// How many numbers no event has, including those that a repair has recorded.
  var missing: Int
  var segments: Int
  var size: Int
  var problems: [Problem]
  var unfinished: Problem?

  init(_ found: Verification) {
    (events, first, last) = (found.lines, found.first?.sequence, found.last?.sequence)
    (since, missing) = (found.first?.time, found.missing)
    (segments, size) = (found.segments, found.size)
    problems = found.damage.map(Problem.init)
    unfinished = found.unfinished.map(Problem.init)
  }
}
