import ReleaseModel
import Testing

/// What app.json's `env` makes of the config vars of a new release.
struct ConfigDefaultsTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var env: String
    var config: [String: String] = [:]
    var filled: [String: String]
    var missing: [String] = []
    var testDescription: String { env }
  }

  @Test(arguments: [
    Case(env: "", config: ["A": "1"], filled: ["A": "1"]),
    Case(env: #""A": "default""#, filled: ["A": "default"]),
    Case(env: #""A": "default""#, config: ["A": "mine"], filled: ["A": "mine"]),
    Case(env: #""A": {"value": ""}"#, filled: ["A": ""]),
    Case(env: #""A": {"generator": "secret"}"#, filled: ["A": "made"]),
    Case(env: #""A": {"generator": "secret"}"#, config: ["A": "mine"], filled: ["A": "mine"]),
    Case(env: #""A": {"generator": "other"}"#, filled: [:]),
    Case(env: #""A": {}, "B": {"required": true}"#, filled: [:], missing: ["A", "B"]),
    Case(env: #""A": {"required": false}"#, filled: [:]),
    Case(env: #""A": {"required": true}"#, config: ["A": ""], filled: ["A": ""]),
    Case(env: #""PORT": {"required": true}"#, filled: [:]),
  ])
  func defaults(_ test: Case) throws {
    let manifest = Manifest(
      otpReleases: [], processes: [],
      appJSON: try AppJSON(bytes: Array("{\"env\": {\(test.env)}}".utf8)), tools: [:],
      target: .host, files: [])
    #expect(manifest.withDefaults(test.config) { "made" } == test.filled)
    #expect(manifest.missingConfig(in: test.config) == test.missing)
  }
}
