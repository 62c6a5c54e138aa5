import Events
import Posix

/// Runs mix or rebar3 for the steps of the plan that they perform.
struct ReleaseMaker {
  let build: Build
  let plan: BuildPlan
  let tools: BuildTools

  private var output: BuildOutput { build.output }

  /// Makes the OTP releases of the project in the place's slug folder.
  /// - Parameter key: all inputs of the build besides the source.
  func release(in place: BuildPlace, _ key: CacheKey) throws(BuildFailure) -> BuilderRun.Facts {
    let downloads = Downloads(tools.folder, key)
    downloads.bring(to: place.real)
    defer { downloads.keep(from: place.real) }
    switch plan.project.builder {
    case .mix: return try releaseWithMix(place)
    case .rebar3: return try releaseWithRebar(place)
    }
  }

  /// Fetches and compiles for the tests, in the source itself.
  func prepareTests() throws(BuildFailure) {
    let environment = tools.environment()
    func command(_ words: [String]) -> Invocation {
      Invocation(words, in: plan.project.folder, environment: environment.variables)
    }
    switch plan.project.builder {
    case .mix:
      let mix = mix(plan.project, target: "")
      _ = try run(command(mix.words), mix.report)
    case .rebar3: _ = try run(command(RebarBuild.words(plan.builderSteps)), RebarBuild.report)
    }
  }

  private func mix(_ project: Project, target: String) -> MixBuild {
    var hooks: [String: String] = [:]
    for (hook, command) in plan.config.hooks { hooks[hook.rawValue] = command.text }
    if let script = plan.config.assetsScript { hooks["assets"] = "./" + script }
    return MixBuild(
      project: project, steps: plan.builderSteps, target: target, hooks: hooks,
      npmFolders: plan.npmFolders)
  }

  private func releaseWithMix(_ place: BuildPlace) throws(BuildFailure) -> BuilderRun.Facts {
    let project = plan.project.at(place.seen.source)
    let mix = mix(project, target: place.seen.slug)
    return try run(
      place.command(
        mix.words, in: project.folder, environment: tools.environment(place).variables),
      mix.report)
  }

  private func releaseWithRebar(_ place: BuildPlace) throws(BuildFailure) -> BuilderRun.Facts {
    let project = plan.project.at(place.real.source)
    let choice = try RebarBuild.choice(project)
    // rebar.config.script may declare releases.
    if choice.declared.isEmpty, !Files.exists(project.folder + "/rebar.config.script") {
      throw .releaseMissing(plan.project.builder)
    }
    let names = try pick(choice).filter { $0 != ReleaseChoice.nameless }
    let lock = try lockFile(project)
    let target = names.count > 1 ? place.seen.slug + "/rel" : place.seen.releases
    var facts = try run(
      place.command(
        RebarBuild.words(
          plan.builderSteps,
          release: .init(names: names, runtime: tools.toolchain.erlang.root, target: target)),
        in: plan.project.at(place.seen.source).folder,
        environment: tools.environment(place).variables),
      RebarBuild.report)
    let locked = try lockFile(project)
    if lock != nil, lock != locked { throw .lockOutdated(file: "rebar.lock") }
    if lock == nil, locked != nil, locked != Array("[].\n".utf8) {
      output.warn("there is no rebar.lock: two builds may have different dependencies")
      facts.isUnlocked = true
    }
    if names.count < 2 { try takeOnlyRelease(place.real) }
    // rebar3 compiles dependencies into the profile `default`, and the project's own applications into `prod`.
    let fetched = Set((try? Files.list(place.real.build + "/default/lib")) ?? [])
    for name in (try? Files.list(place.real.build + "/prod/lib")) ?? []
    where !fetched.contains(name) {
      facts.own[name] = facts.own[name] ?? []
    }
    return facts
  }

  private func lockFile(_ project: Project) throws(BuildFailure) -> [UInt8]? {
    try BuildFailure.reading(Files.readIfThere(project.folder + "/rebar.lock", limit: 16 << 20))
  }

  /// Renames the only release's folder, which rebar3 names after the release.
  private func takeOnlyRelease(_ work: WorkFolder) throws(BuildFailure) {
    do throws(PosixError) {
      let made = try Files.list(work.releases)
      guard let name = made.first, made.count == 1 else {
        throw PosixError("find a release in", work.releases, .noSuchFile)
      }
      if name != Files.name(of: work.slug) {
        try Files.rename(work.releases + "/" + name, to: work.slug)
      }
    } catch { throw .unreadable(error) }
  }

  /// Chooses the releases to build, and checks the Procfile against them before anything is fetched or compiled.
  private func pick(_ choice: ReleaseChoice) throws(BuildFailure) -> [String] {
    let entries = plan.runtimeFiles.procfile
    let names: [String]
    do throws(BuildFailure) {
      names = try choice.pick(chosen: build.settings.releases, started: plan.runtimeFiles.started)
    } catch {
      // A Procfile that names a missing release is the better explanation.
      if case .releaseAmbiguous(let names) = error,
        let fault = ProcessFault.release(in: entries, names: names)
      {
        throw .process(fault)
      }
      throw error
    }
    let release = names.first { $0 != ReleaseChoice.nameless } ?? choice.implicit ?? "NAME"
    let fault = ProcessFault.tool(in: entries, release: release, builder: plan.project.builder) {
      Files.exists("\(plan.project.folder)/rel/overlays/bin/\($0)")
    }
    if let fault { throw .process(fault) }
    return names
  }

  private func run(
    _ invocation: Invocation, _ report: @escaping (String) -> BuilderReport?
  ) throws(BuildFailure) -> BuilderRun.Facts {
    var step = BuildStep.tools
    let run = BuilderRun(
      builder: plan.project.builder, environment: build.settings.environment,
      invocation: invocation, report: report, output: output, interrupts: build.interrupts,
      deadline: build.deadline)
    let facts: BuilderRun.Facts
    let outcome: BuilderRun.Outcome
    do throws(PosixError) {
      (facts, outcome) = try run.run(choose: pick) { next throws(BuildFailure) in
        step = next
        try build.begin(next)
      }
    } catch { throw .unreadable(error) }
    // A process that the builder has left running could change the slug later.
    ProcessTable.endDescendants(of: Program.processID)
    switch outcome {
    case .done: return facts
    case .failed(let failure): throw failure
    case .interrupted(let signal): throw .interrupted(signal: signal)
    case .expired: throw build.timeIsOver()
    case .toolFailed(let failure):
      if let full = Cause(ifDiskIsFull: plan.project.source) { throw .cause(full) }
      throw BuildFailure(step, failure)
    }
  }
}
