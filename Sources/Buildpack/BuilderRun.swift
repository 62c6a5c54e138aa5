import PlainText
import Posix
import ReleaseModel

/// What a builder – mix or rebar3 – reports while it works.
enum BuilderReport: Hashable {
  case step(BuildStep)
  /// A step has begun, by a line that is for people too.
  case shown(BuildStep)
  /// The OTP releases of the project; it waits for the answer, a line of names.
  case releases(ReleaseChoice)
  case hook(String)
  /// An application of the project's own, with its licences.
  case own(String, licenses: [String])
  /// An application whose source lies outside of the project's, where nobody sees what has changed.
  case outside(String)
  case variable(Manifest.Variable)
  /// A config var that compile-time configuration reads, with a warning of it.
  case baked(String, String)
  /// There is no lock file, and there should be.
  case unlocked
  case refused(BuildFailure)
  case done
}

/// mix or rebar3 at work: its lines are shown, its reports collected.
struct BuilderRun {
  /// What was learned of the project.
  struct Facts {
    var own: [String: [String]] = [:]
    var variables: [Manifest.Variable] = []
    /// Names of config vars that compile-time configuration reads: the build has said so.
    var baked: Set<String> = []
    /// Whether no lock file holds the dependencies.
    var isUnlocked = false
    /// Whether it is also built from what lies outside of the source.
    var reachesOut = false

    var sortedVariables: [Manifest.Variable] {
      variables.sorted { ($0.name, $0.file, $0.line) < ($1.name, $1.file, $1.line) }
    }
  }

  let builder: Project.Builder
  /// MIX_ENV.
  let environment: String
  let invocation: Invocation
  /// A line's meaning; nil for one that is for people.
  let report: (String) -> BuilderReport?
  let output: BuildOutput
  let interrupts: Signals?
  /// On the monotonic clock.
  let deadline: Int64?

  enum End: Hashable {
    case done
    case failed(BuildFailure)
    case failedTool(ToolEnd)
    case interrupted(Signal)
    case expired
  }

  /// - Parameters:
  ///   - choose: which releases are built.
  ///   - begin: a step has begun.
  func run(
    choose: (ReleaseChoice) throws(BuildFailure) -> [String],
    begin: (BuildStep) throws(BuildFailure) -> Void
  ) throws(PosixError) -> (Facts, End) {
    var (facts, refusal): (Facts, BuildFailure?) = (Facts(), nil)
    var tail: [String] = []
    let (reading, writing) = try File.pipe()
    // Its only owner, so that to let go of it is to close it.
    var answers: File? = consume writing
    let tool = Tool(invocation: invocation, interrupts: interrupts)
    let ending = try tool.run(input: .file(reading), deadline: deadline) { raw in
      // Tabs stay: our own lines have them.
      let line = raw.utf8.contains(27) ? Printable.clean(raw) : raw
      guard let report = report(line) else {
        tail.append(output.mask(line))
        if tail.count > ToolEnd.most { tail.removeFirst() }
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
      // Without an answer it ends.
      if refusal != nil { answers = nil }
    }
    return (facts, end(ending, refusal, tail))
  }

  private func end(_ ending: Tool.Ending, _ refusal: BuildFailure?, _ tail: [String]) -> End {
    switch ending {
    case .interrupted(let signal): .interrupted(signal)
    case .expired: .expired
    case .cut: .done
    case .exit(let exit):
      if let refusal {
        .failed(refusal.with(end(exit, tail)))
      } else {
        exit == .code(0) ? .done : .failedTool(end(exit, tail))
      }
    }
  }

  private func end(_ exit: Exit, _ tail: [String]) -> ToolEnd {
    ToolEnd(exit: exit, lines: tail, builder: builder, environment: environment)
  }
}
