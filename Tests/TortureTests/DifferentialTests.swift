import EventLog
import Posix
import TestSupport
import Testing

/// Logs that are damaged at random, of which the event log must think as the model does.
@Suite struct TortureByModel {
  /// One round alone: RELTUI_TORTURE_SEED=42.
  @Test func anyDamage() throws {
    let folder = try TemporaryFolder("model", inMemory: true)
    let seed = Environment.current["RELTUI_TORTURE_SEED"].flatMap { UInt64($0) }
    let seeds = seed.map { $0...$0 } ?? 1...UInt64(Torture.rounds.map { $0 * 10 } ?? 150)
    let halves = Threads.collect(2) { half -> (wrong: [String], doubtful: Int) in
      var (wrong, doubtful): ([String], Int) = ([], 0)
      for seed in seeds where seed % 2 == half {
        var round = Round(seed: seed, folder: folder.path + "/\(seed)")
        do { try round.run() } catch {
          wrong.append(
            "RELTUI_TORTURE_SEED=\(seed): \(round.deeds.joined(separator: ", ")): \(error)")
        }
        if round.isDoubtful { doubtful += 1 }
        try? Files.remove(round.log.folder)
      }
      return (wrong, doubtful)
    }
    let wrong = halves.flatMap(\.wrong)
    let doubtful = halves.map(\.doubtful).reduce(0, +)
    #expect(wrong.count == 0, "\(wrong.prefix(20).joined(separator: "\n"))")
    // Where the page does not say what comes next, less is looked at.
    #expect(doubtful * 10 <= seeds.count, "\(doubtful) of \(seeds.count)")
  }
}

/// One log from its first line to after its repair.
private struct Round {
  struct Fault: Error, CustomStringConvertible { var description: String }

  let log: DurableLog
  /// What was done to it.
  private(set) var deeds: [String] = []
  private(set) var isDoubtful = false
  private var random: Scramble
  private let isGrouped: Bool
  /// The lines that were acknowledged.
  private var told: [UInt64: Line] = [:]
  /// Numbers of lines that no writer of this log has written.
  private var foreign: Set<UInt64> = []

  init(seed: UInt64, folder: String) {
    random = Scramble(seed &* 0x9E37_79B9_7F4A_7C15)
    _ = random.next()
    log = DurableLog(folder: folder, segmentSize: .random(in: 1100...2000, using: &random))
    isGrouped = Int.random(in: 0..<4, using: &random) == 0
  }

  mutating func run() throws {
    try write()
    var early = try Follower(list().reader, last: UInt64(told.count), trail: trail())
    for _ in 0..<roll(1...3) { try harm() }
    let damaged = try LogModel(log.folder)
    isDoubtful = damaged.doubt != nil
    try compare("after the damage", damaged)
    var late = try Follower(read(damaged), last: damaged.numbers.last ?? 0, trail: nil)
    let appended = try append("the first append", damaged)
    try follow(&early, "before the damage", appended)
    try follow(&late, "before the first append", appended)
    if roll(1...3) == 1 {
      deeds.append("no lock after the append")
      try Rack.takeAway(log.folder + "/.lock")
      try compare("after the next boot", LogModel(log.folder))
    }
    let repaired = try repair(LogModel(log.folder))
    try follow(&late, "before the repair", repaired)
    try follow(&late, "before the second append", append("the second append", repaired))
    let before = try contents()
    let again = try log.repair()
    try check(again.taken == [] && again.restored.isEmpty, "a second repair took \(again.taken)")
    try check(try contents() == before, "a second repair has changed a segment")
  }

  // MARK: - What is done

  private mutating func roll(_ range: ClosedRange<Int>) -> Int {
    .random(in: range, using: &random)
  }

  private mutating func pick<Choice>(_ choices: [Choice]) -> Choice {
    choices[roll(0...(choices.count - 1))]
  }

