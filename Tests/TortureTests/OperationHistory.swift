import Events
import TestSupport

/// What operators request of a home and what is killed meanwhile, step after step. The same seed makes the same history.
struct OperationHistory: CustomStringConvertible {
  let seed: UInt64
  let apps: [String]
  let steps: [Step]

  struct Step {
    /// One or two, made at the same time.
    var requests: [Request]
    var crash: Crash?
    /// Milliseconds from the requests to the crash.
    var delay: Int64
  }

  struct Request {
    var app: String
    var change: Change
  }

  enum Change {
    case deploy(TortureSlug.Kind)
    case restart(instance: String?)
    case rollback
    case scale(web: Int, worker: Int)
    case stop
    case cancel
    case set(String)
    case unset
    /// Opens or updates the preview of a pull request.
    case open(Int, TortureSlug.Kind)
    case close(Int)
  }

  /// A number chooses one of the live runs.
  enum Crash {
    case killAgent
    case killShim(Int)
    case killProcess(Int)
    case killAgentAndShim(Int)
    case killAgentAndAllShims
    /// Kills the `relshim` of the next run that starts, as soon as it is seen.
    case killNewShim
    /// Stops the agent for a second.
    case pauseAgent
  }

  init(seed: UInt64, steps count: Int, apps: [String]) {
    var random = Scramble(seed)
    (self.seed, self.apps) = (seed, apps)
    steps = (0..<count).map { _ in Step(&random, apps) }
  }

  var description: String {
    let lines = steps.enumerated().map { "  \($0 + 1). \($1)" }
    return "RELTUI_TORTURE_SEED=\(seed)\n" + lines.joined(separator: "\n")
  }
}

extension OperationHistory.Step: CustomStringConvertible {
  fileprivate init(_ random: inout Scramble, _ apps: [String]) {
    requests = [OperationHistory.Request(&random, apps)]
    if Int.random(in: 0..<3, using: &random) == 0 {
      requests.append(OperationHistory.Request(&random, apps))
    }
    let isCalm = Int.random(in: 0..<3, using: &random) == 0
    crash = isCalm ? nil : OperationHistory.Crash(&random)
    delay = Int64.random(in: 0...900, using: &random)
  }

  var description: String {
    let asked = requests.map(\.description).joined(separator: " & ")
    return asked + (crash.map { "; after \(delay) ms \($0)" } ?? "")
  }
}

extension OperationHistory.Request: CustomStringConvertible {
  fileprivate init(_ random: inout Scramble, _ apps: [String]) {
    app = apps[Int.random(in: 0..<apps.count, using: &random)]
    change = OperationHistory.Change(&random)
  }

  var description: String { "\(app) \(change)" }

  /// The words of `relctl` that make the request.
  /// - Parameter slugs: the ids of the slugs.
  func arguments(_ slugs: [TortureSlug.Kind: String]) -> [String] {
    switch change {
    case .deploy(let slug):
      ["deploy", app, slugs[app == TortureSlug.greeter ? .greeter : slug] ?? ""]
    case .restart(let instance): ["restart", app + (instance.map { "/" + $0 } ?? "")]
    case .rollback: ["rollback", app]
    case .scale(let web, let worker): ["scale", app, "web=\(web)", "worker=\(worker)"]
    case .stop: ["stop", app]
    case .cancel: ["cancel", app]
    case .set(let value): ["config", app, "set", "\(TortureSlug.variable)=\(value)"]
    case .unset: ["config", app, "unset", TortureSlug.variable]
    case .open(let pull, let slug):
      // Some leases end while the history goes on.
      [
        "preview", "open", "--app", app, "--pr", "\(pull)", "--slug",
        slugs[app == TortureSlug.greeter ? .greeter : slug] ?? "", "--lease",
        pull == 1 ? "10s" : "1h",
      ]
    case .close(let pull): ["preview", "close", PreviewName.of(app, pull)]
    }
  }
}

extension OperationHistory.Change {
  fileprivate init(_ random: inout Scramble) {
    switch Int.random(in: 0..<31, using: &random) {
    case 24..<28:
      let kinds: [TortureSlug.Kind] = [.fast, .fast, .slow, .broken]
      self = .open(
        .random(in: 1...2, using: &random), kinds[.random(in: 0..<4, using: &random)])
    case 28..<31: self = .close(.random(in: 1...2, using: &random))
    case 20..<22: self = .deploy(.fragile)
    case 22..<24: self = .cancel
    case 0..<2: self = .deploy(.broken)
    case 2..<4: self = .deploy(.fast)
    case 4..<6: self = .deploy(.slow)
    case 6..<8: self = .restart(instance: nil)
    case 8..<10: self = .restart(instance: Bool.random(using: &random) ? "web.1" : "worker.1")
    case 10..<12: self = .rollback
    case 12..<15:
      self = .scale(
        web: .random(in: 1...3, using: &random), worker: .random(in: 0...2, using: &random))
    case 15..<17: self = .set("value-\(UInt32.random(in: 0...(.max), using: &random))")
    case 17: self = .unset
    case 18: self = .stop
    default: self = .restart(instance: nil)
    }
  }
}

extension OperationHistory.Crash {
  fileprivate init(_ random: inout Scramble) {
    let victim = Int.random(in: 0..<60, using: &random)
    switch Int.random(in: 0..<11, using: &random) {
    case 10: self = .killAgentAndAllShims
    case 0..<3: self = .killAgent
    case 3..<5: self = .killShim(victim)
    case 5..<7: self = .killProcess(victim)
    case 7: self = .killAgentAndShim(victim)
    case 8: self = .killNewShim
    default: self = .pauseAgent
    }
  }
}
