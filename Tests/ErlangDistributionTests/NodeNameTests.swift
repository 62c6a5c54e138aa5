import ErlangDistribution
import Testing

struct NodeNameTests {
  @Test(
    arguments: [
      ("a@b", "a@b", nil), ("a@b:4370", "a@b", 4370), ("a@10.0.0.7:1", "a@10.0.0.7", 1),
      ("a@::1", "a@::1", nil), ("a@[::1]:4370", "a@::1", 4370),
    ] as [(String, String, UInt16?)])
  func reads(_ text: String, _ name: String, _ port: UInt16?) throws {
    let parsed = try #require(NodeName.parse(text))
    #expect(parsed.name.description == name)
    #expect(parsed.port == port)
  }

  @Test(arguments: [
    "", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b:", "a@b:0", "a@b:65536", "a@b:x", "a\n@b",
    String(repeating: "a", count: 255) + "@b",
  ])
  func refuses(_ text: String) { #expect(NodeName.parse(text) == nil) }
}
