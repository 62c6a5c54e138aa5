import ErlangTerm
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
    #expect(properties?.property("env")?.property("k")?.float == 1.5)
    #expect(spec.tuple?.count == 3 && spec.list == nil && spec.atom == nil)
  }
}
