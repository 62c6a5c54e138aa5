import Posix

/// The pair that a platform's CI runs: `bin/test-compile` and `bin/test`. Source: Heroku, "Testpack API".
extension Build {
  /// Fetches and compiles what the tests need; the source stays where it is.
  public static func prepareTests(
    _ request: BuildRequest, interrupts: Signals? = nil, write: @escaping (String) -> Void
  ) throws(BuildFailure) {
    try inPlace(request, interrupts, write) { build, plan, tools throws(BuildFailure) in
      try ReleaseMaker(build: build, plan: plan, tools: tools).prepareTests()
      try keepCache(request.cache, plan)
      build.output.step("Ready for the tests")
    }
  }

  /// Runs the project's tests; their output is passed on as it is, but for values of config vars.
  public static func test(
    _ request: BuildRequest, interrupts: Signals? = nil, write: @escaping (String) -> Void
  ) throws(BuildFailure) {
    var request = request
    request.cache = request.cache ?? keptCache(request.source)
    try inPlace(request, interrupts, write) { build, plan, tools throws(BuildFailure) in
      try build.begin(.test)
      try build.runTests(plan, tools.environment())
    }
  }

  /// `bin/test` is told of no CACHE_DIR, and the tools may lie there.
  private static let cacheNote = ".reltui/cache"

  private static func keepCache(_ cache: String?, _ plan: BuildPlan) throws(BuildFailure) {
    guard let cache else { return }
    let note = plan.project.source + "/" + cacheNote
    do throws(PosixError) {
      try Files.makeFolder(Files.parent(of: note), mode: 0o755)
      try Files.replace(note, with: Array(cache.utf8), mode: 0o644)
    } catch { throw .unwritable(error) }
  }

  private static func keptCache(_ source: String) -> String? {
    let bytes = (try? Files.readIfThere(source + "/" + cacheNote, limit: 4096)) ?? []
    let path = String(decoding: bytes, as: UTF8.self)
    return path.hasPrefix("/") && Files.isFolder(path) ? path : nil
  }

  /// Works with the project's tools where the source is; nothing of ours stays there.
  private static func inPlace(
    _ request: BuildRequest, _ interrupts: Signals?, _ write: @escaping (String) -> Void,
    _ work: (Build, BuildPlan, BuildTools) throws(BuildFailure) -> Void
  ) throws(BuildFailure) {
    try perform(request, interrupts, write, isTest: true) { build throws(BuildFailure) in
      let plan = try build.plan()
      let staging = try Staging(plan.project.source)
      defer { try? staging.clear() }
      let tools = try BuildTools(build, plan, staging)
      defer { tools.clear() }
      try work(build, plan, tools)
      BuildReport.forget(plan.project.source)
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
    case .exit(let exit):
      throw BuildFailure(
        .test,
        ToolEnd(
          exit: exit, lines: tail, builder: plan.project.builder,
          environment: settings.environment))
    case .interrupted(let signal): throw .interrupted(signal: signal)
    case .expired: throw timeIsOver()
    }
  }
}
