import Testing

@testable import Events

struct PreviewNameTests {
  @Test(
    arguments: [
      ("shop", 12, "shop-pr-12"), ("a", 1, "a-pr-1"),
      ("my-shop-with-a-name-x", 9_999_999, nil),
      ("abcdefghijklmnopqrstuvwxyz0123", 1, nil), ("abcdefghijklmnopqrs--------0", 123, nil),
    ] as [(String, Int, String?)])
  func isAnAppName(parent: String, pull: Int, name: String?) {
    let made = PreviewName.of(parent, pull)
    #expect(AppName.isValid(made), "\(made)")
    #expect(made.hasSuffix("-pr-\(pull)"))
    if let name { #expect(made == name) }
    #expect(PreviewName.of(parent, pull) == made)
  }

  /// Long names with the same beginning have previews of their own.
  @Test func longNamesDiffer() {
    let names = (0..<200).map { "a-very-long-name-of-an-app-\($0)" }
    #expect(Set(names.map { PreviewName.of($0, 7) }).count == 200)
  }

  @Test(
    arguments: [
      ("7d", 604_800_000), ("36h", 129_600_000), ("90m", 5_400_000), ("10s", 10_000),
      ("9s", nil), ("0d", nil), ("367d", nil), ("d", nil), ("", nil), ("-1d", nil), ("1.5d", nil),
      ("7 d", nil), ("7D", nil), ("99999999d", nil),
    ] as [(String, Int64?)])
  func leases(text: String, milliseconds: Int64?) {
    #expect(LeaseText.milliseconds(text) == milliseconds)
    if let milliseconds {
      #expect(LeaseText.milliseconds(LeaseText.text(milliseconds)) == milliseconds)
    }
  }
}