  private mutating func events() -> [NewEvent] {
    let first = told.count
    return (0..<(isGrouped ? roll(1...4) : 1)).map {
      Rack.event(
        "\(first + $0)-\(Random.hex(2))", pad: roll(0...3) == 0 ? roll(0...500) : roll(0...60))
    }
  }

  private mutating func write() throws {
    let count = roll(12...20)
    while try told.count < count || log.segments().count < 3 {
      for line in try log.append(events()) { told[line.sequence] = line }
    }
    try check(told.keys.sorted() == Array(1...UInt64(told.count)), "\(told.keys.sorted())")
  }

  private mutating func append(_ when: String, _ before: LogModel) throws -> LogModel {
    let old = try contents()
    let lines = try log.append(events())
    let numbers = lines.map(\.sequence)
    let first = numbers[0]
    try check(numbers == Array(first..<(first + UInt64(lines.count))), "\(when) gave \(numbers)")
    if before.note != nil { try check(told[first] == nil, "\(when) gave \(first) again") }
    // What was lost without a trace is another's now.
    told = told.filter { $0.key < first }
    for line in lines { told[line.sequence] = line }
    let after = try LogModel(log.folder)
    try compare(when, after)
    try checkAside(when, old, before)
    if before.doubt == nil {
      try check(first == before.next, "\(when) gave \(first), not \(before.next)")
      try check(
        after.lines.dropLast(lines.count)
          == ArraySlice(before.lines + [before.incomplete].compactMap { $0 })
          && after.lines.suffix(lines.count).map(\.bytes) == lines.map(\.bytes),
        "\(when) of \(numbers) made \(after.numbers) of \(before.numbers)")
    }
    return after
  }

  private mutating func repair(_ before: LogModel) throws -> LogModel {
    let old = try contents()
    let done = try log.repair()
    let after = try LogModel(log.folder)
    try compare("after the repair", after)
    try checkAside("the repair", old, before)
    try check(
      Set(before.lines).isSubset(of: after.lines),
      "the repair made \(after.numbers) of \(before.numbers)")
    try check(
      after.scars == 0 && !after.isUnfinished,
      "the repair took \(done.taken) and left \(after.scars) places")
    return after
  }

  // MARK: - What is seen

  private func check(_ isRight: Bool, _ fault: @autoclosure () -> String) throws {
    if !isRight { throw Fault(description: fault()) }
  }

  private func contents() throws -> [UInt64: [UInt8]] {
    try log.segments().reduce(into: [:]) { $0[$1] = try Files.read(path($1)) }
  }

  /// Whether all that is not where it was is in `aside/`.
  private func checkAside(_ when: String, _ old: [UInt64: [UInt8]], _ before: LogModel) throws {
    let (new, kept) = (try contents(), try asides())
    let newest = old.keys.max()
    for (segment, old) in old {
      let new = new[segment] ?? []
      guard new != old else { continue }
      // A writer need not look behind the note's offset.
      let isNoted = before.note != nil && segment == newest
      let end = isNoted ? before.end : old.count
      var place = 0
      while place < end {
        defer { place += 1 }
        let now = place < new.count ? new[place] : 0
        if old[place] == now || old[place] == 0 { continue }
        // A line has its newline again.
        if now == 10, place > 0, old[place - 1] == UInt8(ascii: "}") { continue }
        let found = kept.first {
          $0.segment == segment && $0.place.contains(place)
            && old.has($0.bytes, at: $0.place.lowerBound)
        }
        guard let found else {
          throw Fault(description: "\(when) drops byte \(place) of \(segment)")
        }
        place = found.place.upperBound - 1
      }
    }
  }

