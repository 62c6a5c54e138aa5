import Events
import HomeLayout
import JSONText
import Redaction
import TestSupport
import Testing

struct RedactorTests {
  static func mask(_ values: [String: String], secret: [String] = []) -> Redactor {
    Redactor(ConfigSet(values, secret: secret))
  }

  struct Case: Sendable {
    var values: [String: String]
    var secret: [String] = []
    var text: String
    var masked: String

    init(_ values: [String: String], secret: [String] = [], _ text: String, _ masked: String) {
      (self.values, self.secret, self.text, self.masked) = (values, secret, text, masked)
    }
  }

  static let key = "-----BEGIN KEY-----\r\n  abcdefghij  \nqwertyuiop\n}\n"

  static let cases: [Case] = [
    Case(["A": "old-password"], "old-password, old-passwordold-password!", "«A», «A»«A»!"),
    Case(["A": "old-password"], "old-passwold-password", "old-passw«A»"),
    Case(["A": "old-password"], "old-passwor", "old-passwor"),
    Case(["A": "old-password"], "", ""),
    Case([:], "old-password", "old-password"),
    Case(["A": "new-password", "B": "new-password-and-more"], "new-password-and-more", "«B»"),
    // The rest of a value that overlaps another is masked too.
    Case(["A": "abcdefgh", "B": "efghijkl"], "-abcdefghijkl-", "-«A»«B»-"),
    Case(["A": "abababab"], "ababababab", "«A»"),
    Case(["B": "same-value", "A": "same-value"], "same-value", "«A»"),
    Case(["Ü": "schlüssel"], "der schlüssel é", "der «Ü» é"),
    // As programs print it that take it for another encoding, or write only ASCII.
    Case(["A": "geheimäwert"], "geheimÃ¤wert geheim\u{FFFD}wert", "«A» «A»"),
    Case(["A": "geheimäwert"], #"geheim\x{e4}wert geheim\x{E4}wert"#, "«A» «A»"),
    Case(["A": "geheimäwert"], #"geheim\u00e4wert geheim\u00E4wert"#, "«A» «A»"),
    // Too short, too common, and a number.
    Case(["A": "1234567"], "1234567", "1234567"),
    Case(
      ["A": "Production", "B": "1234567890", "C": "-12345.678"], "Production 1234567890 -12345.678",
      "Production 1234567890 -12345.678"),
    Case(["A": "0x12345678", "B": "12345e67"], "0x12345678 12345e67", "«A» «B»"),
    // Marked values are masked from four bytes on.
    Case(["A": "4711", "B": "123", "C": ""], secret: ["A", "B", "C"], "4711 123", "«A» 123"),
    Case(["A": "Production"], secret: ["A"], "Production", "«A»"),
    Case(["A": "4711"], secret: ["A"], "4 47 471 4711", "4 47 471 «A»"),
    // A long value is masked line by line, without the blanks around each line. A line with only a
    // brace is not masked.
    Case(["K": key], "x abcdefghij y", "x «K» y"),
    Case(["K": key], secret: ["K"], "-----BEGIN KEY----- qwertyuiop }", "«K» «K» }"),
    Case(["K": key], key, "«K»"),
    // Quoted by `inspect`, again by a JSON logger, and by the VM at its end.
    Case(["Q": odd], "a wo\"rd\\ é\n😀 b", "a «Q» b"),
    Case(["Q": "pass\"wo\\rd"], #"a pass"wo\rd b"#, "a «Q» b"),
    Case(["Q": "pass\"wo\\rd"], #"a pass\"wo\\rd b"#, "a «Q» b"),
    Case(["Q": "pass\"wo\\rd"], #""pass\\\"wo\\\\rd""#, #""«Q»""#),
    Case(
      ["Q": "pass\"wo\\rd"], #"{\"x\",\"<<\\"pass\\"wo\\rd\\">>\"}"#, #"{\"x\",\"<<\\"«Q»\\">>\"}"#),
    Case(["Q": "first line\nsecond line"], #""first line\nsecond line""#, #""«Q»\n«Q»""#),
    Case(["Q": #"\\\\\\\\\\\\"#], #"\\\\\\\\\\\\"#, #"\\\\\\\\\\\\"#),
  ]

  @Test(arguments: cases.indices) func masksTexts(_ index: Int) {
    let one = Self.cases[index]
    #expect(Self.mask(one.values, secret: one.secret)(one.text) == one.masked)
  }

  static let odd = "wo\"rd\\ é\n😀"

  static let jsonCases: [(String, String)] = [
    (#"{"old-password":"old-password"}"#, #"{"«A»":"«A»"}"#),
    (
      #"{ "n" : 1.50e+3, "m":12345678901234567890, "a":[true,null,"x old-password y"] }"#,
      #"{ "n" : 1.50e+3, "m":12345678901234567890, "a":[true,null,"x «A» y"] }"#
    ),
    // The value is found in every escaped form; the text around it stays unchanged.
    (#"{"\u00e9\/":"\u006fld-\u0070assword\u00e9\/"}"#, #"{"\u00e9\/":"«A»\u00e9\/"}"#),
    (#"["wo\"rd\\ \u00e9\n\ud83d\ude00!"]"#, #"["«B»!"]"#),
    (#"["wo\"rd\\ é\n😀!"]"#, #"["«B»!"]"#),
    // Invalid JSON.
    (#"{"a":"old-password"#, #"{"a":"«A»"#),
    (#"{"a":"\"#, #"{"a":"\"#),
    (#"{"a":"\u00"#, #"{"a":"\u00"#),
    (#"["\ud83d","\ude00\ud83d old-password"]"#, #"["\ud83d","\ude00\ud83d «A»"]"#),
    (#"["\u+123 \u-000 old-password"]"#, #"["\u+123 \u-000 «A»"]"#),
    ("", ""), ("\"", "\""), ("}{", "}{"),
  ]

  @Test(arguments: jsonCases.indices) func masksStringsOfJSON(_ index: Int) {
    let (text, masked) = Self.jsonCases[index]
    let mask = Self.mask(["A": "old-password", "B": Self.odd])
    let result = mask.masked(json: Array(text.utf8))
    #expect(String(decoding: result, as: UTF8.self) == masked)
    #expect(Redactor().masked(json: Array(text.utf8)) == Array(text.utf8))
  }

  /// Deep nesting and invalid bytes are harmless.
  @Test func acceptsAnyBytesAsJSON() {
    let mask = Self.mask([
      "A": "old-password", "B": "\\\\\\\\\"\"\"\"", "C": "\u{FFFD}\u{FFFD}\u{FFFD}",
    ])
    let bomb = Array(repeating: UInt8(ascii: "["), count: 1 << 20)
    #expect(
      mask.masked(json: bomb + Array(#""old-password""#.utf8)) == bomb + Array(#""«A»""#.utf8))
    let seed = Array(#"{"old-password":["\\\\\"\"\"\"\ud83d\ude00\u0041\"#.utf8)
    var numbers = Scramble(4711)
    for _ in 0..<5000 {
      var bytes = seed + seed
      for _ in 0..<8 { bytes.swapAt(.random(in: bytes.indices, using: &numbers), 0) }
      bytes.removeLast(Int.random(in: 0..<bytes.count, using: &numbers))
      let masked = mask.masked(json: bytes)
      #expect(masked.count >= bytes.count / 12)
    }
  }

  @Test func masksCauses() {
    let mask = Self.mask(["A": "old-password", "RT": "RT-CRASHED", "K": "evidence-kind"])
    let cause = Cause(
      .crashed, "it said old-password", remedy: "not old-password",
      facts: ["a": "old-password", "old-password": "b"],
      evidence: [.init(kind: "evidence-kind", place: "old-password", text: "RT-CRASHED")])
    #expect(
      mask(cause)
        == Cause(
          .crashed, "it said «A»", remedy: "not «A»", facts: ["a": "«A»", "«A»": "b"],
          evidence: [.init(kind: "evidence-kind", place: "«A»", text: "«RT»")]))
  }

  // MARK: - Events

  /// Every field that can hold a text must mask it, if the table calls the field free text.
  @Test(arguments: EventData.Field.allCases) func masksFreeTextFields(_ field: EventData.Field)
    throws
  {
    let mask = Self.mask(["A": "old-password"])
    let cause = #"{"id":"x","sentence":"old-password"}"#
    var texts = 0
    for shape in [#""old-password""#, #"["old-password"]"#, cause] {
      let json = Array(#"{"\#(field.rawValue)":\#(shape)}"#.utf8)
      guard let data = try? JSON.decode(EventData.self, from: json) else { continue }
      texts += 1
      let masked = String(decoding: JSON.encode(mask(data)), as: UTF8.self)
      // A domain of the router is often a config var, too: PHX_HOST.
      let isOurs = [.node, .step, .missing, .exclusive, .domain, .settings, .parent].contains(field)
      #expect(masked.contains("old-password") == isOurs, "\(masked)")
      #expect(masked.contains("«A»") == !isOurs, "\(masked)")
    }
    if field.isFreeText { #expect(texts == 1) }
  }

  /// Some values equal names that the board needs; if those were masked, the agent could not
  /// recognise its own events.
  @Test func keepsNamesThatTheBoardNeeds() throws {
    let id = String(repeating: "0123456789abcdef", count: 4)
    let data = EventData {
      ($0.request, $0.build, $0.slug, $0.config, $0.base, $0.commit) = (id, id, id, id, id, id)
      ($0.instance, $0.run, $0.node) = (InstanceName("web", 1), 42, "storefront-web-1-42@127.0.0.1")
      ($0.formation, $0.step, $0.release) = (["workerbee": 1], "switch", ReleaseNumber(12))
      ($0.deadline, $0.missing) = (Timestamp(milliseconds: 0), ["12-14"])
      $0.cause = Cause(.bootTimeout, "it is late")
    }
    let values = [
      id, "web.1", "storefront-web-1-42@127.0.0.1", "storefront", "workerbee", "switch", "v12",
      "1970-01-01T00:00:00.000Z", "12-14", "RT-BOOT-TIMEOUT",
    ]
    let named = Dictionary(uniqueKeysWithValues: values.enumerated().map { ("V\($0)", $1) })
    let mask = Self.mask(named, secret: Array(named.keys))
    #expect(mask("web.1 of storefront") == "«V1» of «V3»", "the values are not masked at all")
    #expect(mask(data) == data)
    #expect(mask(subject: "storefront") == "storefront")
    #expect(mask(subject: "The storefront") == "The «V3»")
  }
}
