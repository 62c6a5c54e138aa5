/// All facts of a node, as our programs print them with `--json`: the members of `NodeFacts`, and also its peers and
/// its settings.
public struct NodeDetails: Encodable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case peers, settings
  }

  private let report: NodeReport

  public init(_ report: NodeReport) { self.report = report }

  public func encode(to encoder: any Encoder) throws {
    try NodeFacts(report).encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(report.snapshot?.peers, forKey: .peers)
    try container.encodeIfPresent(report.settings, forKey: .settings)
  }
}
