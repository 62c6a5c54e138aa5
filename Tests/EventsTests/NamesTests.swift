import Events
import Testing

struct NamesTests {
  @Test(arguments: ["web.1", "web.9999", "a-b_C0.42", "0.7"])
  func validInstanceNames(_ text: String) { #expect(InstanceName(text)?.description == text) }

  @Test(arguments: [
    "", ".", "web", "web.", ".1", "web.0", "web.01", "web.+1", "web.-1", "web.10000",
    "web.99999999999999999999", "web.1.2", "web..1", "web.1 ", " web.1", "wéb.1", "web.1\u{301}",
    "web\u{301}.1", "web.\u{301}1", "web.١", "web.１", "a/b.1", "web.x",
  ]) func invalidInstanceNames(_ text: String) { #expect(InstanceName(text) == nil) }

  @Test(arguments: [
    "shop", "shop/", "/v1", "shop/v0", "shop/v", "shop/1.2", "shop/v1/v2", "Shop/v1", "../v1",
    "shop/\u{301}v1", "",
  ]) func invalidReleasesOfApps(_ text: String) { #expect(AppRelease(text) == nil) }

  @Test func releasesOfApps() {
    #expect(AppRelease("shop/v12") == AppRelease(app: "shop", release: ReleaseNumber(12)))
    #expect(AppRelease("shop/v12")?.description == "shop/v12")
  }

  @Test func typesAreFoundByName() {
    #expect(EventType.allCases.allSatisfy { EventType(rawValue: $0.rawValue) == $0 })
    let others = EventType.allCases.flatMap {
      [
        $0.rawValue + ".", String($0.rawValue.dropLast()), $0.rawValue.uppercased(),
        "x" + $0.rawValue,
      ]
    }
    #expect(
      (others + ["", "é", String(repeating: "a", count: 1000)]).allSatisfy {
        EventType(rawValue: $0) == nil
      })
  }
}
