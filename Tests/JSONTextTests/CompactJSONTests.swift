import JSONText
import Testing

struct CompactJSONTests {
  @Test(arguments: [
    ("{}", "{}"), (" [ ] ", "[]"),
    ("\t{ \"a\" : 1 ,\r\n \"b\" : [ 1 , 2 ] }\n", #"{"a":1,"b":[1,2]}"#),
    // Numbers keep their digits, and strings their bytes.
    ("[1.50e+02, -0, 10000000000000000000000001]", "[1.50e+02,-0,10000000000000000000000001]"),
    (#"[" a { b ", "\u00e9\ud83d\ude00\/"]"#, #"[" a { b ","\u00e9\ud83d\ude00\/"]"#),
    (#"{"a":[{}, [ ]], "a":null}"#, #"{"a":[{},[]],"a":null}"#),
    ("\"é\"", "\"é\""), ("true", "true"),
  ])
  func onlyWhiteSpaceIsRemoved(_ text: String, _ compact: String) throws {
    #expect(try CompactJSON(Array(text.utf8)).bytes == Array(compact.utf8))
  }

  @Test(arguments: [
    "", " ", "{", "}", "[1,]", "{\"a\":1,}", "{\"a\"}", "{a:1}", "{'a':1}", "[1 2]", "{} {}", "nul",
    "01", "1.", ".5", "+1", "1e", "-", "\"", "\"\\x\"", "\"\\u12g4\"", "\"\\u12\"", "\"\n\"",
    "\"\u{0}\"", "NaN", "\u{FEFF}{}", "// a\n{}", #"["\ud800"]"#, #"["\udc00\ud800"]"#,
    #"["\ud800\n"]"#, #"{"\ud800":1}"#,
  ])
  func invalidJSONIsRefused(_ text: String) {
    #expect(throws: CompactJSON.Fault.self) { try CompactJSON(Array(text.utf8)) }
  }

  @Test(arguments: [[0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xC3]])
  func invalidUTF8IsRefused(_ bytes: [UInt8]) {
    #expect(throws: CompactJSON.Fault.self) { try CompactJSON([0x22] + bytes + [0x22]) }
  }

  @Test func depthHasALimit() throws {
    func nested(_ depth: Int, _ open: String, _ close: String) -> [UInt8] {
      Array(
        (String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)).utf8)
    }
    for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
      #expect(try CompactJSON(nested(64, open, close)).bytes == nested(64, open, close))
      #expect(throws: CompactJSON.Fault.tooDeep) { try CompactJSON(nested(65, open, close)) }
      #expect(throws: CompactJSON.Fault.tooDeep) { try CompactJSON(nested(100_000, open, close)) }
    }
  }

  @Test func membersAndTheirRanges() throws {
    let json = try CompactJSON(Array(#"{ "a": {"a" : 2}, "b\n": "x\ty", "a": 3 }"#.utf8))
    #expect(json.members?.map(\.name) == ["a", "b\n", "a"])
    #expect(json["a"].map { String(decoding: $0, as: UTF8.self) } == #"{"a":2}"#)
    #expect(json["b\n"].flatMap(CompactJSON.text) == "x\ty" && json["c"] == nil)
    #expect(try CompactJSON(Array("[1]".utf8)).members == nil)
  }
}
