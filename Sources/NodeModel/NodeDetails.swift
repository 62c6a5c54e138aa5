/// All that a node tells of itself, as our programs print it with `--json`: its facts, and besides them its peers and
/// what it was started with.
public struct NodeDetails: Encodable, Sendable {
  private struct Settings: Encodable {
    struct Value: Encodable {
      var application: String
      var key: String
      var value: String
    }

    struct Release: Encodable {
      var name: String
      var version: String
      var status: String
    }

    var flags: [String]
    var environment: [Value]
    var releases: [Release]

    init(_ settings: NodeSettings) {
      flags = settings.flags
      environment = settings.values.map {
        Value(application: $0.application, key: $0.key, value: $0.text)
      }
      releases = settings.releases.map {
        Release(name: $0.name, version: $0.version, status: $0.status)
      }
    }
  }

  private enum CodingKeys: String, CodingKey {
    case peers, settings
  }

  private let report: NodeReport

  public init(_ report: NodeReport) { self.report = report }

  public func encode(to encoder: any Encoder) throws {
    try NodeFacts(report).encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(report.snapshot?.peers, forKey: .peers)
    try container.encodeIfPresent(report.settings.map(Settings.init), forKey: .settings)
  }
}
