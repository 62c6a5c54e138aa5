import Posix

/// The pair that a platform's CI runs: `bin/test-compile` and `bin/test`. Source: Heroku, "Testpack API".
extension Build {
  /// Fetches and compiles what the tests need; the source stays where it is.
  public static func prepareTests(
    _ request: BuildRequest, interrupts: Signals? = nil, write: @escaping (String) -> Void
  ) throws(BuildFailure) {
    try perform(request, interrupts, write, isTest: true) { build throws(BuildFailure) in
      let plan = try build.plan()
      let staging = try Staging(plan.project)
      defer { try? staging.clear() }
      let tools = try BuildTools(build, plan, staging)
      try ReleaseMaker(build: build, plan: plan, staging: staging, tools: tools).prepareTests()
      build.output.step("Ready for the tests")
    }
  }

  /// Runs the project's tests; their output is passed on as it is, but for values of config vars.
  public static func test(
    _ request: BuildRequest, interrupts: Signals? = nil, write: @escaping (String) -> Void
  ) throws(BuildFailure) {
    try perform(request, interrupts, write, isTest: true) { build throws(BuildFailure) in
      let plan = try build.plan()
      let staging = try Staging(plan.project)
      defer { try? staging.clear() }
      let tools = try BuildTools(build, plan, staging)
      try build.begin(.test)
      try build.runTests(plan, tools.environment(compilingInto: nil))
    }
  }

  private func runTests(_ plan: BuildPlan, _ environment: BuildEnvironment) throws(BuildFailure) {
    let arguments = plan.wishes.testArguments?.text ?? ""
    let command =
      plan.project.builder == .mix ? "exec mix test \(arguments)" : "exec rebar3 do eunit, ct"
    let invocation = Invocation(
      ["sh", "-c", command], in: plan.project.folder, environment: environment.variables)
    var tail: [String] = []
    let ending: Tool.Ending
    do throws(PosixError) {
      ending = try Tool(invocation: invocation, interrupts: interrupts).run(deadline: deadline) {
        output.write(output.mask($0))
        tail = (tail + [output.mask($0)]).suffix(ToolEnd.most)
      }
    } catch { throw .unreadable(error) }
    switch ending {
    case .exit(.code(0)), .cut: return
    case .exit(let exit): throw BuildFailure(.test, ToolEnd(exit: exit, lines: tail))
    case .interrupted(let signal): throw .interrupted(signal: signal)
    case .expired: throw timeIsOver()
    }
  }
}
