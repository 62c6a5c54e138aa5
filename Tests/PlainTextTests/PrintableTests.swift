import PlainText
import TestSupport
import Testing

@Suite struct PrintableTests {
  @Test(arguments: [
    ("", "", 0), ("plain ~", "plain ~", 7), ("a\tb", "a    b", 6), ("a\nb\r\nc", "a b c", 5),
    ("\u{1B}[31mred\u{7}", "�[31mred�", 9), ("\u{9B}2J", "�2J", 3), ("a\rb", "a�b", 3),
    ("\u{7F}\u{0}", "��", 2), ("user\u{202E}txt.exe", "user�txt.exe", 12),
    ("a\u{200B}b\u{2060}c\u{FEFF}", "a�b�c�", 6), ("\u{AD}\u{34F}\u{3164}", "���", 3),
    ("\u{E000}\u{378}\u{FFFF}", "���", 3), ("\u{2028}", "�", 1),
    ("e\u{301}te\u{301}", "e\u{301}te\u{301}", 3), ("\u{301}a", "�a", 2),
    ("日本", "日本", 4), ("한글", "한글", 4), ("\u{1112}\u{1161}\u{11AB}", "\u{1112}\u{1161}\u{11AB}", 2),
    ("ｱＡ", "ｱＡ", 3), ("─│█▸…×–", "─│█▸…×–", 7), ("é", "é", 1), ("\u{A0}", "\u{A0}", 1),
    ("👍🏽", "👍", 2), ("❤\u{FE0F}", "❤", 1), ("1\u{FE0F}\u{20E3}", "1\u{20E3}", 1),
    ("❤\u{FE0F}\u{FE0F}", "❤�", 2), ("👩\u{200D}🚀", "👩�🚀", 5), ("🇩🇪", "DE", 2),
    // Younger than the table of widths: Unicode 15 and 16.
    ("\u{1FAE8}\u{1FAE9}", "��", 2),
    ("z\u{300}\u{301}\u{302}\u{303}\u{304}", "z\u{300}\u{301}\u{302}\u{303}�", 2),
    ("\u{3248}\u{4DC0}", "\u{3248}\u{4DC0}", 4),
  ])
  func cleans(_ text: String, _ clean: String, _ width: Int) {
    let result = Printable.clean(text)
    #expect(Array(result.unicodeScalars) == Array(clean.unicodeScalars), "\(text.unicodeScalars)")
    #expect(Printable.width(text) == width, "\(text.unicodeScalars)")
  }

  @Test func cleansBytesThatAreNoText() {
    let bytes: [UInt8] = [0x61, 0xFF, 0xC3, 0x28, 0xED, 0xA0, 0x80, 0x0A, 0x62]
    #expect(Printable.clean(utf8: bytes) == "a��(��� b")
  }

  @Test(arguments: [
    ("release", 7, "release"), ("release", 6, "relea…"), ("release", 1, "…"), ("release", 0, ""),
    ("release", -3, ""), ("日本語", 6, "日本語"), ("日本語", 5, "日本…"), ("日本語", 4, "日…"),
    ("日本語", 2, "…"), ("日", 1, "…"), ("e\u{301}e\u{301}", 2, "e\u{301}e\u{301}"), ("", 3, ""),
    ("a\u{1B}bc", 3, "a�…"), ("\t", 2, " …"),
  ])
  func cuts(_ text: String, _ width: Int, _ result: String) {
    #expect(Printable.cut(text, to: width) == result)
  }

  @Test(arguments: [
    ("", 5, ["" as String]), ("one two three", 7, ["one two", "three"]),
    ("one two three", 8, ["one two", "three"]), ("abcdefgh", 3, ["abc", "def", "gh"]),
    ("a  b", 2, ["a", "b"]), ("  in", 10, ["  in"]), ("one\n\ntwo", 10, ["one", "", "two"]),
    ("one\r\ntwo", 10, ["one", "two"]), ("日本語", 4, ["日本", "語"]), ("日本", 0, ["日", "本"]),
    ("x 日本語", 5, ["x", "日本", "語"]), ("end ", 3, ["end"]),
  ])
  func wraps(_ text: String, _ width: Int, _ lines: [String]) {
    #expect(Printable.wrap(text, to: width) == lines)
  }

  @Test func wrapsNoMoreLinesThanAsked() {
    let text = "one two three four"
    let results = (0...5).map { Printable.wrap(text, to: 5, most: $0) }
    #expect(
      results == [
        [], ["one …"], ["one", "two …"], ["one", "two", "thre…"],
        ["one", "two", "three", "four"], ["one", "two", "three", "four"],
      ])
  }

  @Test func holdsItsPromisesForAnyText() {
    var random = Scramble(14)
    for _ in 0..<2000 {
      let text = random.text(Int.random(in: 0...30, using: &random))
      let clean = Printable.clean(text)
      let width = Int.random(in: 0...20, using: &random)
      let lines = Printable.wrap(text, to: width)
      let isKept =
        Printable.clean(clean) == clean && Printable.width(clean) == Printable.width(text)
        && Printable.width(Printable.cut(text, to: width)) <= width
        && lines.allSatisfy { Printable.width($0) <= max(2, width) && Printable.clean($0) == $0 }
        && clean.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0 ~= $0.value) }
      if !isKept { Issue.record("\(Array(text.unicodeScalars)) at \(width)") }
    }
  }
}
