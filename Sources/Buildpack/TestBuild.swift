import Posix

/// `bin/test-compile` and `bin/test`, which a platform's CI runs. Source: Heroku, "Testpack API".
extension Build {
  /// Fetches and compiles for the tests. The source is not replaced.
  public static func prepareTests(
    _ request: BuildRequest, interrupts: Signals? = nil, write: @escaping (String) -> Void
  ) throws(BuildFailure) {
    try inPlace(request, .testCompile, interrupts, write) {
      build, plan, tools throws(BuildFailure) in
      try ReleaseMaker(build: build, plan: plan, tools: tools).prepareTests()
      try keepCache(request.cache, plan)
      build.output.step("Ready for the tests")
    }
  }

  /// Runs the project's tests. Their output is passed on with the values of config vars masked.
  public static func test(
    _ request: BuildRequest, interrupts: Signals? = nil, write: @escaping (String) -> Void
  ) throws(BuildFailure) {
    var request = request
    request.cache = request.cache ?? keptCache(request.source)
    try inPlace(request, .test, interrupts, write) { build, plan, tools throws(BuildFailure) in
      try build.begin(.test)
      try build.runTests(plan, tools.environment())
    }
  }

  /// A file with the path of CACHE_DIR, which holds the tools. The platform does not pass this path to `bin/test`.
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

  /// Does the work with the project's tools in the source, and removes the build's own files there.
  private static func inPlace(
    _ request: BuildRequest, _ goal: BuildPlan.Goal, _ interrupts: Signals?,
    _ write: @escaping (String) -> Void,
    _ work: (Build, BuildPlan, BuildTools) throws(BuildFailure) -> Void
  ) throws(BuildFailure) {
    try perform(request, interrupts, write, goal: goal) { build throws(BuildFailure) in
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
    let invocation = Invocation(
      ["sh", "-c", plan.testCommand], in: plan.project.folder, environment: environment.variables)
    var tail: [String] = []
    let tool = Tool(invocation: invocation, interrupts: interrupts)
    let ending = try BuildFailure.reading(
      tool.run(deadline: deadline) {
        output.write(output.mask($0))
        tail = (tail + [output.mask($0)]).suffix(ToolFailure.most)
      })
    switch ending {
    case .exit(.code(0)), .cut: return
    case .exit(let exit):
      throw BuildFailure(
        .test,
        ToolFailure(
          exit: exit, lines: tail, builder: plan.project.builder,
          environment: settings.environment))
    case .interrupted(let signal): throw .interrupted(signal: signal)
    case .expired: throw timeIsOver()
    }
  }
}
