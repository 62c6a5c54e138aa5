/// What a call into a node gave, as our programs print it with `--json`.
public struct CallReport: Hashable, Encodable, Sendable {
  public var node: String
  /// As text: a term of Erlang, or as the language shows it.
  public var value: String
  /// What it printed.
  public var output: String
  /// How long it took, by our clock; of several the last.
  public var ms: Double

  public init(node: String, value: String, output: String, ms: Double) {
    (self.node, self.value, self.output, self.ms) = (node, value, output, ms)
  }
}
