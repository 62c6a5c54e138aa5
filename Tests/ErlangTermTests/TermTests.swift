import ErlangTerm
import TestSupport
import Testing

@Suite struct TermTests {
  @Test func looseParts() {
    let big = BigInteger(isNegative: true, magnitude: [1, 0, 0, 0, 0, 0, 0, 0, 1, 0])
    let cases: [(Term, Term)] = [
      (.list([], tail: .atom("a")), .atom("a")),
      (.list([.integer(1)], tail: .list([.integer(2)])), .list([.integer(1), .integer(2)])),
      (
        .list([.integer(1)], tail: .improperList([.integer(2)], tail: .atom("a"))),
        .improperList([.integer(1), .integer(2)], tail: .atom("a"))
      ),
      (.integer(isNegative: true, magnitude: [0, 0]), .integer(0)),
      (.integer(isNegative: true, magnitude: [1, 0, 0, 0, 0, 0, 0, 0, 1, 0]), .bigInteger(big)),
      (.bits([255], last: 3), .bitstring([0b1110_0000], lastBits: 3)),
      (.bits([255], last: 8), .binary([255])),
      (.bits([], last: 3), .binary([])),
    ]
    for (actual, expected) in cases { #expect(actual == expected) }
    #expect(big.description == "-18446744073709551617")
    #expect(BigInteger(isNegative: true, magnitude: []).description == "0")
  }

  @Test func texts() {
    let cases: [(Term, String?)] = [
      (.atom("ok"), "ok"), (.charlist("ü☺"), "ü☺"), (.utf8("ü☺"), "ü☺"), (.list([]), ""),
      (.binary([0xFF]), nil), (.list([.integer(-1)]), nil), (.list([.integer(0xD800)]), nil),
      (.integer(7), nil), (.tuple([]), nil),
    ]
    for (term, text) in cases { #expect(term.text == text) }
  }

  @Test func parts() throws {
    let spec = try TextFormat.parse(
      ##"{application, a, [{vsn, "1"}, flag, {vsn, "2"}, {env, #{k => 1.5}}]}"##)
    let properties = spec.tuple(tagged: "application")?.last
    #expect(spec.tuple(tagged: "release") == nil)
    #expect(properties?.property("vsn")?.text == "1")
    #expect(properties?.property("flag") == nil)
    #expect(properties?.property("env")?.property("k") == .float(1.5))
    #expect(spec.tuple?.count == 3 && spec.list == nil && spec.atom == nil)
  }

  /// Any term with a text form is the same after both formats.
  @Test func randomTermsSurviveBothFormats() throws {
    var random = Scramble(3)
    for _ in 0..<2000 {
      let term = randomTerm(depth: 4, &random)
      let fromBytes = try ExternalFormat.decode(ExternalFormat.encode(term))
      let fromText = try TextFormat.parse(TextFormat.print(term))
      if fromBytes != term || fromText != term { Issue.record("\(term)") }
    }
  }

  private func randomTerm(depth: Int, _ random: inout Scramble) -> Term {
    func terms(_ count: ClosedRange<Int>) -> [Term] {
      (0..<Int.random(in: count, using: &random)).map { _ in randomTerm(depth: depth - 1, &random) }
    }
    func bytes(_ count: ClosedRange<Int>) -> [UInt8] {
      (0..<Int.random(in: count, using: &random)).map { _ in .random(in: 0...255, using: &random) }
    }
    func text() -> String {
      String(decoding: bytes(0...6).map { UInt16($0) << UInt16($0 & 7) }, as: UTF16.self)
    }
    switch Int.random(in: 0..<(depth > 0 ? 13 : 8), using: &random) {
    case 0: return .atom(text())
    case 1: return .integer(.random(in: -300...300, using: &random))
    case 2: return .integer(isNegative: .random(using: &random), magnitude: bytes(1...40))
    case 3: return .float(Double(bitPattern: random.next() & ~(1 << 62)))
    case 4: return .bits(bytes(0...4), last: .random(in: 1...8, using: &random))
    case 5: return .charlist(text())
    case 6: return .utf8(text())
    case 7: return .export(Term.Export(module: text(), function: text(), arity: 3))
    case 8, 9: return .list(terms(0...4))
    case 10: return .list(terms(1...3), tail: randomTerm(depth: depth - 1, &random))
    case 11: return .tuple(terms(0...4))
    default:
      let keys = terms(0...3)
      return .map(Dictionary(keys.map { ($0, .tuple(keys)) }) { first, _ in first })
    }
  }
}