  /// `SEGMENT OFFSET LENGTH`, a newline, the bytes, and a newline each.
  private func asides() throws -> [(segment: UInt64, place: Range<Int>, bytes: [UInt8])] {
    let folder = log.folder + "/aside"
    guard Files.isFolder(folder) else { return [] }
    var found: [(UInt64, Range<Int>, [UInt8])] = []
    for name in try Files.list(folder) {
      let bytes = try Files.read(folder + "/" + name)
      var start = 0
      while start < bytes.count, let end = bytes.firstIndex(of: 10, from: start) {
        let words = String(decoding: bytes[start..<end], as: UTF8.self).split(separator: " ")
        guard words.count == 3, let segment = UInt64(words[0]), let offset = Int(words[1]),
          let length = Int(words[2]), bytes.count > end + 1 + length
        else { throw Fault(description: "aside/\(name) cannot be read at \(start)") }
        found.append(
          (segment, offset..<(offset + length), Array(bytes[(end + 1)..<(end + 1 + length)])))
        start = end + length + 2
      }
    }
    return found
  }

  /// Where the last line of a log ends that is whole.
  private func trail() throws -> Follower.Trail {
    let newest = try log.segments().last ?? 0
    let bytes = try Files.read(path(newest))
    let end = bytes.countWithoutZeros
    return .init(segment: newest, offset: end, bytes: Array(bytes[..<(end - 1)].suffix(16)))
  }

  private func path(_ segment: UInt64) -> String { log.folder + "/" + LogModel.name(segment) }

  private mutating func list() throws -> (lines: [Line], reader: Reader) {
    var reader = Reader(log)
    return (try reader.rest(limit: pick([300, 5000, 4 << 20])), reader)
  }

  /// Whether `verify` finds what the model finds, and nothing that was acknowledged is silently absent.
  private func compare(_ when: String, _ model: LogModel) throws {
    var lines: [Line] = []
    let found = try log.verify { lines.append($0) }
    let named = missing(found.damage)
    try check(
      lines.map(\.bytes) == model.lines.map(\.bytes),
      "\(when) verify lists \(lines.map(\.sequence)), not \(model.numbers)")
    try check(
      named == model.missing,
      "\(when) verify misses \(named.sorted()), not \(model.missing.sorted())")
    try check(
      found.damage.isEmpty != model.isDamaged,
      "\(when) verify names \(found.damage), the model \(model.scars) places")
    let bytes = bytes(found.damage)
    try check(
      // A great many places may be told as one, with the NUL bytes between them.
      model.damagedBytes.contains(bytes)
        || model.scars > 1000 && bytes >= model.damagedBytes.lowerBound,
      "\(when) verify names \(bytes) bytes, not \(model.damagedBytes)")
    try check(
      (found.unfinished != nil) == model.isUnfinished,
      "\(when) verify says \(found.unfinished.map { "\($0)" } ?? "nothing") is unfinished")
    // Only the note knows which numbers were behind the last line.
    let known = model.note != nil ? .max : model.numbers.last ?? 0
    let listed = Dictionary(lines.map { ($0.sequence, $0) }) { $1 }
    let absent = told.filter { number, line in
      listed[number] != line && number < known && !named.contains(number)
        && !foreign.contains(number)
    }
    try check(absent.isEmpty, "\(when) \(absent.keys.sorted()) are silently absent")
  }

  /// A reader that has read what the model lists.
  private mutating func read(_ model: LogModel) throws -> Reader {
    let (lines, reader) = try list()
    try check(
      lines.map(\.bytes) == model.lines.map(\.bytes),
      "a reader lists \(lines.map(\.sequence)), not \(model.numbers)")
    let last = model.numbers.last ?? 0
    try check(
      missing(reader.damage).filter { $0 < last } == model.missing.filter { $0 < last },
      "a reader misses \(missing(reader.damage).sorted()), not \(model.missing.sorted())")
    return reader
  }

  private func follow(_ reader: inout Follower, _ since: String, _ model: LogModel) throws {
    if let fault = try reader.follow(log, model) {
      throw Fault(description: "a reader from \(since) \(fault)")
    }
  }

