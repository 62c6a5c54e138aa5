import Events

/// A change of what each instance of an app may use. It makes no release and starts no run.
public struct ChangeLimits: Operation {
  public static let type = EventType.limitsRequested
  public static let verb = "change of the limits"
  public let app: String
  /// The limits to change, in the units of `Limits`; 0 takes one away.
  public let changes: [Limits.Name: Int]

  public init(app: String, _ changes: [Limits.Name: Int]) {
    (self.app, self.changes) = (app, changes)
  }

  public init?(app: String, data: EventData) {
    guard let limits = data.limits, !limits.isEmpty else { return nil }
    var changes: [Limits.Name: Int] = [:]
    for (word, value) in limits {
      guard let name = Limits.Name(rawValue: word) else { return nil }
      changes[name] = value
    }
    self.init(app: app, changes)
  }

  /// Reads words such as `memory=512M`, `cpu=none`, `pids=`.
  public init(app: String, words: some Sequence<String>) throws(Refusal) {
    var changes: [Limits.Name: Int] = [:]
    for word in words {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, let name = Limits.Name(rawValue: String(parts[0])) else {
        throw .noLimit(String(parts[0]))
      }
      guard let value = name.value(String(parts[1])) else { throw .limit(name, String(parts[1])) }
      changes[name] = value
    }
    self.init(app: app, changes)
  }

  public func describe(in data: inout EventData) {
    data.limits = Dictionary(uniqueKeysWithValues: changes.map { ($0.key.rawValue, $0.value) })
  }

  public var target: String? { "to " + Self.words { changes[$0] } }

  /// `cpu=1.5 memory=none`
  private static func words(_ value: (Limits.Name) -> Int?) -> String {
    Limits.Name.allCases.compactMap { name in
      value(name).map { "\(name.rawValue)=\(name.text($0))" }
    }.joined(separator: " ")
  }

  public func check(on board: Board) throws(Refusal) {
    _ = try knownApp(on: board)
    for (name, value) in changes where value != 0 && !name.range.contains(value) {
      throw .limit(name, String(value))
    }
  }

  /// The board has the limits since the request was accepted, and the agent applies them before it looks further.
  public static var isImmediate: Bool { true }

  public func progress(of request: Board.Request, on app: Board.App) -> Progress { .finished }

  public func consequences(on app: Board.App) -> Consequences {
    let limits = app.limits ?? Limits()
    var lines = Limits.Name.allCases.compactMap { name in
      changes[name].map { value in
        let now = limits[name].map { "; now: \(name.words($0))" } ?? ""
        return value == 0
          ? "The \(name.rawValue) of an instance has no limit any more\(now)."
          : "Each instance may use \(name.words(value))\(now)."
      }
    }
    if !app.liveRuns.isEmpty { lines.append("Instances that run get the limits at once.") }
    if let memory = changes[.memory], memory != 0, memory < limits.memory ?? .max {
      lines.append("An instance that uses more memory is killed and started again.")
    }
    let before = Self.words { changes[$0] == nil ? nil : limits[$0] ?? 0 }
    return Consequences(
      question: "Change the limits of \(app.name)?", changes: lines,
      undo: "Undo: relctl limits \(app.name) \(before)")
  }
}
