import DiskReserve
import Events
import Posix

/// Has mix or rebar3 do its part, with the tools that the project wants.
struct ReleaseMaker {
  let build: Build
  let plan: BuildPlan
  let tools: BuildTools

  private var output: BuildOutput { build.output }

  /// Makes the OTP releases of the project, in the place's slug.
  /// - Parameter key: what decides, beside the source, what is made.
  /// - Returns: what was learned of it.
  func release(in place: BuildPlace, _ key: CacheKey) throws(BuildFailure) -> BuilderRun.Facts {
    let downloads = Downloads(tools.folder, key)
    downloads.bring(to: place.real)
    defer { downloads.keep(from: place.real) }
    switch plan.project.builder {
    case .mix: return try releaseWithMix(place)
    case .rebar3: return try releaseWithRebar(place)
    }
  }

  /// Fetches and compiles what the tests need, in the source itself.
  func prepareTests() throws(BuildFailure) {
    let environment = tools.environment()
    func command(_ words: [String]) -> Invocation {
      Invocation(words, in: plan.project.folder, environment: environment.variables)
    }
    switch plan.project.builder {
    case .mix:
      var mix = mix(plan.project, target: "")
      mix.isTest = true
      _ = try run(command(mix.words), mix.report)
    case .rebar3: _ = try run(command(RebarBuild.testWords), RebarBuild.report)
    }
  }

  private func mix(_ project: Project, target: String) -> MixBuild {
    var hooks: [String: String] = [:]
    for (hook, command) in plan.wishes.hooks { hooks[hook.rawValue] = command.text }
    if let script = plan.wishes.assetsScript { hooks["assets"] = "./" + script }
    return MixBuild(project: project, target: target, hooks: hooks, npmFolders: plan.npmFolders)
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
    // A script may add what the file has not.
    if choice.declared.isEmpty, !Files.exists(project.folder + "/rebar.config.script") {
      throw .releaseMissing(plan.project.builder)
    }
    let names = try pick(choice).filter { $0 != ReleaseChoice.nameless }
    let lock = try lockFile(project)
    let target = names.count > 1 ? place.seen.slug + "/rel" : place.seen.releases
    var facts = try run(
      place.command(
        RebarBuild.words(
          releases: names, runtime: tools.toolchain.erlang.root, target: target),
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
    // It compiles what it has fetched for all profiles alike, and the project's own for this one.
    let fetched = Set((try? Files.list(place.real.build + "/default/lib")) ?? [])
    for name in (try? Files.list(place.real.build + "/prod/lib")) ?? []
    where !fetched.contains(name) {
      facts.own[name] = facts.own[name] ?? []
    }
    return facts
  }

  private func lockFile(_ project: Project) throws(BuildFailure) -> [UInt8]? {
    do throws(PosixError) {
      return try Files.readIfThere(project.folder + "/rebar.lock", limit: 16 << 20)
    } catch { throw .unreadable(error) }
  }

  /// rebar3 names its folder after the release.
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

  /// Which releases are built. What the Procfile starts is held against them before anything is fetched or compiled.
  private func pick(_ choice: ReleaseChoice) throws(BuildFailure) -> [String] {
    let entries = plan.kept.procfile
    let names: [String]
    do throws(BuildFailure) {
      names = try choice.pick(chosen: build.settings.releases, started: plan.kept.started)
    } catch {
      // Who names one that there is not has chosen, and is not to be told that he has not.
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
    let end: BuilderRun.End
    do throws(PosixError) {
      (facts, end) = try run.run(choose: pick) { next throws(BuildFailure) in
        step = next
        try build.begin(next)
      }
    } catch { throw .unreadable(error) }
    // What it has left running could change the slug behind our back.
    ProcessTable.endDescendants(of: Program.processID)
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
