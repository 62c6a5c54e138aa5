import PlainText
import Posix
import ReleaseModel

/// A report that the builder (mix or rebar3) prints while it works.
enum BuilderReport: Hashable {
  case step(BuildStep)
  /// A step has begun, and the line that says so is also shown in the output.
  case shown(BuildStep)
  /// The OTP releases of the project. The builder waits for one line with the names of those that it must build.
  case releases(ReleaseChoice)
  case hook(String)
  /// One of the project's own applications, with its licences.
  case own(String, licenses: [String])
  /// An application whose source lies outside of BUILD_DIR, so that the cache cannot know whether it has changed.
  case outside(String)
  case variable(Manifest.Variable)
  /// A config var that compile-time configuration reads, with the warning about it.
  case baked(String, String)
  case unlocked
  case refused(BuildFailure)
  case done
}

/// One run of mix or rebar3. Its output is shown and its reports are collected.
struct BuilderRun {
  /// What the run has reported about the project.
  struct Facts {
    var own: [String: [String]] = [:]
    var variables: [Manifest.Variable] = []
    /// Names of config vars that compile-time configuration reads. The build has warned of them.
    var baked: Set<String> = []
    var isUnlocked = false
    var reachesOut = false

    var sortedVariables: [Manifest.Variable] {
      variables.sorted { ($0.name, $0.file, $0.line) < ($1.name, $1.file, $1.line) }
    }
  }

  let builder: Project.Builder
  /// MIX_ENV.
  let environment: String
  let invocation: Invocation
  /// The report that a line holds; nil for a line of output.
  let report: (String) -> BuilderReport?
  let output: BuildOutput
  let interrupts: Signals?
  /// On the monotonic clock.
  let deadline: Int64?

  enum Outcome: Hashable {
    case done
    case failed(BuildFailure)
    case toolFailed(ToolFailure)
    case interrupted(Signal)
    case expired
  }

  func run(
    choose: (ReleaseChoice) throws(BuildFailure) -> [String],
    begin: (BuildStep) throws(BuildFailure) -> Void
  ) throws(PosixError) -> (Facts, Outcome) {
    var (facts, refusal): (Facts, BuildFailure?) = (Facts(), nil)
    var tail: [String] = []
    let (reading, writing) = try File.pipe()
    // This variable is the only owner, so setting it to nil closes the file.
    var answers: File? = consume writing
    let tool = Tool(invocation: invocation, interrupts: interrupts)
    let ending = try tool.run(input: .file(reading), deadline: deadline) { raw in
      // Cleaning replaces tabs, which separate the fields of a report, so only lines with an escape are cleaned.
      let line = raw.utf8.contains(27) ? Printable.clean(raw) : raw
      guard let report = report(line) else {
        tail.append(output.mask(line))
        if tail.count > ToolFailure.most { tail.removeFirst() }
        return output.detail(line)
      }
      do throws(BuildFailure) {
        switch report {
        case .step(let step): try begin(step)
        case .shown(let step):
          try begin(step)
          output.detail(line)
        case .own(let name, let licenses): facts.own[name] = facts.own[name] ?? licenses
        case .outside(let name):
          facts.own[name] = facts.own[name] ?? []
          facts.reachesOut = true
        case .variable(let variable): facts.variables.append(variable)
        case .hook(let name): output.detail("Running the hook \(name)")
        case .baked(let name, let text):
          facts.baked.insert(name)
          output.warn(text)
        case .unlocked:
          facts.isUnlocked = true
          output.warn("there is no mix.lock: two builds may have different dependencies")
        case .refused(let failure): throw failure
        case .releases(let choice):
          let names = try choose(choice).joined(separator: " ")
          try? answers?.write(Array((names + "\n").utf8))
        case .done: break
        }
      } catch { refusal = refusal ?? error }
      // The builder ends when it gets no answer.
      if refusal != nil { answers = nil }
    }
    return (facts, outcome(ending, refusal, tail))
  }

  private func outcome(_ ending: Tool.Ending, _ refusal: BuildFailure?, _ tail: [String]) -> Outcome
  {
    switch ending {
    case .interrupted(let signal): .interrupted(signal)
    case .expired: .expired
    case .cut: .done
    case .exit(let exit):
      if let refusal {
        .failed(refusal.with(failure(exit, tail)))
      } else {
        exit == .code(0) ? .done : .toolFailed(failure(exit, tail))
      }
    }
  }

  private func failure(_ exit: Exit, _ tail: [String]) -> ToolFailure {
    ToolFailure(exit: exit, lines: tail, builder: builder, environment: environment)
  }
}
