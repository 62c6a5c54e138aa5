import Events

/// The problems that the agent has reported, so that a lasting one is reported once.
struct Complaints {
  private var told: [Agent.Source: Set<String>] = [:]

  /// Whether the problem was not reported since its source last worked.
  mutating func isNew(_ cause: Cause, of source: Agent.Source) -> Bool {
    // Each system call on a full disk fails with a sentence of its own.
    told[source, default: []].insert(cause.isOfFullDisk ? "full" : cause.id + cause.sentence)
      .inserted
  }

  /// Forgets the problems of a source that works again or is gone.
  mutating func forget(_ source: Agent.Source) { told[source] = nil }
}

extension Cause {
  var isOfFullDisk: Bool {
    [ProblemID.diskFull.rawValue, ProblemID.logFull.rawValue].contains(id)
  }
}
