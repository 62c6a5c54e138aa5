import EventLog
import Posix
import TestSupport
import Testing

/// Damage to the last of what was written, in the same boot and after another one.
@Suite struct TortureByKnownDamage {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// What is done to the bytes of five lines, given the place of the third and of the last one.
    var damage: @Sendable (inout [UInt8], _ third: Range<Int>, _ last: Range<Int>) -> Void
    var isAnotherBoot = false
    var listed: [UInt64]
    var missing: [UInt64] = []
    /// Whether verify has anything to say, and whether it is a note alone.
    var isDamaged = true
    var isUnfinished = false
    var next: UInt64 = 6
    /// What is listed after the next event.
    var after: [UInt64]
  }

  static func zero(_ bytes: inout [UInt8], _ place: Range<Int>) {
    bytes.replaceSubrange(place, with: [UInt8](repeating: 0, count: place.count))
  }

  static let cases = [
    Case(
      testDescription: "the third line zeroed", damage: { bytes, third, _ in zero(&bytes, third) },
      listed: [1, 2, 4, 5], missing: [3], after: [1, 2, 4, 5, 6]),
    Case(
      testDescription: "the third line zeroed, another boot",
      damage: { bytes, third, _ in zero(&bytes, third) }, isAnotherBoot: true,
      listed: [1, 2, 4, 5], missing: [3], after: [1, 2, 4, 5, 6]),
    Case(
      testDescription: "the third line zeroed, and the first once more behind it",
      damage: { bytes, third, _ in
        let first = bytes[..<third.count]
        zero(&bytes, third)
        bytes.insert(contentsOf: first, at: third.upperBound)
      }, listed: [1, 2, 4, 5], missing: [3], after: [1, 2, 4, 5, 6]),
    Case(
      testDescription: "a byte and the first line once more for the third one",
      damage: { bytes, third, _ in
        bytes.replaceSubrange(third, with: [120] + bytes[..<third.count])
      }, listed: [1, 2, 4, 5], missing: [3], after: [1, 2, 4, 5, 6]),
    Case(
      testDescription: "another byte for the last newline",
      damage: { bytes, _, last in bytes[last.upperBound - 1] = 11 }, listed: [1, 2, 3, 4, 5],
      after: [1, 2, 3, 4, 5, 6]),
    Case(
      testDescription: "another byte for the last newline, another boot",
      damage: { bytes, _, last in bytes[last.upperBound - 1] = 11 }, isAnotherBoot: true,
      listed: [1, 2, 3, 4, 5], after: [1, 2, 3, 4, 5, 6]),
    Case(
      testDescription: "a NUL for the last newline",
      damage: { bytes, _, last in bytes[last.upperBound - 1] = 0 }, listed: [1, 2, 3, 4, 5],
      after: [1, 2, 3, 4, 5, 6]),
    Case(
      testDescription: "a NUL for the last newline, another boot",
      damage: { bytes, _, last in bytes[last.upperBound - 1] = 0 }, isAnotherBoot: true,
      listed: [1, 2, 3, 4], isDamaged: false, isUnfinished: true, after: [1, 2, 3, 4, 5, 6]),
    Case(
      testDescription: "the last line zeroed", damage: { bytes, _, last in zero(&bytes, last) },
      listed: [1, 2, 3, 4], missing: [5], after: [1, 2, 3, 4, 6]),
    Case(
      testDescription: "cut in the last line",
      damage: { bytes, _, last in bytes.removeSubrange((last.lowerBound + 90)...) },
      listed: [1, 2, 3, 4], missing: [5], after: [1, 2, 3, 4, 6]),
    Case(
      testDescription: "cut in the last line, another boot",
      damage: { bytes, _, last in bytes.removeSubrange((last.lowerBound + 90)...) },
      isAnotherBoot: true, listed: [1, 2, 3, 4], isDamaged: false, isUnfinished: true, next: 5,
      after: [1, 2, 3, 4, 5]),
  ]

  private func path(_ rack: Rack) -> String { rack.log.folder + "/0000000000000001.jsonl" }

  /// The lines of a log, and what verify names.
  private func look(_ log: DurableLog) throws -> (
    numbers: [UInt64], missing: [UInt64], found: Verification
  ) {
    var numbers: [UInt64] = []
    let found = try log.verify { numbers.append($0.sequence) }
    return (numbers, found.damage.compactMap(\.missing).flatMap(Array.init), found)
  }

  @Test(arguments: cases, ["append", "repair"]) func theEnd(_ given: Case, first: String) throws {
    let rack = try Rack("known")
    let log = DurableLog(folder: rack.log.folder, segmentSize: 4096)
    try log.append((1...5).map { Rack.event("\($0)") })
    var bytes = try Files.read(path(rack))
    let ends = bytes.indices.filter { bytes[$0] == 10 }.map { $0 + 1 }
    let last = ends[3]..<ends[4]
    let torn = Array(bytes[last].prefix(90))
    given.damage(&bytes, ends[1]..<ends[2], last)
    try File.open(path(rack), .replace).write(bytes)
    if given.isAnotherBoot { try Rack.takeAway(log.folder + "/.lock") }

    let before = try look(log)
    #expect(before.numbers == given.listed && before.missing == given.missing)
    #expect(before.found.damage.isEmpty != given.isDamaged, "\(before.found.damage)")
    #expect((before.found.unfinished != nil) == given.isUnfinished)
    if first == "repair" {
      let repaired = try log.repair()
      let now = try look(log)
      #expect(now.numbers == given.after.dropLast() && now.missing == given.missing, "\(repaired)")
    }
    #expect(try log.append(Rack.event("6"))?.sequence == given.next)
    _ = try log.repair()
    let after = try look(log)
    #expect(after.numbers == given.after && after.missing == given.missing)
    // Whole lines that are there twice stay.
    #expect(after.found.damage.allSatisfy { $0.isMissing || $0.kind == .again(1) })
    #expect(after.found.unfinished == nil)
    if given.next == 5 {
      let asides = try Files.list(log.folder + "/aside").map {
        try Files.read(log.folder + "/aside/" + $0)
      }
      #expect(asides.count == 1 && asides[0].contains(part: torn))
    }
  }

  @Test func theNewestSegmentIsGone() throws {
    let rack = try Rack("gone")
    let log = DurableLog(folder: rack.log.folder, segmentSize: 1100)
    for number in 1...10 { try log.append(Rack.event("\(number)")) }
    let newest = try #require(try log.segments().last)
    let kept = Array(1..<newest)
    try Rack.takeAway(log.folder + "/" + LogModel.name(newest))
    let before = try look(log)
    #expect(newest > 1 && before.numbers == kept && before.missing == Array(newest...10))
    #expect(try log.append(Rack.event("11"))?.sequence == 11)
    for isNextBoot in [false, true] {
      if isNextBoot { try Rack.takeAway(log.folder + "/.lock") }
      let after = try look(log)
      #expect(after.numbers == kept + [11] && after.missing == Array(newest...10))
    }
  }

  /// What was lost is told by `relctl`, and what a repair tells is not told again.
  @Test func theProgramTellsOfIt() throws {
    let rack = try Rack("told")
    _ = try rack.emit((1...5).map { "\($0)" })
    var bytes = try Files.read(path(rack))
    let ends = bytes.indices.filter { bytes[$0] == 10 }.map { $0 + 1 }
    Self.zero(&bytes, ends[1]..<ends[2])
    try File.open(path(rack), .replace).write(bytes)
    #expect(try rack.emit(["6"]).numbers == [6])
    let verified = try rack.run(["relctl", "events", "verify"])
    #expect(verified.exit == .code(65) && verified.output.contains("number 3 is missing"))
    let repaired = try rack.run(["relctl", "events", "repair"])
    #expect(repaired.exit == .code(0), "\(repaired)")
    let listed = try rack.run(["relctl", "events", "--json"]).output
    #expect(listed.contains(#""type":"log.repaired""#) && listed.contains(#""missing":"#))
    let again = try rack.run(["relctl", "events", "verify"])
    #expect(again.exit == .code(0), "\(again)")
  }

  /// The newest segment was made 1 GiB long, all holes.
  @Test func aSegmentThatIsHuge() throws {
    let rack = try Rack("huge")
    _ = try rack.emit((1...5).map { "\($0)" })
    try File.open(path(rack), .change).truncate(to: 1 << 30)
    let measure = [
      try Torture.tool("python3"), "-c",
      """
      import resource, subprocess, sys
      code = subprocess.call(sys.argv[1:])
      print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
      sys.exit(code)
      """,
    ]
    for arguments in [
      ["--json"], ["verify"], ["emit", "torture.line"], ["verify"], ["repair"], ["--json"],
    ] {
      let answer = try rack.run(["relctl", "events"] + arguments, under: measure)
      #expect(answer.exit == .code(0), "\(arguments): \(answer)")
      let peak = answer.errors.split(separator: "\n").last.flatMap { Int($0) }
      #expect(try #require(peak) < 64 << 10, "\(arguments)")
    }
    #expect(try look(rack.log).numbers == Array(1...6))
  }
}
