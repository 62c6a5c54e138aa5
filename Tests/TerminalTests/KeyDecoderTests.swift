import TestSupport
import Testing

@testable import Terminal

@Suite struct KeyDecoderTests {
  private static let cases: [(String, [Key])] = [
    ("jR?", [.character("j"), .character("R"), .character("?")]),
    ("é日👍", [.character("é"), .character("日"), .character("👍")]),
    ("\r\n\t\u{7F}\u{8}", [.enter, .enter, .tab, .backspace, .backspace]),
    ("\u{3}\u{1A}\u{0}\u{1F}", [.control("c"), .control("z"), .control("@"), .control("_")]),
    ("\u{1B}[A\u{1B}OB\u{1B}[C\u{1B}OD", [.up, .down, .right, .left]),
    ("\u{1B}[H\u{1B}OF\u{1B}[1~\u{1B}[4~", [.home, .end, .home, .end]),
    ("\u{1B}[7~\u{1B}[8~", [.home, .end]),
    ("\u{1B}[2~\u{1B}[3~\u{1B}[5~\u{1B}[6~", [.insert, .delete, .pageUp, .pageDown]),
    ("\u{1B}[Z\u{1B}OM", [.backTab, .enter]),
    ("\u{1B}OP\u{1B}[15~\u{1B}[24~\u{1B}[[E", [1, 5, 12, 5].map(Key.function)),
    ("\u{1B}[1;5A\u{1B}[5;2~\u{1B}[1;2P", [.up, .pageUp, .function(1)]),
    // Alt, or a slow line.
    ("\u{1B}q\u{1B}\u{1B}[A", [.escape, .character("q"), .escape, .up]),
    // Reports: mouse (SGR and X10), cursor, focus, pasted text, a sequence cut by another.
    ("\u{1B}[<0;5;6Mj\u{1B}[M !!j\u{1B}[24;80Rj", Array(repeating: .character("j"), count: 3)),
    ("\u{1B}[Ij\u{1B}[200~j\u{1B}[12\u{1B}[A", [.character("j"), .character("j"), .up]),
    ("\u{1B}[" + String(repeating: "9", count: 500) + "~x", [.character("x")]),
  ]

  @Test(arguments: cases)
  func decodes(_ text: String, _ keys: [Key]) {
    var decoder = KeyDecoder()
    let decoded = decoder.receive(text.utf8)
    #expect(decoded == keys)
    #expect(!decoder.isPending)
  }

  @Test(arguments: cases)
  func decodesInAnyPieces(_ text: String, _ keys: [Key]) {
    let bytes = Array(text.utf8)
    for cut in bytes.indices {
      var decoder = KeyDecoder()
      let decoded = decoder.receive(bytes[..<cut]) + decoder.receive(bytes[cut...])
      if decoded != keys { Issue.record("cut at \(cut): \(decoded)") }
    }
  }

  @Test(arguments: [
    ("\u{1B}", [Key.escape]), ("\u{1B}\u{1B}", [.escape, .escape]),
    ("\u{1B}O", [.escape, .character("O")]), ("\u{1B}[", [.escape, .character("[")]),
    ("\u{1B}[12", []), ("", []),
  ])
  func finishes(_ text: String, _ keys: [Key]) {
    var decoder = KeyDecoder()
    let decoded = decoder.receive(text.utf8)
    #expect(decoder.isPending == !text.isEmpty)
    #expect(decoded + decoder.finish() == keys)
    #expect(!decoder.isPending)
  }

  @Test func dropsBytesThatAreNoText() {
    var decoder = KeyDecoder()
    let bytes: [UInt8] = [0xFF, 0xC3, 0x6A, 0x80, 0xE0, 0x80, 0x80, 0xED, 0xA0, 0x80, 0x6B]
    #expect(decoder.receive(bytes) == [.character("j"), .character("k")])
  }

  @Test func survivesAnyBytes() {
    var random = Scramble(3)
    var decoder = KeyDecoder()
    for _ in 0..<20_000 { _ = decoder.receive([UInt8.random(in: 0...255, using: &random)]) }
    _ = decoder.finish()
    #expect(decoder.receive("j".utf8) == [.character("j")])
  }

  @Test func namesKeys() {
    let keys: [Key] = [
      .character("R"), .character(" "), .control("c"), .control("]"), .escape, .pageDown,
      .function(5), .backTab,
    ]
    #expect(keys.map(\.name) == ["R", "Space", "^C", "^]", "Esc", "PgDn", "F5", "Shift-Tab"])
  }
}
