import Events
import HomeLayout
import JSONText
import TestSupport
import Testing

struct EventReaderTests {
  private func read(_ bytes: [UInt8]) -> Event? {
    #expect(ReferenceEvent.envelopeAgrees(bytes))
    return Event(line: bytes.span)
  }
  private func read(_ text: String) -> Event? { read(Array(text.utf8)) }

  /// Reads data inside a valid envelope.
  private func readData(_ data: String) -> Event? {
    read(
      #"{"seq":"7","id":"e","time":"2026-11-21T07:05:09.042Z","type":"build.step","data":\#(data)}"#
    )
  }

  @Test func readsEveryPartOfALine() throws {
    let line = #"""
      {"seq":"0000000000000042","specversion":"1.0","id":"e1","time":"2026-11-21T07:05:09.042Z",\#
      "source":"h/relctl","type":"instance.crashed","subject":"shop","data":{"by":"ana",\#
      "formation":{"web":2},"instance":"web.1","release":"v3","run":41,"set":["A","B"],\#
      "cause":{"id":"RT-CRASHED","sentence":"\"it\" broke 😀 \ud83d\ude00","remedy":"\u0041",\#
      "facts":{"exit":"1"},"evidence":[{"kind":"log","where":"web.1","text":"a\tb"}]},\#
      "newer":[{"x":[null,true,-1.5e3]}]},"crc32c":"8a2f01cc"}
      """#
    let event = try #require(read(line))
    #expect(event.sequence == 42 && event.id == "e1" && event.source == "h/relctl")
    #expect(event.time == Timestamp("2026-11-21T07:05:09.042Z"))
    #expect(event.type == .instanceCrashed && event.app == "shop")
    let cause = Cause(
      .crashed, "\"it\" broke 😀 😀", remedy: "A", facts: ["exit": "1"],
      evidence: [Cause.Evidence(kind: "log", place: "web.1", text: "a\tb")])
    let data = EventData {
      ($0.by, $0.formation, $0.instance) = ("ana", ["web": 2], InstanceName("web", 1))
      ($0.release, $0.run, $0.set, $0.cause) = (ReleaseNumber(3), 41, ["A", "B"], cause)
    }
    #expect(event.data == data)
  }

  @Test(arguments: [
    "", " ", "{}", "[]", "null", "7", "\u{FEFF}{}", "{", #"{"seq""#,
    #"{"id":"e","time":"2026-11-21T07:05Z","type":"t"}"#,
    #"{"seq":"7","time":"2026-11-21T07:05Z","type":"t"}"#,
    #"{"seq":"7","id":"e","type":"t"}"#,
    #"{"seq":"7","id":"e","time":"2026-11-21T07:05Z"}"#,
    #"{"seq":7,"id":"e","time":"2026-11-21T07:05Z","type":"t"}"#,
    #"{"seq":"-7","id":"e","time":"2026-11-21T07:05Z","type":"t"}"#,
    #"{"seq":"18446744073709551616","id":"e","time":"2026-11-21T07:05Z","type":"t"}"#,
    #"{"seq":"7","id":null,"time":"2026-11-21T07:05Z","type":"t"}"#,
    #"{"seq":"7","id":"\ud800","time":"2026-11-21T07:05Z","type":"t"}"#,
    #"{"seq":"7","id":"e","time":"2026-02-30T07:05Z","type":"t"}"#,
    #"{"seq":"7","id":"e","time":"2026-11-21T07:05Z","type":"t","subject":1}"#,
    #"{"seq":"7","id":"e","time":"2026-11-21T07:05Z","type":"t"}x"#,
    #"{"seq":"7","id":"e","time":"2026-11-21T07:05Z","type":"t"}{}"#,
    #"{"seq":"7","id":"e","time":"2026-11-21T07:05Z","type":"t","\udc00":1}"#,
  ]) func invalidEnvelopesAreRefused(_ line: String) { #expect(read(line) == nil) }

  /// Invalid JSON in the data invalidates the whole line.
  @Test(arguments: [
    "{,}", #"{"by":"x",}"#, #"{"by":"x""#, #"{"by" "x"}"#, #"{by:"x"}"#, "[1,]", "[1 2]", "[}",
    "01", "1.", ".5", "+1", "-", "1e", "1e+", "--1", "0x10", "NaN", "-Infinity", "tru", "nul",
    #"{"x":"\q"}"#, #"{"x":"\u12"}"#, #"{"x":"\u12g4"}"#, "{\"x\":\"\u{1}\"}", "{\"x\":\"a\nb\"}",
    #"{"by":7,"x":01}"#, "\"", "\"\\", "\"\\u", "'x'", "/* */ {}", "",
  ]) func invalidJSONIsRefused(_ data: String) { #expect(readData(data) == nil) }

  /// Data that is valid JSON but cannot be decoded leaves the envelope.
  @Test(arguments: [
    "[]", "7", "\"x\"", "true", #"{"by":7}"#, #"{"by":["x"]}"#, #"{"by":"\ud800"}"#,
    #"{"by":"\ud800\u0041"}"#, #"{"by":"\udc00\ud800"}"#, #"{"\ud800":1}"#, #"{"run":"7"}"#,
    #"{"run":-1}"#, #"{"run":1.5}"#, #"{"run":1e400}"#, #"{"run":18446744073709551616}"#,
    #"{"pid":2147483648}"#, #"{"pid":-2147483649}"#, #"{"port":65536}"#, #"{"run":true}"#,
    #"{"size":123456789012345678901234567890}"#, #"{"milliseconds":-9223372036854775809}"#,
    #"{"release":"v0"}"#, #"{"release":12}"#, #"{"instance":"web"}"#, #"{"deadline":"soon"}"#,
    #"{"set":"A"}"#, #"{"set":[null]}"#, #"{"set":[1]}"#, #"{"formation":{"web":"1"}}"#,
    #"{"formation":{"web":null}}"#, #"{"formation":[]}"#, #"{"cause":"x"}"#, #"{"cause":{}}"#,
    #"{"cause":{"id":"x","sentence":null}}"#,
    #"{"cause":{"id":"x","sentence":"y","facts":{"a":1}}}"#,
    #"{"cause":{"id":"x","sentence":"y","evidence":[{"kind":"log","text":"t"}]}}"#,
    #"{"by":7,"x":{"y":[1,"z"]}}"#,
  ]) func unreadableDataKeepsTheEnvelope(_ data: String) throws {
    let event = try #require(readData(data))
    #expect(!event.isReadable && event.data == EventData() && event.type == nil)
    #expect(event.sequence == 7 && event.typeName == "build.step")
    #expect(ReferenceEvent.read(Array(line(data).utf8)) == event)
  }

  @Test func dataInUnusualForms() {
    let cases: [(String, (inout EventData) -> Void)] = [
      ("null", { _ in }), ("{}", { _ in }), (" { } ", { _ in }),
      (#"{"by":null,"run":null,"cause":null}"#, { _ in }),
      (#"{"by":"a","by":7}"#, { $0.by = "a" }),
      (#"{"by":null,"by":"a"}"#, { _ in }),
      (#"{"\u0062y":"a"}"#, { $0.by = "a" }),
      (#"{"x":"\ud800","by":"a"}"#, { $0.by = "a" }),
      (#"{"By":1,"":2,"by ":3,"by":"a"}"#, { $0.by = "a" }),
      (#"{"by":"\u0000\/\b\f\r\\"}"#, { $0.by = "\0/\u{8}\u{C}\r\\" }),
      (#"{"run":18446744073709551615}"#, { $0.run = .max }),
      (#"{"run":-0}"#, { $0.run = 0 }),
      (#"{"run":12.0}"#, { $0.run = 12 }),
      (#"{"run":1.2e1}"#, { $0.run = 12 }),
      (#"{"milliseconds":-9223372036854775808}"#, { $0.milliseconds = .min }),
      (#"{"pid":-2147483648}"#, { $0.pid = .min }),
      (#"{"formation":{"web":1,"web":2}}"#, { $0.formation = ["web": 1] }),
    ]
    for (data, fill) in cases {
      #expect(readData(data)?.data == EventData(fill), "\(data)")
      #expect(readData(data)?.isReadable == true, "\(data)")
    }
  }

  private func line(_ data: String) -> String {
    #"{"seq":"7","id":"e","time":"2026-11-21T07:05:09.042Z","type":"build.step","data":\#(data)}"#
  }

  /// The limit is that of JSONDecoder; even extreme nesting must not overflow the stack.
  @Test func nestingHasALimit() {
    for (open, close) in [("[", "]"), (#"{"x":"#, "}")] {
      for depth in [1, 63, 64, 65, 509, 510, 511, 512, 513, 10_000, 1_000_000] {
        let inside = open == "[" ? "" : "1"
        let value =
          String(repeating: open, count: depth) + inside + String(repeating: close, count: depth)
        let bytes = Array(line(#"{"x":\#(value),"by":"a"}"#).utf8)
        #expect((read(bytes) != nil) == (depth <= 510), "\(depth)")
        #expect(ReferenceEvent.agrees(bytes), "\(depth)")
        #expect(read(line(String(repeating: open, count: depth))) == nil)
      }
    }
  }

  @Test func readsWhatJSONDecoderReads() {
    var random = RandomLine(1)
    var wrong: [String] = []
    var (events, readable) = (0, 0)
    for _ in 0..<4000 {
      let line = random.next()
      if !ReferenceEvent.agrees(line) { wrong.append(String(decoding: line, as: UTF8.self)) }
      let event = Event(line: line.span)
      events += event == nil ? 0 : 1
      readable += event?.isReadable == true ? 1 : 0
      for _ in 0..<4 {
        let spoiled = random.spoil(line)
        if !ReferenceEvent.agrees(spoiled) {
          wrong.append(String(decoding: spoiled, as: UTF8.self))
        }
      }
    }
    #expect(wrong == [])
    // The random lines must include enough of each kind.
    #expect(events > 3000 && events < 4000 && readable > 2000 && readable < events)
  }

  @Test func everyTypeSurvivesEncoding() throws {
    for type in EventType.allCases {
      let event = Event(
        sequence: 9, id: "e", time: Timestamp(milliseconds: 1), source: "h/é", type: type,
        app: "shop", data: EventData { $0.by = type.rawValue })
      #expect(read(JSON.encode(event)) == event)
      #expect(read(JSON.encode(event, pretty: true)) == event)
    }
  }

  @Test func theSummaryHasEveryFieldInOrder() {
    var event = Event(
      sequence: 9, id: "e", time: Timestamp(milliseconds: 1), source: "h", type: .nodeUp, app: nil,
      data: EventData())
    #expect(event.summary == "")
    event.data = EventData {
      ($0.by, $0.deadline, $0.release, $0.from) = (
        "ana", Timestamp(milliseconds: 0), ReleaseNumber(3), ReleaseNumber(2)
      )
      ($0.set, $0.unset, $0.formation) = (["A", "B"], [], ["web": 2, "clock": 1])
      ($0.instance, $0.run, $0.boot) = (InstanceName("web", 1), .max, ["kernel": 4])
      ($0.exit, $0.line, $0.milliseconds) = (-1, "say \"hi\"", 0)
      $0.cause = Cause(.crashed, "it broke")
    }
    #expect(
      event.summary
        == "by=ana deadline=1970-01-01T00:00:00.000Z release=v3 from=v2 set=A,B unset= "
        + "formation=clock:1,web:2 instance=web.1 run=18446744073709551615 boot=kernel:4 exit=-1 "
        + "line=say \"hi\" milliseconds=0 it broke")
    event.data = EventData { $0.cause = Cause(.crashed, "it broke") }
    #expect(event.summary == "it broke")
  }

  /// Every cut makes a line invalid, and so does invalid UTF-8.
  @Test func cutLinesAndInvalidUTF8AreRefused() {
    let whole = Array(line(#"{"by":"é","run":7,"set":["\n"]}"#).utf8)
    #expect(read(whole) != nil)
    #expect((0..<whole.count).filter { read(Array(whole[..<$0])) != nil } == [])
    let foreign: [[UInt8]] = [
      [0xFF], [0xC0, 0x80], [0xC3], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82],
    ]
    for bytes in foreign {
      for key in ["by", "x"] {
        let changed = Array(line("{\"\(key)\":\"").utf8.dropLast()) + bytes + Array("\"}}".utf8)
        #expect(read(changed) == nil, "\(bytes)")
      }
    }
  }

  @Test func randomBytesNeverTrap() {
    var scramble = Scramble(7)
    let pieces = [
      "{", "}", "[", "]", ",", ":", "\"", "\\u", "\\", "d83d", "null", "true", "-", "0",
      "99999999999",
      "1e9", ".", "\"data\":", "\"seq\":\"1\"", "\"run\":", "\"cause\":", "\"time\":", " ", "é",
    ].map { Array($0.utf8) }
    var events = 0
    for round in 0..<30_000 {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 0...24, using: &scramble) {
        if round % 2 == 0 {
          bytes += pieces[Int.random(in: 0..<pieces.count, using: &scramble)]
        } else {
          bytes.append(UInt8.random(in: 0...255, using: &scramble))
        }
      }
      for text in [bytes, Array(line("").utf8.dropLast()) + bytes] {
        events += read(text) == nil ? 0 : 1
      }
    }
    #expect(events < 60_000)
  }
}
