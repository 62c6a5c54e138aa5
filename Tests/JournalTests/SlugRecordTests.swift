import EventLog
import Events
import HomeLayout
import JSONText
import Journal
import Posix
import TestSupport
import Testing

/// The record of a build in a slug, and every way in which it can be invalid.
struct SlugRecordTests {
  static let slug = String(repeating: "5a", count: 32)
  static let build = "0123456789abcdef"

  /// One event of a record, as it can be forged.
  struct Entry: Sendable {
    var type: String
    var data: String
    var subject: String? = "greeter"
    var source = "far/relpack"
    var id = Random.hex(16)
    var number: UInt64?
    /// Whether its checksum is right.
    var isWhole = true

    init(_ type: EventType, _ more: String = "") {
      self.type = type.rawValue
      data = #"{"build":"\#(SlugRecordTests.build)"\#(more)}"#
    }

    func bytes(_ index: Int) -> [UInt8] {
      var event = NewEvent(source: source, type: type, subject: subject, data: Array(data.utf8))
      event.id = id
      let time = Timestamp(milliseconds: 1_795_244_709_042 + Int64(index))
      var bytes = Line.loose(event, sequence: number ?? UInt64(index + 1), time: time).bytes
      if !isWhole { bytes[60] ^= 1 }
      return bytes + [10]
    }
  }

