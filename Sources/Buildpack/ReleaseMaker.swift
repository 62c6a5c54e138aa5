import Disk
import Posix

/// Has mix or rebar3 do its part, with the tools that the project wants.
struct ReleaseMaker {
  let build: Build
  let plan: BuildPlan
  let staging: Staging
  let tools: BuildTools

  private var output: BuildOutput { build.output }

  /// Makes the OTP releases of the project, in the staging's slug.
  /// - Returns: what was learned of it.
  func release() throws(BuildFailure) -> BuilderRun.Facts {
    let environment = tools.environment(compilingInto: staging.build)
    switch plan.project.builder {
    case .mix: return try mixRun(environment, isTest: false)
    case .rebar3: return try releaseWithRebar(environment)
    }
  }

  /// Fetches and compiles what the tests need, in the source itself.
  func prepareTests() throws(BuildFailure) {
    let environment = tools.environment(compilingInto: nil)
    switch plan.project.builder {
    case .mix: _ = try mixRun(environment, isTest: true)
    case .rebar3: _ = try rebarRun([], environment, isTest: true)
    }
  }

  private func mixRun(_ environment: BuildEnvironment, isTest: Bool) throws(BuildFailure)
    -> BuilderRun.Facts
  {
    var hooks: [String: String] = [:]
    for (hook, command) in plan.wishes.hooks { hooks[hook.rawValue] = command.text }
    if let script = plan.wishes.assetsScript { hooks["assets"] = "./" + script }
    let mix = MixBuild(
      project: plan.project, target: staging.slug, hooks: hooks, npmFolders: plan.npmFolders,
      isTest: isTest)
    return try run(mix.invocation(environment), mix.report)
  }

  private func rebarRun(_ names: [String], _ environment: BuildEnvironment, isTest: Bool)
    throws(BuildFailure) -> BuilderRun.Facts
  {
    let target = names.count > 1 ? staging.slug + "/rel" : staging.releases
    let rebar = RebarBuild(
      project: plan.project, target: target, releases: names, isTest: isTest)
    return try run(rebar.invocation(environment)) { RebarBuild.step($0).map { .shown($0) } }
  }

  private func releaseWithRebar(_ environment: BuildEnvironment) throws(BuildFailure)
    -> BuilderRun.Facts
  {
    let choice = try RebarBuild.choice(plan.project)
    // A script may add what the file has not.
    if choice.declared.isEmpty, !Files.exists(plan.project.folder + "/rebar.config.script") {
      throw .releaseMissing(plan.project.builder)
    }
    let names = try pick(choice).filter {
      $0 != ReleaseChoice.nameless
    }
    let lock = try lockFile()
    var facts = try rebarRun(names, environment, isTest: false)
    let locked = try lockFile()
    if lock != nil, lock != locked { throw .lockOutdated(file: "rebar.lock") }
    if lock == nil, locked != nil, locked != Array("[].\n".utf8) {
      output.warn("there is no rebar.lock: two builds may have different dependencies")
      facts.isUnlocked = true
    }
    if names.count < 2 { try takeOnlyRelease() }
    // It compiles what it has fetched for all profiles alike, and the project's own for this one.
    let fetched = Set((try? Files.list(staging.build + "/default/lib")) ?? [])
    for name in (try? Files.list(staging.build + "/prod/lib")) ?? []
    where !fetched.contains(name) {
      facts.own[name] = facts.own[name] ?? []
    }
    return facts
  }

  private func lockFile() throws(BuildFailure) -> [UInt8]? {
    do throws(PosixError) {
      return try Files.readIfThere(plan.project.folder + "/rebar.lock", limit: 16 << 20)
    } catch { throw .unreadable(error) }
  }

  /// rebar3 names its folder after the release.
  private func takeOnlyRelease() throws(BuildFailure) {
    do throws(PosixError) {
      let made = try Files.list(staging.releases)
      guard let name = made.first, made.count == 1 else {
        throw PosixError("find a release in", staging.releases, .noSuchFile)
      }
      if name != Files.name(of: staging.slug) {
        try Files.rename(staging.releases + "/" + name, to: staging.slug)
      }
    } catch { throw .unreadable(error) }
  }

  private func pick(_ choice: ReleaseChoice) throws(BuildFailure) -> [String] {
    try choice.pick(chosen: build.settings.releases, started: plan.kept.started)
  }

  private func run(
    _ invocation: Invocation, _ report: @escaping (String) -> BuilderReport?
  ) throws(BuildFailure) -> BuilderRun.Facts {
    var step = BuildStep.tools
    let run = BuilderRun(
      builder: plan.project.builder, invocation: invocation, report: report, output: output,
      interrupts: build.interrupts,
      deadline: build.deadline)
    let facts: BuilderRun.Facts
    let end: BuilderRun.End
    do throws(PosixError) {
      (facts, end) = try run.run(choose: pick) { next throws(BuildFailure) in
        step = next
        try build.begin(next)
      }
    } catch { throw .unreadable(error) }
    // What it has left running could change the slug behind our back.
    ProcessTable.killDescendants(of: Program.processID)
    switch end {
    case .done: return facts
    case .failed(let failure): throw failure
    case .interrupted(let signal): throw .interrupted(signal: signal)
    case .expired: throw build.timeIsOver()
    case .failedTool(let end):
      if let full = Cause(ifDiskIsFull: plan.project.source) { throw .diskFull(full) }
      throw BuildFailure(step, end)
    }
  }
}
