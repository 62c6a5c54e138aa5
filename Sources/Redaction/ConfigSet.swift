/// The config vars of an app: names, values, and which of them the team marked as secret.
public struct ConfigSet: Hashable, Sendable {
  public var values: [String: String]
  /// Names of variables that are masked even if they are short; see `Redactor`.
  public private(set) var secret: Set<String>

  /// - Parameter secret: names of secret variables; one without a value is ignored.
  public init(_ values: [String: String] = [:], secret: some Sequence<String> = []) {
    self.values = values
    self.secret = Set(secret).intersection(values.keys)
  }

  /// Sets a value. Whether it is secret now does not depend on the value before.
  public mutating func set(_ name: String, to value: String, isSecret: Bool = false) {
    values[name] = value
    if isSecret { secret.insert(name) } else { secret.remove(name) }
  }

  public mutating func remove(_ name: String) {
    values[name] = nil
    secret.remove(name)
  }
}
