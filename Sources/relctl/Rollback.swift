import CommandLine
import Deployment
import Events
import Observation
import Operations

extension Command {
  static let rollback = Command(
    CommandSyntax(
      "rollback", "APP [vN]", count: 1...2, "bring a former release back, slug and config vars",
      details: """
        Without a number it is the newest release that was healthy and was not rolled back itself.
        While a release is deployed that is the current one, and the deployment is given up. A rollback
        is a new release, so it can be rolled back too.

        First it says what is known of the migrations that ran since, and which config vars and
        applications change. --dry-run says only this, and the steps that would follow.
        """,
      options: [
        Option("--release-phase", "run its release phase too"),
        Option("--old-secrets", "give secrets that changed since their former values back too"),
        Option("--yes", "also to a release that never served"),
        Option("--dry-run", "say what would change and be done; change nothing"), .until, .detach,
        .json,
      ])
  ) { call throws(Cause) in
    let name = try call.target().app
    let number = try call.releaseNumber(1, of: name)
    let (board, home) = (try call.board(), try call.home())
    let rollback = Rollback(
      app: name, to: number, runsPhase: call.arguments.has("--release-phase"),
      restoresSecrets: call.arguments.has("--old-secrets")
    ).chosen(on: board)
    let app = try CommandCall.app(name, on: board)
    if let current = app.current, rollback.release == current, app.deployment == nil {
      throw Refusal.isCurrent(current, app: name).cause
    }
    let isDry = call.arguments.has("--dry-run")
    if let number, app.release(number)?.wasCurrent == false, !call.arguments.has("--yes"), !isDry {
      throw Cause(
        .usage, "\(number) of '\(name)' never served",
        remedy: "If you mean it: relctl rollback \(name) \(number) --yes")
    }
    let steps = isDry ? try DeploymentOutline.lines(for: rollback, on: board, home: home) : []
    let check = RollbackCheck.read(rollback, in: app, home: home)
    if isDry, call.wantsJSON { return call.report(json: RollbackReport(check, steps: steps)) }
    if let check, !call.wantsJSON {
      let said = rollback.consequences(on: app, check: check)
      for line in said.judgement + said.changes {
        call.context.print(call.shown((isDry ? "" : "       ") + line))
      }
    }
    if isDry {
      call.tell(try call.warnings(for: rollback, on: board))
      return call.list(steps: steps)
    }
    return try call.request(rollback)
  }
}

extension CommandCall {
  /// The release that an argument names; nil if there is no such argument.
  func releaseNumber(_ index: Int, of app: String) throws(Cause) -> ReleaseNumber? {
    let word = positional(index)
    if word.isEmpty { return nil }
    guard let number = ReleaseNumber(word) else {
      throw Cause(
        .releaseUnknown, "'\(word)' is no release's number",
        remedy: "See the releases with: relctl releases \(app)")
    }
    return number
  }

  /// Prints numbered steps.
  fileprivate func list(steps: [String]) -> Outcome {
    for (index, line) in steps.enumerated() { context.print(shown("\(index + 1). \(line)")) }
    return .success
  }
}

/// What `relctl rollback --dry-run --json` prints.
private struct RollbackReport: Encodable {
  /// Nil if no release is current, so that there is none to compare with.
  let check: RollbackCheck?
  let steps: [String]

  init(_ check: RollbackCheck?, steps: [String]) { (self.check, self.steps) = (check, steps) }

  private enum CodingKeys: String, CodingKey { case steps }

  func encode(to encoder: any Encoder) throws {
    try check?.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(steps, forKey: .steps)
  }
}
