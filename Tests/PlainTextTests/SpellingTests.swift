import PlainText
import Testing

struct SpellingTests {
  @Test(
    arguments: [
      ("deplyo", "deploy"), ("p", nil), ("ps", "ps"), ("", nil), ("rollbak", "rollback"),
      ("xyzzy", nil),
    ] as [(String, String?)])
  func guesses(_ word: String, _ near: String?) {
    #expect(Spelling.nearest(to: word, among: ["deploy", "ps", "rollback"]).first == near)
  }
}
