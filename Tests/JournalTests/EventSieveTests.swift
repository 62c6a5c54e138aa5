import Events
import Journal
import TestSupport
import Testing

/// The sieve must reject only lines whose event does not match.
struct EventSieveTests {
  private static func line(_ members: String) -> [UInt8] {
    Array(#"{"seq":"7","id":"e","time":"2026-11-21T07:05:09.042Z",\#(members)}"#.utf8)
  }

  private static func envelope(_ members: String) -> EventEnvelope? {
    EventEnvelope(line: line(members).span)
  }

  private static func mayPass(_ members: String, app: String? = nil, type: String? = nil) -> Bool {
    EventSieve(app: app, type: type.map { Glob($0) }).mayPass(line(members))
  }

  @Test(arguments: [
    #""type":"a.b","subject":"shop""#, #""subject":"shop","type":"a.b","data":{"x":"\n"}"#,
    #""data":{"by":"ana"},"subject" : "shop","type":"a.b""#,
    #""type":"a.b","subject":"\u0073hop""#, #""type":"a.b","subject":"sho\u0070""#,
    #""type":"a.b","\u0073ubject":"shop""#, #""type":"a.b","subject":"\u0073\u0068\u006F\u0070""#,
  ])
  func appIsFoundInEveryEscapedForm(_ members: String) {
    #expect(Self.envelope(members)?.app == "shop")
    #expect(Self.mayPass(members, app: "shop") && Self.mayPass(members, app: "shop", type: "a.*"))
  }

  @Test(arguments: [
    #""type":"a.b""#, #""type":"a.b","subject":null"#, #""type":"a.b","subject":"workshop""#,
    #""type":"a.b","subject":"shop-2","data":{"folder":"/srv/shop","x":"\\ \" \n"}"#,
    #""type":"a.shop","subject":"other""#,
  ])
  func otherAppsAreRejected(_ members: String) {
    #expect(!Self.mayPass(members, app: "shop"))
    #expect(Self.mayPass(members))
  }

  /// The name occurs in the line, but not as the app; only the decoded event shows that.
  @Test func nameInAnotherFieldPasses() {
    #expect(Self.mayPass(#""type":"a.b","subject":"other","data":{"by":"shop"}"#, app: "shop"))
  }

  @Test(arguments: [
    ("a.b", "a.b"), ("a.*", "a.b"), ("*.b", "a.b"), ("*", "a.b"), ("?.?", "a.b"), ("", ""),
    ("*a/*", #"a\/b"#), ("*a\"b*", #"xa\"by"#), ("a\\b", #"a\\b"#), ("*\n*", #"a\nb"#),
    ("*\u{1}*", #"a\u0001b"#), ("a.bcd", #"a.b\u0063d"#), ("é*", "éa"), ("é*", #"\u00e9a"#),
    ("*é", "aé"), ("😀", #"\ud83d\ude00"#), ("*\u{7F}", "a\u{7F}"),
  ])
  func typeIsFoundInEveryEscapedForm(_ glob: String, _ written: String) throws {
    let members = #""subject":"shop","type":"\#(written)""#
    let envelope = try #require(Self.envelope(members))
    #expect(Glob(glob).matches(envelope.typeName) && Self.mayPass(members, type: glob))
  }

  @Test(arguments: ["a.c", "a.bc", "b.*", "*.c", "xa*b", ".b", "*b."])
  func otherTypesAreRejected(_ glob: String) {
    #expect(!Glob(glob).matches("a.b"))
    #expect(!Self.mayPass(#""type":"a.b","subject":"shop""#, type: glob))
  }

  /// The made-up type of such a line does not occur in its bytes.
  @Test(arguments: ["unreadable", "un*", "*able"])
  func unreadableLinesAreFoundByTheirMadeUpType(_ glob: String) {
    #expect(Self.envelope(#""type":"a.b",}"#) == nil)
    #expect(Self.mayPass(#""type":"a.b",}"#, type: glob))
  }

  /// Names and patterns of few letters match often. Any letter may be escaped, and members come in
  /// any order.
  @Test func matchingLinesAlwaysPass() {
    var random = Scramble(3)
    func word(_ letters: [String]) -> String {
      (0...Int.random(in: 0...3, using: &random)).map { _ in
        letters.randomElement(using: &random) ?? ""
      }.joined()
    }
    func quoted(_ text: String, escapes: Bool) -> String {
      let letters = text.unicodeScalars.map { scalar in
        let isEscaped = escapes && Bool.random(using: &random)
        let code = String(0x10000 + scalar.value, radix: 16).dropFirst()
        return isEscaped
          ? "\\u\(code)" : "\"\\".contains(Character(scalar)) ? "\\\(scalar)" : "\(scalar)"
      }
      return "\"\(letters.joined())\""
    }
    var (wrong, matching, rejected): ([String], Int, Int) = ([], 0, 0)
    for round in 0..<4000 {
      let escapes = round % 2 == 0
      let members = [
        #""type":"# + quoted(word(["a", "b", ".", "/", "é"]), escapes: escapes),
        #""subject":"# + quoted(word(["a", "b", "-"]), escapes: escapes),
        #""data":{"by":"# + quoted(word(["a", "b", "\"", "\\"]), escapes: escapes) + "}",
      ].shuffled(using: &random).joined(separator: ",")
      let app = Bool.random(using: &random) ? word(["a", "b", "-"]) : nil
      let type = Bool.random(using: &random) ? word(["a", "b", ".", "*", "?", "/", "é"]) : nil
      let event = Event(line: Self.line(members).span)
      let isMatch =
        app ?? event?.app == event?.app
        && type.map { Glob($0).matches(event?.typeName ?? "") } ?? true
      let passes = Self.mayPass(members, app: app, type: type)
      matching += isMatch ? 1 : 0
      rejected += passes ? 0 : 1
      if event == nil || isMatch && !passes {
        wrong.append("\(app ?? "–") \(type ?? "–") \(members)")
      }
    }
    #expect(wrong == [])
    #expect(matching > 400 && rejected > 400)
  }
}
