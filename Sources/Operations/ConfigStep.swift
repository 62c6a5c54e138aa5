import Events

/// A step from one set of config vars to another, as an event tells of it.
public struct ConfigStep: Hashable, Sendable {
  /// The digest of the new set.
  public let config: String
  /// The digest of the set that the change started from; nil if there was none.
  public let base: String?
  public let set: [String]?
  public let unset: [String]?

  public init(to config: String, from base: String?, set: [String], unset: [String]) {
    (self.config, self.base) = (config, base)
    self.set = set.isEmpty ? nil : set.sorted()
    self.unset = unset.isEmpty ? nil : unset
  }

  init?(_ data: EventData) {
    guard let config = data.config else { return nil }
    self.init(to: config, from: data.base, set: data.set ?? [], unset: data.unset ?? [])
  }

  func describe(in data: inout EventData) {
    (data.config, data.base, data.set, data.unset) = (config, base, set, unset)
  }

  /// The names of the variables that change, in a sentence.
  var names: String { ((set ?? []) + (unset ?? [])).joined(separator: ", ") }
}
