import Events

extension BootCheck {
  /// The result of the check for one OTP release.
  public struct Result: Codable, Equatable, Sendable {
    /// The OTP release's name; empty if the result is about all of them.
    public var release: String
    public var outcome: Outcome
  }

  public enum Outcome: Codable, Equatable, Sendable {
    /// The release booted, as its node confirmed.
    /// - Parameters:
    ///   - applications: how many run.
    ///   - milliseconds: from the start of the program to the node's answer.
    case started(applications: Int, milliseconds: Int64)
    /// The release could not be booted here, for this reason. Its run-time configuration was evaluated and its code
    /// loaded without an error.
    case checked(reason: String, remedy: String?)
    case failed(Cause)
    /// The release did not accept a placeholder, so it is not known whether it boots.
    case unclear(Cause)
    case skipped(String)
  }
}

extension BootCheck.Result {
  /// One line for the build's output; nil if `problem` says more.
  var line: String? {
    switch outcome {
    case .started(let applications, let milliseconds):
      "\(release) boots: \(applications) applications in \(milliseconds) ms"
    case .skipped(let reason) where release.isEmpty: "nothing was booted: \(reason)"
    case .skipped(let reason): "\(release) was not booted: \(reason)"
    case .failed, .unclear, .checked: nil
    }
  }

  /// One line for each reason, with all releases that were not booted for it.
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

  /// The cause to show as a warning, or as the build's failure.
  public var problem: Cause? {
    switch outcome {
    case .failed(let cause), .unclear(let cause): cause
    default: nil
    }
  }
}

extension BootCheckMode {
  /// Whether the slug is booted in the host's network.
  var hasNetwork: Bool { self == .real || self == .network }

  /// The cause for which the build fails; nil if the build succeeds.
  public func failure(_ results: [BootCheck.Result]) -> Cause? {
    guard self == .fail else { return nil }
    for case .failed(let cause) in results.map(\.outcome) { return cause }
    return nil
  }
}

extension BuildOutput {
  func tell(_ results: [BootCheck.Result]) {
    for result in results {
      if let line = result.line { detail(line) }
      if let problem = result.problem { self.problem(problem) }
    }
    for line in BootCheck.Result.warnings(results) { warn(line) }
  }
}
