import ErlangTerm
import Testing

@Suite struct TextFormatTests {
  static let texts = [
    "atom", "'quoted atom'", "'it\\'s'", "'\\x{e9}t\\351'", "été", "a@b_C9", "''", "'fun'",
    "0", "-1", "+1", "- 7", "1_000_000", "16#ff", "-16#FF", "2#1010", "36#Zz", "16#1_0",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
    "123456789012345678901234567890123456789012345678901234567890", "$a", "-$a", "$\\n", "$ ",
    "$\\^A", "$\\x{1F600}", "$é", "$\\$", "$\\s",
    "1.5", "-0.25", "1.0e-3", "1.0E5", "2.5e+10", "1_0.5", "1.7976931348623157e308", "5.0e-324",
    "\"\"", "\"text\"", "\"a\" \"b\"\n\"c\"", #""\b\d\e\f\n\r\s\t\v\\\"\'\q""#,
    #""\101\0\x41\x{263A}""#,
    "\"two\nlines\"", "\"smörgås ☺\"", #""\^A\^z\^[""#, "\"cut\\\nshort\"",
    "[]", "[1,2,3]", "[a|b]", "[a,b|c]", "[a|[b,c]]", "[a|[b|c]]", "[[],[[]]]", "[1,$a,300]",
    "{}", "{a}", "{a,{b,[c]}}", "#{}", "#{a => 1}", "#{#{} => #{}}", "#{\"k\" => <<\"v\">>}",
    "<<>>", "<<\"text\">>", "<<\"grüße\">>", "<<\"grüße ☺\"/utf8>>", "<<1,2,3>>", "<<1:4,2:4,5:3>>",
    "<<300,-1>>", "<<258:16>>", "<<\"a\",0,\"ü\"/utf8>>", "<<\"a\" \"b\">>", "<<0:0>>", "<<-1:64>>",
    "fun lists:map/2", "fun 'A':'b c'/0", "{a, % comment\n b}", "{'maybe','else','end'}",
  ]

  /// The same texts, read by `file:consult/1` of a real Erlang.
  @Test func textsAreReadAsErlangReadsThem() throws {
    let encoded = try encodedByErlang(Self.texts)
    for (text, bytes) in zip(Self.texts, encoded) {
      let term = try TextFormat.parse(text)
      let expected = try ExternalFormat.decode(bytes)
      #expect(term == expected, "\(text)")
      #expect(try ExternalFormat.encode(term) == bytes, "\(text)")
    }
  }

  /// What we print reads back, here and in a real Erlang.
  @Test func printedTermsReadBack() throws {
    let extra: [Term] = [
      .atom("a\nb\u{0}\u{7F}\u{85}"), .charlist("\u{1}"), .list([.integer(0xD800)]),
      .binary(Array("\u{1F600}\u{85}".utf8)), .binary([0x80]), .float(1e22), .float(1e-7),
      .float(-0.0), .atom("Ünicode"), .charlist("q\"\\'"), .atom("q\"\\'"),
      .bits([255, 255], last: 7), .charlist("\u{FFFF}\u{2028}"), .integer(.min),
    ]
    let terms = try Self.texts.map { try TextFormat.parse($0) } + extra
    let encoded = try encodedByErlang(terms.map(\.description))
    for (term, bytes) in zip(terms, encoded) {
      let text = term.description
      #expect(try TextFormat.parse(text) == term, "\(text)")
      #expect(try ExternalFormat.encode(term) == bytes, "\(text)")
    }
  }

