import Redaction
import Testing

/// Addresses that a build fetches from stay readable; passwords and tokens in them are masked.
struct URLRedactionTests {
  static let cases: [(name: String, value: String, text: String, masked: String)] = [
    (
      "HEX_MIRROR", "https://mirror.example.org/hex", "GET https://mirror.example.org/hex/names",
      "GET https://mirror.example.org/hex/names"
    ),
    (
      "HEX_MIRROR", "https://ana:s3cret@mirror.example.org/hex",
      "GET https://ana:s3cret@mirror.example.org/hex/names",
      "GET https://ana:«HEX_MIRROR»@mirror.example.org/hex/names"
    ),
    ("https_proxy", "ana:s3cret@proxy:8080\n", "ana s3cret proxy", "ana «https_proxy» proxy"),
    (
      "HTTPS_PROXY", "http://s3cret@proxy", "to http://s3cret@proxy",
      "to http://«HTTPS_PROXY»@proxy"
    ),
    ("HTTPS_PROXY", "http://s3cret:@proxy", "s3cret", "«HTTPS_PROXY»"),
    (
      "HTTPS_PROXY", "http://0123456789abcdefghij:x-oauth@proxy", "0123456789abcdefghij x-oauth",
      "«HTTPS_PROXY» «HTTPS_PROXY»"
    ),
    ("HTTPS_PROXY", "http://a:p%40ss@proxy", "p%40ss p@ss", "«HTTPS_PROXY» «HTTPS_PROXY»"),
    ("HTTPS_PROXY", "http://a:b@c@proxy", "http://a:b@c@proxy", "http://a:b@c@proxy"),
    (
      "HTTPS_PROXY", "http://a:bees@c@proxy", "http://a:bees@c@proxy",
      "http://a:«HTTPS_PROXY»@proxy"
    ),
    // If a secret may be anywhere in the text, the whole text is masked.
    ("HEX_MIRROR", "https://m.example/?key=s3", "https://m.example/?key=s3", "«HEX_MIRROR»"),
    ("HEX_MIRROR", "https://a:s3/cret@m.example", "https://a:s3/cret@m.example", "«HEX_MIRROR»"),
    ("HEX_MIRROR", "http://a and http://b", "http://a and http://b", "«HEX_MIRROR»"),
    // An address that the app connects to is masked as a whole; its password is also masked by
    // itself.
    (
      "DATABASE_URL", "ecto://ana:s3cret-word@db/shop",
      "ecto://ana:s3cret-word@db/shop s3cret-word", "«DATABASE_URL» «DATABASE_URL»"
    ),
    ("WEBHOOK", "https://hooks.example/T0/B0", "https://hooks.example/T0/B0", "«WEBHOOK»"),
  ]

  @Test(arguments: cases.indices) func urlsAreMaskedInPart(_ index: Int) {
    let (name, value, text, masked) = Self.cases[index]
    #expect(Redactor(ConfigSet([name: value]))(text) == masked)
  }

  @Test func markedURLsAreMaskedWhole() {
    let set = ConfigSet(["HEX_MIRROR": "https://m.example"], secret: ["HEX_MIRROR"])
    #expect(Redactor(set)("at https://m.example") == "at «HEX_MIRROR»")
  }
}