  private func missing(_ damage: [Damage]) -> Set<UInt64> {
    Set(damage.compactMap(\.missing).joined())
  }

  private func bytes(_ damage: [Damage]) -> Int {
    damage.reduce(0) { sum, damage in
      if case .backInTime = damage.kind {
        sum
      } else {
        sum + (damage.isMissing ? 0 : damage.length)
      }
    }
  }

  // MARK: - Damage

  private mutating func harm() throws {
    let lock = log.folder + "/.lock"
    switch Files.exists(lock) ? roll(1...24) : roll(5...24) {
    case 1, 2:
      deeds.append("no lock")
      try Rack.takeAway(lock)
    case 3, 4:
      deeds.append("a lock of another boot")
      try File.open(lock, .change).write(LogModel.Note.ofAnotherBoot(Files.read(lock)), at: 0)
    case 5 where try log.segments().count > 1:
      deeds.append("no newest segment")
      try Rack.takeAway(path(try log.segments().last ?? 0))
    default:
      let segments = try log.segments()
      let segment = roll(1...5) < 4 ? segments[segments.count - 1] : pick(segments)
      var bytes = try Files.read(path(segment))
      deeds.append("\(segment): " + change(&bytes))
      if roll(1...4) == 1 {
        try Files.replace(path(segment), with: bytes)
      } else {
        try File.open(path(segment), .replace).write(bytes)
      }
    }
  }

  /// A range of what is written: often a whole line, often the last one, often its newline.
  private mutating func range(_ bytes: [UInt8]) -> Range<Int> {
    let written = bytes.countWithoutZeros
    if written == 0 { return 0..<min(bytes.count, roll(0...20)) }
    let starts =
      [0] + bytes[..<written].indices.dropLast().filter { bytes[$0] == 10 }.map { $0 + 1 }
    let index = roll(0...1) == 0 ? starts.count - 1 : roll(0...(starts.count - 1))
    let line = starts[index]..<(index + 1 < starts.count ? starts[index + 1] : written)
    switch roll(1...10) {
    case 1...3: return line
    case 4: return starts[max(0, index - roll(1...2))]..<line.upperBound
    case 5: return line.prefix(roll(1...140))
    case 6: return line.suffix(roll(1...40))
    case 7: return line.suffix(1)
    case 8:
      let place = line.lowerBound + roll(0...(line.count - 1))
      return place..<(place + 1)
    default:
      let start = roll(0...(written - 1))
      return start..<min(roll(0...9) == 0 ? bytes.count : written, start + roll(1...500))
    }
  }

  /// - Returns: what was done.
  private mutating func change(_ bytes: inout [UInt8]) -> String {
    let range = range(bytes)
    switch roll(1...14) {
    case 1...3:
      bytes.replaceSubrange(range, with: [UInt8](repeating: 0, count: range.count))
      return "zeros in \(range)"
    case 4...5:
      guard let place = range.last else { return "nothing" }
      bytes[place] ^= 1 << UInt8(roll(0...7))
      return "a bit at \(place)"
    case 6:
      let byte = pick([0, 10, 32, 34, 120, 123, 125, 255] as [UInt8])
      bytes.replaceSubrange(range, with: [UInt8](repeating: byte, count: range.count))
      return "\(byte) in \(range)"
    case 7:
      bytes.removeSubrange(range.lowerBound...)
      return "cut at \(range.lowerBound)"
    case 8:
      bytes.removeSubrange(range)
      return "without \(range)"
    case 9:
      let other = self.range(bytes)
      guard range.upperBound <= other.lowerBound else { return swap(&bytes, other, range) }
      return swap(&bytes, range, other)
    case 10:
      let place = roll(0...1) == 0 ? range.upperBound : self.range(bytes).lowerBound
      bytes.insert(contentsOf: bytes[range], at: place)
      return "\(range) again at \(place)"
    default:
      let (name, new) = splinter(bytes)
      let place = roll(0...1) == 0 ? range.lowerBound : range.upperBound
      if roll(0...1) == 0 {
        bytes.insert(contentsOf: new, at: place)
        return "\(name) put in at \(place)"
      }
      bytes.replaceSubrange(place..<min(bytes.count, place + new.count), with: new)
      return "\(name) put over \(place)"
    }
  }

