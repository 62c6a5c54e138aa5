/// The names of config vars that differ between two sets; values are compared and forgotten.
public struct ConfigChanges: Hashable, Encodable, Sendable {
  /// Sorted, as the others are.
  public var added: [String]
  public var removed: [String]
  /// Names that both sets have, with different values.
  public var changed: [String]

  public init(added: [String] = [], removed: [String] = [], changed: [String] = []) {
    (self.added, self.removed, self.changed) = (added, removed, changed)
  }

  public init(from old: [String: String], to new: [String: String]) {
    self.init(
      added: new.keys.filter { old[$0] == nil }.sorted(),
      removed: old.keys.filter { new[$0] == nil }.sorted(),
      changed: new.filter { name, value in old[name].map { $0 != value } ?? false }.keys.sorted())
  }

  public var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }

  var lines: [String] {
    added.map { "+ \($0)" } + removed.map { "- \($0)" } + changed.map { "~ \($0)" }
  }
}
