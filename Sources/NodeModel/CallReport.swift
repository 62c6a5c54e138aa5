/// The result of a call into a node, as our programs print it with `--json`.
public struct CallReport: Hashable, Encodable, Sendable {
  public var node: String
  /// As text: an Erlang term, or as the language of the expression shows it.
  public var value: String
  /// The text that the call printed.
  public var output: String
  /// Milliseconds that the call took, by our clock; of several calls the last.
  public var ms: Double

  public init(node: String, value: String, output: String, ms: Double) {
    (self.node, self.value, self.output, self.ms) = (node, value, output, ms)
  }
}