  private func swap(_ bytes: inout [UInt8], _ first: Range<Int>, _ second: Range<Int>) -> String {
    guard first.upperBound <= second.lowerBound else { return "nothing" }
    let (left, right) = (Array(bytes[first]), Array(bytes[second]))
    bytes.replaceSubrange(second, with: left)
    bytes.replaceSubrange(first, with: right)
    return "\(first) swapped with \(second)"
  }

  private mutating func noise(_ count: Int, times: Int = 1) -> [UInt8] {
    let block = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next() >> 40) }
    var noise: [UInt8] = []
    for _ in 0..<times { noise += block }
    return noise
  }

  /// Bytes that come from elsewhere.
  private mutating func splinter(_ bytes: [UInt8]) -> (name: String, bytes: [UInt8]) {
    switch roll(1...40) {
    case 1:
      return ("600 KB", noise(3000, times: 200))
    case 2...10: return ("noise", noise(roll(1...40)))
    case 11...16: return ("a piece", Array(bytes[range(bytes)]))
    case 17...20: return ("zeros", [UInt8](repeating: 0, count: roll(1...40)))
    case 21...23: return ("newlines", [UInt8](repeating: 10, count: roll(1...9)))
    case 24...26:
      return ("blanks", [UInt8](repeating: 32, count: roll(1...9)) + [10].prefix(roll(0...1)))
    default:
      let number = UInt64(roll(1...told.count))
      foreign.insert(number)
      let time = pick(["2020-01-01T00:00:00.000Z", "2039-12-31T23:59:59.999Z"])
      let line = LogModel.make(number, time: time)
      return ("a foreign \(number)", line + [10].prefix(roll(1...4) == 1 ? 0 : 1))
    }
  }
}

/// A reader that has read all.
private struct Follower {
  /// Where its last line ends with its newline, and the bytes before the newline.
  struct Trail {
    var segment: UInt64
    var offset: Int
    var bytes: [UInt8]
  }

  private var reader: Reader
  private var last: UInt64
  /// Nil where nothing may change of what it has read.
  private let trail: Trail?

  init(_ reader: Reader, last: UInt64, trail: Trail?) {
    (self.reader, self.last, self.trail) = (reader, last, trail)
  }

  /// Whether the history was replaced.
  private func isLost(_ log: DurableLog) throws -> Bool {
    guard let trail else { return false }
    guard let bytes = try Files.readIfThere(log.folder + "/" + LogModel.name(trail.segment)) else {
      return try log.segments().first != last + 1
    }
    return bytes.count < trail.offset
      || !bytes.has(trail.bytes, at: trail.offset - trail.bytes.count - 1)
  }

  /// - Returns: what is wrong.
  mutating func follow(_ log: DurableLog, _ model: LogModel) throws -> String? {
    let expected = model.lines.filter { $0.number > last }
    let isLost = try isLost(log)
    var seen: [Line] = []
    do { seen = try reader.rest() } catch {
      if error as? EventLogError == .rewritten(after: last), isLost { return nil }
      return "says \(error)"
    }
    if isLost { return "does not say that what it had read was changed" }
    last = expected.last?.number ?? last
    return seen.map(\.bytes) == expected.map(\.bytes)
      ? nil : "sees \(seen.map(\.sequence)), not \(expected.map(\.number))"
  }
}

extension Reader {
  fileprivate mutating func rest(limit: Int = 256 << 10) throws -> [Line] {
    var lines: [Line] = []
    while true {
      let more = try next(limit: limit)
      if more.isEmpty { return lines }
      lines += more
    }
  }
}
