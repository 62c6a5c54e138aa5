import EventLog
import JSONText
import Posix
import TestSupport
import Testing

/// The commands over the event log, on logs that these commands wrote.
@Suite(.waitsForPrograms) struct EventsTests {
  static func emit(_ stage: Stage, _ lines: String) throws -> Stage.Answer {
    try stage.run("relctl", ["events", "emit", "--stdin"], input: lines)
  }

  private static func numbers(_ answer: Stage.Answer) throws -> [UInt64] {
    try answer.lines.map { try JSON.decode(Numbered.self, from: Array($0.utf8)).number }
  }

  private struct Numbered: Decodable {
    var seq: String
    var type: String
    var number: UInt64 { UInt64(seq) ?? 0 }
  }

  @Test func writtenEventsAreNumbered() throws {
    let stage = try Stage("emit")
    let one = try stage.relctl(
      "events", "emit", "ci.tests.passed", "--app", "shop", "--data", #"{ "count" : 1.50 }"#)
    #expect(one.output == "1\n" && one.exit == .code(0) && one.errors.isEmpty)
    let many = try Self.emit(
      stage, #"{"type":"a.b"}\#n{"type":"a.c","app":"shop","data":{"k":[1]}}\#n{"type":"a.d"}"#)
    #expect(many.output == "2\n3\n4\n" && many.exit == .code(0))
    let shown = try stage.relctl("events")
    #expect(
      shown.lines.map { $0.dropFirst(25) } == [
        "1 ci.tests.passed shop count=1.50", "2 a.b –", "3 a.c shop k=[1]", "4 a.d –",
      ])
    // The app is known from its events alone.
    #expect(try stage.relctl("events", "--app", "shop").lines.count == 2)
    #expect(try stage.relctl("events", "--app", "shop", "--type", "x.*").output.isEmpty)
    let unknown = try stage.relctl("events", "--app", "nosuch")
    #expect(unknown.exit == .code(69) && unknown.errors.contains("[RT-APP-UNKNOWN]"))
  }

  @Test(arguments: [
    ("nope", "line 3: it is not JSON (near byte 1)"),
    (#"{"type":"build.done"}"#, "line 3: 'build.…' are types of reltui's own"),
    (String(repeating: " ", count: 200_000), "line 3: it is longer than 128 KiB"),
    (String(repeating: "x", count: 3_000_000), "line 3: it is longer than 128 KiB"),
    ("", "line 3: it is not JSON (near byte 1)"),
  ])
  func eventsBeforeABadLineAreWritten(_ bad: String, _ sentence: String) throws {
    let stage = try Stage("bad")
    let answer = try Self.emit(
      stage, #"{"type":"a.b"}\#n{"type":"a.c"}\#n\#(bad)\#n{"type":"a.d"}\#n"#)
    #expect(answer.output == "1\n2\n" && answer.exit == .code(65))
    #expect(answer.errors.hasPrefix("relctl: \(sentence) [RT-EVENT-DATA]\n"), "\(answer.errors)")
    #expect(try stage.relctl("events").lines.count == 2)
  }

  @Test func linesReadTogetherShareOneSync() throws {
    let stage = try Stage("batch")
    #expect(try Self.emit(stage, #"{"type":"a.b"}"#).output == "1\n")
    let lines = stage.folder.path + "/lines"
    try Files.replace(
      lines,
      with: Array(
        (1...500).map { #"{"type":"a.b","data":{"n":\#($0)}}\#n"# }.joined().utf8))
    let trace = stage.folder.path + "/trace"
    let traced = try Invocation(
      [
        "strace", "-f", "-o", trace, "-e", "trace=fdatasync,fsync,write",
        try Workspace.program("relctl"),
        "events", "emit", "--stdin",
      ],
      environment: stage.environment
    ).run(input: .file(try File.open(lines, .read)), limit: 30_000)
    #expect(traced.text == (2...501).map { "\($0)\n" }.joined())
    let calls = String(decoding: try Files.read(trace), as: UTF8.self).split(separator: "\n")
    #expect(calls.count { $0.contains("fdatasync(") || $0.contains("fsync(") } == 1)
    #expect(calls.count { $0.contains("write(") && $0.contains(#""2\n3\n"#) } == 1)
  }

  @Test func filtersSelectEvents() throws {
    let stage = try Stage("filter")
    // Enough for several segments.
    let filler = String(repeating: "x", count: 2000)
    let lines = (1...1500).map {
      #"{"type":"load.\#($0 % 3 == 0 ? "tick" : "tock")","app":"app\#($0 % 2)","data":{"x":"\#(filler)"}}"#
    }
    #expect(try Self.emit(stage, lines.joined(separator: "\n")).lines.count == 1500)
    #expect(try Files.list(stage.home.events).count { $0.hasSuffix(".jsonl") } > 2)
    func ask(_ arguments: String...) throws -> [UInt64] {
      try Self.numbers(stage.run("relctl", ["events", "--json"] + arguments))
    }
    #expect(try ask() == Array(1...1500))
    #expect(try ask("--after", "1497") == [1498, 1499, 1500])
    #expect(try ask("--after", "1500") == [] && ask("--after", "999999999999999") == [])
    #expect(try ask("-n", "3") == [1498, 1499, 1500] && ask("-n", "0") == [])
    #expect(try ask("-n", "700").count == 700 && ask("-n", "5000").count == 1500)
    #expect(try ask("--type", "*.tick", "-n", "2") == [1497, 1500])
    #expect(try ask("--type", "load.t?ck", "--app", "app1", "-n", "2") == [1497, 1499])
    #expect(try ask("--type", "load.tick", "--app", "app1", "-n", "200").first == 303)
    #expect(try ask("--after", "10", "--type", "load.tick", "-n", "1000").first == 12)
    #expect(try ask("--since", "1h", "-n", "1") == [1500] && ask("--until", "1h") == [])
    #expect(try stage.relctl("events").lines.count == 100)
    #expect(try stage.relctl("events", "--after", "1000").lines.count == 500)
    // Selected by the time of an event in the middle.
    let events = try stage.events()
    let middle = events[events.count / 2].time
    #expect(
      try ask("--since", "\(middle)") == events.filter { $0.time >= middle }.map(\.sequence))
    #expect(
      try ask("--until", "\(middle)") == events.filter { $0.time <= middle }.map(\.sequence))
    #expect(
      try ask("--until", "\(middle)", "-n", "4")
        == Array(events.filter { $0.time <= middle }.map(\.sequence).suffix(4)))
  }

  @Test func lastEventsAreReadFromTheEnd() throws {
    let stage = try Stage("seek")
    let filler = String(repeating: "x", count: 60_000)
    let line = #"{"type":"load.tick","data":{"x":"\#(filler)"}}"#
    for _ in 1...4 {
      _ = try Self.emit(stage, Array(repeating: line, count: 20).joined(separator: "\n"))
    }
    let segments = try Files.list(stage.home.events).filter { $0.hasSuffix(".jsonl") }.sorted()
    #expect(segments.count > 3)
    for arguments in [["--after", "75"], ["-n", "3"], ["-n", "2", "--type", "load.*"]] {
      let trace = stage.folder.path + "/trace"
      let traced = try Invocation(
        [
          "strace", "-f", "-o", trace, "-e", "trace=open,openat", try Workspace.program("relctl"),
          "events",
        ]
          + arguments, environment: stage.environment
      ).run(limit: 30_000)
      #expect(traced.isSuccess)
      let opened = String(decoding: try Files.read(trace), as: UTF8.self)
      #expect(opened.contains(segments[segments.count - 1]) && !opened.contains(segments[0]))
    }
  }

  /// If few events match, a segment without matches is read once, and its damage is reported.
  @Test func segmentsWithoutMatchesAreReadOnce() throws {
    let stage = try Stage("rare")
    let filler = String(repeating: "x", count: 60_000)
    let line = { (app: String) in
      #"{"type":"load.tick","app":"\#(app)","data":{"by":"rare","x":"\#(filler)"}}"#
    }
    for first in [1, 21, 41, 61] {
      let lines = (first..<(first + 20)).map { line([3, 30].contains($0) ? "rare" : "other") }
      _ = try Self.emit(stage, lines.joined(separator: "\n"))
    }
    let segments = try Files.list(stage.home.events).filter { $0.hasSuffix(".jsonl") }.sorted()
    let firsts = segments.compactMap { UInt64($0.prefix(16)) }
    let silent = try #require(
      firsts.indices.dropLast().first {
        !(firsts[$0]..<firsts[$0 + 1]).contains(30) && firsts[$0] > 3
      })
    let path = "\(stage.home.events)/\(segments[silent])"
    var bytes = try Files.read(path)
    bytes[200] ^= 1
    try Files.replace(path, with: bytes)
    let trace = stage.folder.path + "/trace"
    func ask(_ arguments: String...) throws -> (numbers: [UInt64], errors: String, reads: Int) {
      let words = ["events", "--json", "--app", "rare"] + arguments
      let answer = try stage.run("relctl", words)
      let traced = try Invocation(
        ["strace", "-f", "-o", trace, "-e", "trace=pread64", "-P", path]
          + [try Workspace.program("relctl")] + words, environment: stage.environment
      ).run(limit: 30_000)
      #expect(traced.isSuccess)
      let calls = String(decoding: try Files.read(trace), as: UTF8.self).split(separator: "\n")
      return (
        try Self.numbers(answer), answer.errors, calls.count { $0.contains("pread64(") }
      )
    }
    let all = try ask()
    #expect(all.numbers == [3, 30] && all.errors.contains(segments[silent]))
    let last = try ask("-n", "100")
    #expect(last.numbers == [3, 30] && last.reads == all.reads)
    #expect(last.errors == all.errors)
    #expect(try ask("-n", "1").numbers == [30])
    // For an app that has just been found to have no events, the log is not read again.
    let unknown = try stage.relctl("events", "--app", "nosuch")
    #expect(unknown.exit == .code(69) && unknown.errors.contains("[RT-APP-UNKNOWN]"))
  }

  /// The line has a valid checksum but is not JSON; a program that reads the listing must not fail
  /// on it.
  @Test func unreadableLinesAreShownAsEvents() throws {
    let stage = try Stage("strange")
    let drafts = ["{}", "{{}", "{}"].map {
      NewEvent(source: "test", type: "a.b", subject: "shop", data: Array($0.utf8))
    }
    try DurableLog(folder: stage.home.events).append(drafts)
    let all = try stage.relctl("events", "--json")
    #expect(try Self.numbers(all) == [1, 2, 3] && all.lines[1].contains(#""type":"unreadable""#))
    for glob in ["unreadable", "*read*"] {
      let found = try stage.relctl("events", "--json", "--type", glob)
      #expect(try Self.numbers(found) == [2])
    }
    #expect(try stage.relctl("events", "--json", "--app", "shop").lines.count == 2)
    #expect(try stage.relctl("events").lines[1].dropFirst(25) == "2 unreadable –")
  }

  @Test func damageIsRepairedAndReportedOnce() throws {
    let stage = try Stage("repair")
    _ = try Self.emit(
      stage, (1...6).map { #"{"type":"a.b","data":{"n":\#($0)}}"# }.joined(separator: "\n"))
    let well = try stage.relctl("events", "verify")
    #expect(well.output.hasPrefix("6 events since ") && well.exit == .code(0))
    #expect(well.output.hasSuffix(", none missing\n"))
    #expect(try stage.relctl("events", "repair").output.hasPrefix("nothing to repair: 6 events"))
    let path = stage.home.events + "/0000000000000001.jsonl"
    var bytes = try Files.read(path)
    let length = try #require(bytes.firstIndex(of: UInt8(ascii: "\n"), from: 0)) + 1
    bytes[2 * length + 100] ^= 1
    try Files.replace(path, with: bytes)

    let shown = try stage.relctl("events", "--json")
    #expect(shown.lines.count == 5 && shown.exit == .code(0))
    #expect(shown.errors.split(separator: "\n").allSatisfy { $0.hasSuffix("[RT-LOG-DAMAGED]") })
    #expect(shown.errors.contains("number 3 is missing"))
    let bad = try stage.relctl("events", "verify")
    let file = "0000000000000001.jsonl: offset"
    #expect(
      bad.lines.dropLast() == [
        "\(file) \(2 * length): \(length) bytes are no event",
        "\(file) \(3 * length): number 3 is missing",
      ])
    #expect(bad.lines.last?.hasSuffix(", 1 missing") == true)
    #expect(
      bad.errors
        == "relctl: the event log has 2 problems [RT-LOG-DAMAGED]\n  Mend what can be mended: relctl events repair\n"
    )
    #expect(bad.exit == .code(65))
    let report = try JSON.decode(
      Report.self, from: Array(stage.relctl("events", "verify", "--json").output.utf8))
    #expect(
      report.events == 5 && report.last == 6 && report.missing == 1
        && report.problems.map(\.offset) == [2 * length, 3 * length]
        && report.problems.map(\.missing) == [nil, "3"])

    let repaired = try stage.relctl("events", "repair")
    #expect(repaired.exit == .code(0))
    #expect(repaired.output.contains("took \(length) bytes into \(stage.home.events)/aside/"))
    #expect(repaired.output.hasSuffix("number 3 is gone\nwritten down as event 7\n"))
    let told = try stage.relctl("events", "verify")
    #expect(told.exit == .code(0))
    #expect(told.output.hasSuffix(", 1 missing, as a repair has written down\n"))
    #expect(try stage.relctl("events").errors.isEmpty)
    #expect(try stage.relctl("events", "repair").output.hasPrefix("nothing to repair: 6 events"))
    let last = try #require(try stage.events().last)
    #expect(last.type == .logRepaired && last.data.missing == ["3"] && last.data.size == length)
    #expect(last.data.by?.isEmpty == false && last.data.aside.map(Files.exists) == true)
  }

  private struct Report: Decodable {
    struct Problem: Decodable {
      var offset: Int
      var missing: String?
    }
    var events: Int
    var last: UInt64
    var missing: Int
    var problems: [Problem]
  }

  /// Another byte replaces the newline of the last event. The event counts, and both commands
  /// report it.
  @Test(arguments: [UInt8(ascii: "X"), 0]) func lastEventWithoutItsNewlineCounts(byte: UInt8) throws
  {
    let stage = try Stage("newline")
    _ = try Self.emit(stage, (1...3).map { _ in #"{"type":"a.b"}"# }.joined(separator: "\n"))
    let path = stage.home.events + "/0000000000000001.jsonl"
    let end = try Files.read(path).countWithoutZeros
    try File.open(path, .change).write([byte], at: end - 1)
    let listed = try stage.relctl("events")
    #expect(listed.lines.count == 3 && listed.errors.contains("[RT-LOG-DAMAGED]"))
    let bad = try stage.relctl("events", "verify")
    #expect(bad.exit == .code(65))
    #expect(bad.lines.first?.hasSuffix("number 3 has lost the newline behind it") == true)
    #expect(bad.lines.last?.hasSuffix(", none missing") == true)
    let repaired = try stage.relctl("events", "repair")
    #expect(
      repaired.output
        == "restored number 3: it had lost the newline behind it\nwritten down as event 4\n")
    #expect(try stage.relctl("events", "verify").exit == .code(0))
    #expect(try Files.read(path)[end - 1] == UInt8(ascii: "\n"))
  }

  @Test func nextRepairReportsAnInterruptedOne() throws {
    let stage = try Stage("cut")
    _ = try Self.emit(stage, (1...4).map { _ in #"{"type":"a.b"}"# }.joined(separator: "\n"))
    let path = stage.home.events + "/0000000000000001.jsonl"
    var bytes = try Files.read(path)
    let length = try #require(bytes.firstIndex(of: UInt8(ascii: "\n"), from: 0)) + 1
    // The state after a repair that was killed before it wrote its event.
    bytes.replaceSubrange(
      length..<(2 * length - 1), with: Array(repeating: UInt8(ascii: " "), count: length - 1))
    try Files.replace(path, with: bytes)
    #expect(try stage.relctl("events", "verify").lines.count == 2)
    #expect(
      try stage.relctl("events", "repair").output == "number 2 is gone\nwritten down as event 5\n")
    #expect(try stage.relctl("events", "verify").exit == .code(0))
  }

  @Test func statCountsTheLog() throws {
    let stage = try Stage("stat")
    #expect(try stage.relctl("events", "stat").exit == .code(0) && !Files.exists(stage.home.root))
    _ = try Self.emit(stage, (1...5).map { #"{"type":"a.\#($0 % 2)"}"# }.joined(separator: "\n"))
    let text = try stage.relctl("events", "stat")
    #expect(text.lines.suffix(2) == ["  a.1  3", "  a.0  2"])
    let stat = try JSON.decode(
      Stat.self, from: Array(stage.relctl("events", "stat", "--json").output.utf8))
    #expect(stat.events == 5 && stat.first.sequence == 1 && stat.last.sequence == 5)
    #expect(stat.types == ["a.0": 2, "a.1": 3])
  }

  private struct Stat: Decodable {
    struct Edge: Decodable { var sequence: UInt64 }
    var events: Int
    var first: Edge
    var last: Edge
    var types: [String: Int]
  }

  @Test(arguments: [[], ["--json"]])
  func outputHasNoControlSequences(_ arguments: [String]) throws {
    let stage = try Stage("hostile")
    _ = try Self.emit(
      stage,
      #"{"type":"a.b","data":{"x":"\u001b[2J\u0007\u009b31m\u202e\#u{9B}1;31m\#u{202E}","\u001b]0;x\u0007":1}}"#
    )
    let terminal = try ProgramTerminal(
      "relctl", ["events"] + arguments,
      environment: stage.environment.merging(["TERM": "xterm"]) { $1 })
    #expect(try terminal.exit() == .code(0))
    let sent = terminal.rest()
    #expect(
      sent.contains("a.b")
        && sent.unicodeScalars.allSatisfy { scalar in
          scalar == "\r" || scalar == "\n"
            || scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value)
              && scalar.value != 0x202E
        }, "\(sent.debugDescription)")
  }

  /// Points in time and limits, on a log of some segments.
  @Test func boardsOfThePastUpToTheOldestEvent() throws {
    let stage = try Stage("past")
    let line = #"{"type":"a.b","data":{"text":"\#(String(repeating: "x", count: 60_000))"}}"#
    let count = 60
    _ = try Self.emit(stage, Array(repeating: line, count: count).joined(separator: "\n"))
    #expect(try stage.relctl("ps", "--at", "7").lines.first?.hasSuffix("behind event 7") == true)
    for (words, sentence) in [
      (["ps", "--at", "61"], "there is no event 61 yet; the last one is 60 [RT-USAGE]"),
      (
        ["ps", "--at", "2999-01-01T00:00:00Z"],
        "2999-01-01T00:00:00.000Z is in the future [RT-USAGE]"
      ),
      (["ps", "--at", "noon"], "'noon' is not a time [RT-USAGE]"),
      (["ps", "shop", "--at", "7"], "there was no app 'shop' then [RT-APP-UNKNOWN]"),
      (["events", "retention", "--size", "1XB"], "'1XB' is no limit for --size [RT-USAGE]"),
    ] {
      let answer = try stage.run("relctl", words)
      #expect(answer.errors.hasPrefix("relctl: \(sentence)\n"), "\(answer.errors)")
      #expect(answer.exit != .code(0) && answer.output.isEmpty)
    }
    let kept = try stage.relctl("events", "retention", "--count", "20")
    #expect(kept.exit == .code(0) && kept.lines.last?.hasPrefix("dropped 2 segments") == true)
    let rest = try stage.relctl("events", "--json", "--after", "3")
    let first = try #require(try Self.numbers(rest).first)
    #expect(first > 17 && first <= 41 && rest.errors.contains("before event \(first) is not kept"))
    #expect(try stage.relctl("events", "--after", "\(first)").errors.isEmpty)
    let gone = try stage.relctl("ps", "--at", "3")
    #expect(gone.errors.contains("[RT-PAST-GONE]") && gone.errors.contains("--at \(first)"))
    #expect(try stage.relctl("ps", "--at", "\(first)").exit == .code(0))
    #expect(try stage.relctl("events", "verify").exit == .code(0))
  }
}
