/// A set of config vars of an app: names, values, and which of them their people called secret.
public struct ConfigSet: Hashable, Sendable {
  public var values: [String: String]
  /// Names of those that are masked however short they are; see `Redactor`.
  public private(set) var secret: Set<String>

  /// - Parameter secret: names; one that has no value is passed over.
  public init(_ values: [String: String] = [:], secret: some Sequence<String> = []) {
    self.values = values
    self.secret = Set(secret).intersection(values.keys)
  }

  /// A value given anew is as secret as it is said to be now.
  public mutating func set(_ name: String, to value: String, isSecret: Bool = false) {
    values[name] = value
    if isSecret { secret.insert(name) } else { secret.remove(name) }
  }

  public mutating func remove(_ name: String) {
    values[name] = nil
    secret.remove(name)
  }
}
