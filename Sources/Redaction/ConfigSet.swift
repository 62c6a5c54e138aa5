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

  /// The set of an earlier release for a rollback to it: secrets that changed since keep their present values.
  /// - Returns: the set, and the names of these secrets, sorted.
  public func keepingSecrets(of present: ConfigSet) -> (set: ConfigSet, kept: [String]) {
    let kept = values.keys.filter { name in
      (secret.contains(name) || present.secret.contains(name))
        && present.values[name] != nil && present.values[name] != values[name]
    }
    var set = self
    for name in kept { set.set(name, to: present.values[name] ?? "", isSecret: true) }
    return (set, kept.sorted())
  }
}
