import Events

/// What the agent has complained of, so that what stays wrong is told once.
struct Complaints {
  private var told: [Agent.Source: Set<String>] = [:]

  /// Whether it was not told since the log, the app or the run was last in order.
  mutating func isNew(_ cause: Cause, of source: Agent.Source) -> Bool {
    // Each call that meets a full disk complains in words of its own.
    told[source, default: []].insert(cause.isOfFullDisk ? "full" : cause.id + cause.sentence)
      .inserted
  }

  /// It is in order again, or gone.
  mutating func forget(_ source: Agent.Source) { told[source] = nil }
}

extension Cause {
  var isOfFullDisk: Bool {
    [ProblemID.diskFull.rawValue, ProblemID.logFull.rawValue].contains(id)
  }
}
