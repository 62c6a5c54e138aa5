import Testing

@testable import Deployment

/// What the program that orders certificates may make the router answer.
struct OrderTokensTests {
  @Test(arguments: [
    ("reltui-challenge a.example tok-1_ tok-1_.proof", "a.example/tok-1_ tok-1_.proof"),
    ("reltui-challenge b.example tok tok.proof", nil),
    ("reltui-challenge a.example tok proof", nil),
    ("reltui-challenge a.example tok tok.", nil), ("reltui-challenge a.example to/k to/k.p", nil),
    ("reltui-challenge a.example tok tok.p;x", nil),
    ("reltui-challenge a.example tok tok.p q", nil),
    ("reltui-challenge a.example  .p", nil), ("challenge a.example tok tok.p", nil), ("", nil),
  ])
  func lines(line: String, entry: String?) {
    let found = OrderTokens.entry(line, hosts: ["a.example"])
    #expect(found.map { "\($0.key) \($0.value)" } == entry)
  }

  @Test(arguments: [
    (
      ["[\"error\",\"detail\"]\t\"Get x: connection refused\"", " + Challenge is invalid"],
      "Get x: connection refused", true
    ),
    (["  \"detail\": \"Account not found\",", "end"], "Account not found", false),
    (["ERROR: Problem connecting (7)", "EXPECTED value GOT EOF"], "Problem connecting (7)", false),
    ([], "", false),
  ])
  func failures(lines: [String], words: String, hasRemedy: Bool) {
    let cause = CertificateOrder.failure(lines, "https://ca")
    #expect(cause.sentence == "no certificate from https://ca: \(words)")
    #expect((cause.remedy != nil) == hasRemedy)
  }
}
