import Events
import Testing

@Suite struct DomainTests {
  @Test(arguments: [
    ("shop.example.com", "shop.example.com", ""), ("Shop.Example.COM.", "shop.example.com", ""),
    ("*.example.com", "*.example.com", ""), ("*", "*", ""), ("example.com/", "example.com", ""),
    ("example.com/api/v1.2_~-", "example.com", "/api/v1.2_~-"), ("10.0.0.7", "10.0.0.7", ""),
    ("intranet/Wiki", "intranet", "/Wiki"), ("xn--bcher-kva.example", "xn--bcher-kva.example", ""),
  ])
  func domains(text: String, host: String, prefix: String) throws {
    let domain = try #require(Domain(text))
    #expect(domain.host == host && domain.prefix == prefix)
    #expect(Domain(domain.description) == domain)
  }

  @Test(arguments: [
    "", ".", "/", "/api", "a..b", "-a.example", "a-.example", "a_b.example", "localhost",
    "x.localhost",
    "x.LOCALHOST.", "*.com", "*.*.com", "a.*.com", "**", "*/api", "example.com//a",
    "example.com/a//b",
    "example.com/./a", "example.com/..", "example.com/%41", "example.com/a b", "example.com/a\\b",
    "example.com/a?b", "example.com:80", "http://example.com", "bücher.example", "a\n.example",
    "example.com/a\nb", "example.com/ä", "example.com/" + String(repeating: "a", count: 200),
    String(repeating: "a", count: 64) + ".example",
    Array(repeating: "abcdefg", count: 32).joined(separator: "."),
  ])
  func noDomains(text: String) { #expect(Domain(text) == nil && Domain.fault(in: text) != nil) }

  @Test(arguments: [
    ("example.com", "example.com/api", true), ("example.com/api", "example.com/api/v1", true),
    ("example.com/api", "example.com/apix", false), ("*.example.com", "a.example.com/x", true),
    ("*.example.com", "a.b.example.com", false), ("*.example.com", "example.com", false),
    ("*.example.com/a", "b.example.com/b", false), ("*", "example.com", false), ("*", "*", true),
    ("*.example.com", "*.b.example.com", false),
  ])
  func overlaps(_ left: String, _ right: String, _ overlap: Bool) throws {
    let (left, right) = (try #require(Domain(left)), try #require(Domain(right)))
    #expect(left.overlaps(right) == overlap && right.overlaps(left) == overlap)
  }

  @Test(arguments: [
    ("10.0.0.0/8", true), ("192.0.2.7", true), ("::1", true), ("2001:db8::/32", true), ("::", true),
    ("1:2:3:4:5:6:7:8", true), ("", false), ("10.0.0/8", false), ("10.0.0.256", false),
    ("10.0.0.01", false), ("10.0.0.0/33", false), ("::/129", false), ("1::2::3", false),
    ("1:2:3:4:5:6:7", false), ("1:2:3:4:5:6:7:8::", false), ("12345::", false), ("g::", false),
    ("10.0.0.0/8/8", false), ("10.0.0.0/", false), ("10.0.0.1 ::1", false), ("a", false),
  ])
  func ranges(text: String, isRange: Bool) {
    #expect((AddressRange(text) != nil) == isRange)
    #expect(AddressRange(text)?.description ?? text == text)
  }

  @Test(arguments: [
    ("body", "10M", "10M"), ("body", "none", "none"), ("timeout", "90", "90"),
    ("prefix", "keep", "keep"),
    ("https", "redirect", "redirect"), ("hsts", "31536000", "31536000"), ("log", "on", "on"),
    ("body", "1", nil), ("timeout", "0", nil), ("timeout", "1s", nil), ("prefix", "", nil),
    ("https", "on", nil), ("hsts", "-1", nil), ("log", "yes", nil),
  ])
  func options(name: String, text: String, shown: String?) throws {
    let option = try #require(RouteOptions.Name(rawValue: name))
    #expect(option.value(text).map { option.text($0 == 0 ? nil : $0) } == shown)
    var options = RouteOptions()
    options.apply([name: text, "unknown": "1"])
    #expect(option.text(options[option]) == shown ?? option.text(nil))
  }
}