  static var good: [Entry] {
    [
      Entry(.buildStarted, #","by":"ada","commit":"c0ffee""#),
      Entry(.buildStep, #","step":"compile""#),
      Entry(.buildStep, #","step":"release""#),
      Entry(.buildFinished, #","slug":"\#(slug)","milliseconds":7"#),
    ]
  }

  static func bytes(_ entries: [Entry]) -> [UInt8] {
    entries.enumerated().flatMap { $1.bytes($0) }
  }

  @Test func validRecordsAreRead() throws {
    let record = try SlugRecord(bytes: Self.bytes(Self.good), slug: Self.slug)
    #expect(record.build == Self.build)
    #expect(
      record.events.map(\.type) == [.buildStarted, .buildStep, .buildStep, .buildFinished])
    #expect(record.events[0].data.by == "ada" && record.events[2].data.step == "release")
    #expect(Set(record.events.map(\.app)) == ["greeter"])
    var nameless = Self.good
    for index in nameless.indices { nameless[index].subject = nil }
    #expect(try SlugRecord(bytes: Self.bytes(nameless), slug: Self.slug).events.count == 4)
  }

  @Test func writtenRecordsCanBeRead() throws {
    var writer = SlugRecordWriter(program: "relpack")
    let build = EventData { $0.build = Self.build }
    writer.append(.buildStarted, app: nil, build)
    writer.append(.buildStep, app: "greeter", build)
    writer.append(
      .buildFinished, app: nil, EventData { ($0.build, $0.slug) = (Self.build, Self.slug) })
    let record = try SlugRecord(bytes: writer.bytes, slug: Self.slug)
    #expect(record.events.map(\.sequence) == [1, 2, 3])
    #expect(Set(record.events.map(\.source)) == ["\(User.host)/relpack"])
    #expect(record.events.map(\.app) == [nil, "greeter", nil])
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var line: Int
    var fault: String
    var bytes: [UInt8]

    init(_ name: String, line: Int, _ fault: String, _ change: (inout [Entry]) -> Void) {
      var entries = SlugRecordTests.good
      change(&entries)
      (testDescription, self.line, self.fault) = (name, line, fault)
      bytes = SlugRecordTests.bytes(entries)
    }

    init(_ name: String, line: Int, _ fault: String, bytes: [UInt8]) {
      (testDescription, self.line, self.fault, self.bytes) = (name, line, fault, bytes)
    }
  }

  static let changed = "it is not an event, or was changed (its checksum is wrong)"

  static let cases: [Case] = [
    Case("nothing", line: 1, "there is no event that names a build", bytes: []),
    Case("an empty line", line: 1, changed, bytes: [10]),
    Case("no JSON", line: 1, changed, bytes: Array("hello\n".utf8)),
    Case("bytes that are not text", line: 1, changed, bytes: [0xff, 0xfe, 10]),
    Case("a wrong checksum", line: 2, changed) { $0[1].isWhole = false },
    Case("a line cut short", line: 4, "it is cut short", bytes: bytes(good).dropLast()),
    Case(
      "a line cut in the middle", line: 4, "it is cut short", bytes: bytes(good).dropLast(40)),
    Case("a long line", line: 2, "it is longer than 64 KiB") {
      $0[1] = Entry(.buildStep, #","step":"\#(String(repeating: "x", count: 65_536))""#)
    },
    Case("too many events", line: 1001, "there are more than 1000 events") { entries in
      entries.insert(contentsOf: (0..<1000).map { _ in Entry(.buildStep) }, at: 1)
    },
    Case("a number left out", line: 3, "its number is 4") { $0[2].number = 4 },
    Case("a number twice", line: 3, "its number is 2") { $0[2].number = 2 },
    Case("an id twice", line: 3, "its id is that of an earlier line") { $0[2].id = $0[1].id },
    Case("an invalid id", line: 2, changed) { $0[1].id = String(repeating: "X", count: 32) },
    Case("a short id", line: 2, changed) { $0[1].id = "abc" },
    Case("a request", line: 2, "'deploy.requested' is in the place of build.step") {
      $0[1].type = "deploy.requested"
    },
    Case("an unknown type", line: 2, "'build.dreamt' is in the place of build.step") {
      $0[1].type = "build.dreamt"
    },
    Case("a failed build", line: 4, "'build.failed' is in the place of build.finished") {
      $0[3].type = "build.failed"
    },
    Case("no start", line: 1, "'build.step' is in the place of build.started") {
      $0.removeFirst()
    },
    Case("a second start", line: 2, "'build.started' is in the place of build.step") {
      $0[1].type = "build.started"
    },
    Case("no end", line: 3, "'build.step' is in the place of build.finished") {
      $0.removeLast()
    },
    Case("nothing but a start", line: 2, "there is no build.finished") { $0.removeLast(3) },
    Case("a line after the end", line: 4, "'build.finished' is in the place of build.step") {
      $0.append(Entry(.buildStep))
    },
    Case("data that is not an object", line: 2, "its data cannot be read") { $0[1].data = "7" },
    Case("data of a wrong type", line: 2, "its data cannot be read") {
      $0[1] = Entry(.buildStep, #","step":7"#)
    },
    Case("nested without end", line: 2, "it is not an event") {
      $0[1].data = String(repeating: "[", count: 30_000) + String(repeating: "]", count: 30_000)
    },
    Case(
      "another build", line: 3,
      "its build is 'ffffffffffffffff', that of the lines before '0123456789abcdef'"
    ) {
      $0[2].data = #"{"build":"ffffffffffffffff"}"#
    },
    Case("no build", line: 2, "its build is '', that of the lines before '0123456789abcdef'") {
      $0[1].data = "{}"
    },
    Case("no build at all", line: 1, "there is no event that names a build") {
      for index in $0.indices { $0[index].data = "{}" }
    },
    Case("an invalid id of a build", line: 1, "its build is '../../x'") {
      for index in $0.indices { $0[index].data = #"{"build":"../../x"}"# }
    },
    Case("no slug", line: 4, "it is the record of another slug, ''") {
      $0[3] = Entry(.buildFinished)
    },
    Case("another slug", line: 4, "it is the record of another slug, 'beef'") {
      $0[3] = Entry(.buildFinished, #","slug":"beef""#)
    },
    Case("an invalid name of an app", line: 3, "'../x' cannot be an app's name") {
      $0[2].subject = "../x"
    },
    Case("no source", line: 3, "it has no source") { $0[2].source = "" },
  ]

  @Test(arguments: cases) func invalidRecordsNameTheirLine(_ item: Case) {
    let cause = #expect(throws: Cause.self) {
      try SlugRecord(bytes: item.bytes, slug: Self.slug)
    }
    #expect(cause?.sentence == ".reltui/events.jsonl:\(item.line): \(item.fault)")
    #expect(cause?.id == "RT-SLUG-RECORD" && cause?.exitCode == 65)
  }

  /// Any change of any byte is refused and never traps.
  @Test func everyChangedByteIsRefused() throws {
    let bytes = Self.bytes(Self.good)
    var random = Scramble(7)
    for _ in 0..<500 {
      var changed = bytes
      let place = Int.random(in: 0..<bytes.count, using: &random)
      changed[place] ^= UInt8.random(in: 1...255, using: &random)
      #expect(throws: Cause.self, "\(place)") {
        try SlugRecord(bytes: changed, slug: Self.slug)
      }
    }
  }
}
