import Events

extension Rehearsal {
  /// What came of one OTP release.
  public struct Result: Codable, Equatable, Sendable {
    /// The OTP release's name; empty where it is about all of them.
    public var release: String
    public var outcome: Outcome

    public init(release: String, outcome: Outcome) {
      (self.release, self.outcome) = (release, outcome)
    }
  }

  public enum Outcome: Codable, Equatable, Sendable {
    /// It booted: the node said so.
    /// - Parameters:
    ///   - applications: how many run.
    ///   - milliseconds: from its start until it was known.
    case started(applications: Int, milliseconds: Int64)
    /// Its run-time configuration was evaluated and its code loaded. It was not booted, for this reason; what can be
    /// done about it.
    case checked(reason: String, remedy: String?)
    /// It does not boot.
    case failed(Cause)
    /// Whether it boots is not known: it did not with what stood for a config var.
    case unclear(Cause)
    /// It was not tried, for this reason.
    case skipped(String)
  }
}

extension Rehearsal.Result {
  /// One line for who watches the build; nil where `problem` says more.
  var line: String? {
    switch outcome {
    case .started(let applications, let milliseconds):
      "\(release) boots: \(applications) applications in \(milliseconds) ms"
    case .skipped(let reason) where release.isEmpty: "nothing was booted: \(reason)"
    case .skipped(let reason): "\(release) was not booted: \(reason)"
    case .failed, .unclear, .checked: nil
    }
  }

  /// One line about all that were not booted for the same reason.
  static func warnings(_ results: [Self]) -> [String] {
    var lines: [String] = []
    var told: Set<String> = []
    for case .checked(let reason, let remedy) in results.map(\.outcome)
    where told.insert(reason).inserted {
      let names = results.filter { $0.outcome == .checked(reason: reason, remedy: remedy) }
        .map(\.release)
      let (verb, whose) = names.count == 1 ? ("was", "its") : ("were", "their")
      lines.append(
        "\(names.joined(separator: ", ")) \(verb) not booted, as \(reason); "
          + "\(whose) configuration was evaluated and \(whose) code loaded"
          + (remedy.map { ". " + $0 } ?? ""))
    }
    return lines
  }

  /// What is to be told as a warning, or as the build's failure.
  public var problem: Cause? {
    switch outcome {
    case .failed(let cause), .unclear(let cause): cause
    default: nil
    }
  }
}

extension BuildSettings.RehearsalChoice {
  /// Whether the slug is booted in the host's network.
  var hasNetwork: Bool { self == .real || self == .network }

  /// The cause for which the build fails; nil where it does not.
  public func failure(_ results: [Rehearsal.Result]) -> Cause? {
    guard self == .fail else { return nil }
    for case .failed(let cause) in results.map(\.outcome) { return cause }
    return nil
  }
}

extension BuildOutput {
  /// Tells what came of a rehearsal.
  func tell(_ results: [Rehearsal.Result]) {
    for result in results {
      if let line = result.line { detail(line) }
      if let problem = result.problem { self.problem(problem) }
    }
    for line in Rehearsal.Result.warnings(results) { warn(line) }
  }
}
