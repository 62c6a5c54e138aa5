import Testing

@testable import ErlangTerm

/// Bytes that real Erlang wrote: Tests/Fixtures/terms.
let termFixtures = [
  "integers", "floats", "atoms", "lists", "tuples", "binaries", "maps", "identifiers", "fun",
]

func termFixture(_ name: String) throws -> [UInt8] {
  try readFile(fixturePath("terms/\(name).etf"))
}

@Suite struct ExternalFormatTests {
  @Test(arguments: termFixtures)
  func whatErlangWroteIsWrittenAgain(_ name: String) throws {
    let bytes = try termFixture(name)
    let term = try ExternalFormat.decode(bytes)
    let again = try ExternalFormat.encode(term)
    #expect(try ExternalFormat.decode(again) == term)
    // Erlang has an order of its own for the keys of a map.
    if name != "maps" { #expect(again == bytes) }
  }

  static let texts = [
    (
      "integers",
      """
      [0,255,256,-1,2147483647,-2147483648,2147483648,9223372036854775808,-9223372036854775808,
       -9223372036854775809,18446744073709551616,16#1\(String(repeating: "0", count: 750)),
       -16#1\(String(repeating: "0", count: 750))]
      """
    ),
    ("floats", "[0.0,1.5,-2.25,1.0e300,5.0e-324]"),
    ("lists", #"[[],"text",[1,2,300],[a|b],[1,2|3]]"#),
    ("binaries", #"[<<>>,<<"bytes">>,<<1,2,5:3>>,<<1:1>>]"#),
    ("maps", ##"#{a => 1,"b" => #{c => []},1.0 => x,1 => y}"##),
    ("old_atoms", "[ok,'grün']"),
    ("old_float", "-1.25"),
  ]

  @Test(arguments: texts)
  func fixturesAreTheTermsTheyWereMadeFrom(_ name: String, _ text: String) throws {
    #expect(try ExternalFormat.decode(termFixture(name)) == TextFormat.parse(text))
  }

  @Test func identifiersKeepTheirParts() throws {
    let term = try ExternalFormat.decode(termFixture("identifiers"))
    let node = "nonode@nohost"
    let expected: [Term] = [
      .pid(Term.Pid(node: node, id: 9, serial: 0, creation: 0)),
      .port(Term.Port(node: node, id: 0, creation: 0)),
      .reference(
        Term.Reference(node: node, creation: 0, words: term.list?[2].reference?.words ?? [])),
      .export(Term.Export(module: "lists", function: "map", arity: 2)),
    ]
    #expect(term == .list(expected))
    #expect(term.list?[2].reference?.words.count == 3)
  }

  /// Forms that today's Erlang no longer writes, made by hand after the specification.
  @Test func oldFormsAreRead() throws {
    let node: [UInt8] = [119, 1, 110]
    let cases: [([UInt8], Term)] = [
      (
        [103] + node + [0, 0, 0, 1, 0, 0, 0, 2, 3],
        .pid(Term.Pid(node: "n", id: 1, serial: 2, creation: 3))
      ),
      ([102] + node + [0, 0, 0, 1, 3], .port(Term.Port(node: "n", id: 1, creation: 3))),
      (
        [101] + node + [0, 0, 0, 1, 3],
        .reference(Term.Reference(node: "n", creation: 3, words: [1]))
      ),
      (
        [114, 0, 2] + node + [3, 0, 0, 0, 1, 0, 0, 0, 2],
        .reference(Term.Reference(node: "n", creation: 3, words: [1, 2]))
      ),
      (
        [120] + node + [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2],
        .port(Term.Port(node: "n", id: 1 << 32, creation: 2))
      ),
      ([100, 0, 1, 0xFC], .atom("ü")),
      ([115, 1, 0xFC], .atom("ü")),
      ([118, 0, 2, 0xC3, 0xBC], .atom("ü")),
      ([105, 0, 0, 0, 1, 97, 7], .tuple([.integer(7)])),
      ([110, 1, 1, 5], .integer(-5)),
      ([111, 0, 0, 0, 9, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], .integer(1)),
      ([77, 0, 0, 0, 1, 8, 255], .binary([255])),
      ([108, 0, 0, 0, 1, 97, 1, 107, 0, 1, 2], .list([.integer(1), .integer(2)])),
    ]
    for (bytes, term) in cases {
      #expect(try ExternalFormat.decode([131] + bytes) == term)
      #expect(try ExternalFormat.decode(ExternalFormat.encode(term)) == term)
    }
  }

  @Test func faultsHaveTheirOffset() throws {
    let nan: [UInt8] = [70, 0x7F, 0xF8, 0, 0, 0, 0, 0, 0]
    let nested = [UInt8](repeating: 0, count: 300).flatMap { _ in [104, 1] as [UInt8] }
    let cases: [([UInt8], TermFault, Int)] = [
      ([], .truncated(missing: 1), 0),
      ([130, 106], .badVersion(130), 0),
      ([131], .truncated(missing: 1), 1),
      ([131, 1], .unsupportedTag(1), 1),
      (try termFixture("compressed"), .compressed, 1),
      ([131, 106, 106], .trailingBytes(1), 2),
      ([131, 105, 255, 255, 255, 255, 106], .truncated(missing: 4_294_967_294), 2),
      ([131, 108, 0, 0, 0, 3, 106, 106], .truncated(missing: 1), 2),
      ([131, 116, 0, 0, 0, 1, 106], .truncated(missing: 1), 2),
      ([131, 109, 255, 255, 255, 255], .truncated(missing: 4_294_967_295), 6),
      ([131, 111, 0, 1, 0, 0, 0], .integerTooLarge(bytes: 65536), 1),
      ([131, 110, 1, 2, 1], .badSign(2), 3),
      ([131] + nan, .badFloat, 1),
      ([131, 99] + [UInt8](repeating: 110, count: 31), .badFloat, 1),
      ([131, 77, 0, 0, 0, 1, 9, 0], .badBitCount(9), 6),
      ([131, 77, 0, 0, 0, 0, 3], .badBitCount(3), 6),
      ([131, 119, 1, 255], .notUTF8, 1),
      ([131, 100, 1, 0] + [UInt8](repeating: 97, count: 256), .atomTooLong(characters: 256), 1),
      ([131, 113, 97, 1], .notAnAtom, 2),
      ([131, 113, 119, 1, 97, 119, 1, 97, 98], .notASmallInteger, 8),
      ([131, 90, 0, 6], .badReferenceLength(6), 1),
      ([131, 116, 0, 0, 0, 2, 97, 1, 106, 97, 1, 106], .duplicateKey, 9),
      ([131] + nested, .tooDeep(limit: 128), 257),
    ]
    for (bytes, fault, offset) in cases {
      #expect(throws: TermError.external(fault, offset: offset)) {
        try ExternalFormat.decode(bytes)
      }
    }
  }

  @Test func aFunOfAnotherSizeThanItClaimsIsRefused() throws {
    var bytes = try termFixture("fun")
    bytes[5] &+= 1
    let size = bytes.count - 2
    #expect(
      throws: TermError.external(.badFunSize(stated: size + 1, actual: size), offset: 1)
    ) { try ExternalFormat.decode(bytes) }
  }

  @Test func termsStandOneAfterTheOther() throws {
    let bytes: [UInt8] = [131, 97, 1, 131, 97, 2]
    let (first, end) = try ExternalFormat.decode(bytes, from: 0)
    let (second, last) = try ExternalFormat.decode(bytes, from: end)
    #expect([first, second] == [.integer(1), .integer(2)])
    #expect([end, last] == [3, 6])
    #expect(throws: TermError.external(.truncated(missing: 1), offset: 9)) {
      try ExternalFormat.decode(bytes, from: 9)
    }
  }

  @Test func whatHasNoEncodingIsRefused() {
    let deep = (0..<128).reduce(Term.list([])) { term, _ in .tuple([term]) }
    let cases: [(Term, TermFault)] = [
      (.atom(String(repeating: "ü", count: 256)), .atomTooLong(characters: 256)),
      (.float(.nan), .notFinite),
      (.list([.float(-.infinity)]), .notFinite),
      (.bitstring([1], lastBits: 8), .badBitCount(8)),
      (.reference(Term.Reference(node: "n", creation: 0, words: [])), .badReferenceLength(0)),
      (deep, .tooDeep(limit: 128)),
    ]
    for (term, fault) in cases {
      #expect(throws: TermError.unencodable(fault)) { try ExternalFormat.encode(term) }
    }
  }
}