  @Test func printingIsPlain() throws {
    let cases: [(Term, String)] = [
      (.charlist("a\"b\n"), #""a\"b\n""#),
      (.list([]), "[]"),
      (.charlist("a\u{85}"), "[97,133]"),
      (.charlist("\u{7F}"), "[127]"),
      (.list([.integer(1), .atom("End")]), "[1,'End']"),
      (.utf8("plain"), #"<<"plain">>"#),
      (.utf8("é"), #"<<"é"/utf8>>"#),
      (.binary([0, 255]), "<<0,255>>"),
      (.map([.atom("b"): .integer(2), .atom("a"): .integer(1)]), "#{a => 1,b => 2}"),
      (.improperList([.atom("a")], tail: .atom("end")), "[a|'end']"),
      (.float(1e22), "1.0e+22"),
      (.pid(Term.Pid(node: "n@h", id: 1, serial: 2, creation: 3)), "#Pid<n@h.1.2>"),
      (.reference(Term.Reference(node: "n@h", creation: 3, words: [4, 5])), "#Ref<n@h.4.5>"),
      (
        (0..<300).reduce(.list([])) { term, _ in .tuple([term]) },
        String(repeating: "{", count: 128) + "..." + String(repeating: "}", count: 128)
      ),
    ]
    for (term, text) in cases { #expect(term.description == text) }
  }

  @Test func faultsHaveTheirPlace() {
    let cases: [(String, TermFault, Int, Int)] = [
      ("", .unexpectedEnd, 1, 1),
      ("{a,\n  }", .unexpected("}"), 2, 3),
      ("{a,b", .unexpectedEnd, 1, 5),
      ("[a|b,c]", .unexpected(","), 1, 5),
      ("[|a]", .unexpected("|"), 1, 2),
      ("Var", .unexpected("Var"), 1, 1),
      ("_", .unexpected("_"), 1, 1),
      ("end", .unexpected("end"), 1, 1),
      ("a b", .moreThanOneTerm, 1, 3),
      ("a. b", .moreThanOneTerm, 1, 4),
      ("a.b", .moreThanOneTerm, 1, 2),
      ("\n \"abc", .unterminated(quote: "\""), 2, 2),
      ("'abc", .unterminated(quote: "'"), 1, 1),
      ("$", .unterminated(quote: "$"), 1, 1),
      ("\"a\\xg\"", .badEscape, 1, 3),
      ("\"\\x{110000}\"", .badEscape, 1, 2),
      ("\"\\x{d800}\"", .badEscape, 1, 2),
      ("1#0", .badNumber, 1, 1),
      ("37#0", .badNumber, 1, 1),
      ("16#", .badNumber, 1, 1),
      ("1.0e", .badNumber, 1, 1),
      ("1.0e999", .badNumber, 1, 1),
      ("- a", .unexpected("a"), 1, 3),
      ("<<\"☺\">>", .badSegment, 1, 3),
      ("<<\"a\"/utf32>>", .badSegment, 1, 3),
      ("<<a>>", .badSegment, 1, 3),
      ("<<1:65>>", .unexpected("65"), 1, 5),
      ("#{a => 1, a => 2}", .duplicateKey, 1, 11),
      ("#{a}", .unexpected("}"), 1, 4),
      ("fun (X) -> X end", .unexpected("("), 1, 5),
      ("fun m:f/256", .unexpected("256"), 1, 9),
      (String(repeating: "a", count: 256), .atomTooLong(characters: 256), 1, 1),
      ("16#1" + String(repeating: "0", count: 16384), .numberTooLarge, 1, 16389),
      (String(repeating: "[", count: 300), .tooDeep(limit: 128), 1, 129),
    ]
    for (text, fault, line, column) in cases {
      #expect(throws: TermError.text(fault, line: line, column: column), "\(text.prefix(20))") {
        try TextFormat.parse(text)
      }
    }
  }

  @Test func filesOfTerms() throws {
    let cases: [([UInt8], [Term])] = [
      (
        Array("%% coding: utf-8\n{a, \"ü\"}.\n% c\nb.".utf8),
        [.tuple([.atom("a"), .charlist("ü")]), .atom("b")]
      ),
      (Array("%% coding: latin-1\n\"".utf8) + [0xFC] + Array("\".".utf8), [.charlist("ü")]),
      (Array("a.%c\nb.".utf8), [.atom("a"), .atom("b")]),
      ([], []),
    ]
    for (bytes, terms) in cases { #expect(try TextFormat.consult(bytes) == terms) }
    let faults: [([UInt8], TermFault, Int, Int)] = [
      (Array("a.\nb".utf8), .missingFullStop, 2, 2),
      (Array("a.\n\"".utf8) + [0xFC] + Array("\".".utf8), .notUTF8, 2, 2),
    ]
    for (bytes, fault, line, column) in faults {
      #expect(throws: TermError.text(fault, line: line, column: column)) {
        try TextFormat.consult(bytes)
      }
    }
  }
}
