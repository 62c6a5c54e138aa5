import Events
import Posix
import ReleaseModel
import SlugStore

public struct BuiltSlug: Hashable, Sendable {
  /// SHA-256 of the manifest's bytes.
  public var id: String
  public var milliseconds: Int64
}

/// The arguments that a platform gives to `bin/compile`.
public struct BuildRequest: Hashable, Sendable {
  /// BUILD_DIR.
  public var source: String
  /// CACHE_DIR, if there is one. The build uses only its subfolder `reltui`.
  public var cache: String?
  /// ENV_DIR, if there is one: a file for each config var.
  public var variables: String?
  /// The platform's own variables.
  public var environment: [String: String]

  public init(
    source: String, cache: String? = nil, variables: String? = nil,
    environment: [String: String]
  ) {
    (self.source, self.cache, self.variables) = (source, cache, variables)
    self.environment = environment
  }
}

/// One build. It replaces the source with the slug; if it fails, the source stays unchanged.
public struct Build {
  let request: BuildRequest
  let goal: BuildPlan.Goal
  let configVars: ConfigFolder
  let settings: BuildSettings
  let interrupts: Signals?
  let output: BuildOutput
  let record: BuildRecord
  private let start: Int64

  /// Plans a build and performs it. A failure is printed and recorded before it is thrown.
  public static func run(
    _ request: BuildRequest, interrupts: Signals? = nil, write: @escaping (String) -> Void
  ) throws(BuildFailure) -> BuiltSlug {
    try perform(request, interrupts, write) { build throws(BuildFailure) in
      let slug = try build.build()
      try build.record.finished(slug)
      build.output.step(
        "Slug \(slug.id.prefix(12)) built in \(Age.seconds(slug.milliseconds))")
      return slug
    }
  }

  /// Reads the settings, does the work, and reports a failure in the output, in the log and for `bin/report`.
  static func perform<Made>(
    _ request: BuildRequest, _ interrupts: Signals?, _ write: @escaping (String) -> Void,
    goal: BuildPlan.Goal = .slug, _ work: (Build) throws(BuildFailure) -> Made
  ) throws(BuildFailure) -> Made {
    let start = Clock.monotonic()
    try? Child.becomeSubreaper()
    var configVars = ConfigFolder()
    var refusal: BuildFailure?
    var travels = false
    let isSlug = goal == .slug
    do throws(BuildFailure) {
      configVars = try ConfigFolder(request.variables)
      configVars.takeKey(from: request.environment)
      travels = try BuildSettings.recordTravels(configVars.steering(request.environment)) && isSlug
    } catch { refusal = error }
    let record = BuildRecord(
      environment: request.environment, config: configVars.values, isRecorded: isSlug,
      travels: travels)
    let output = BuildOutput(mask: record.mask, write: write)
    do throws(BuildFailure) {
      try record.started()
      if let refusal { throw refusal }
      let settings = try BuildSettings(
        config: configVars.steering(request.environment),
        stack: request.environment["STACK"],
        usualEnvironment: isSlug ? "prod" : "test")
      return try work(
        Build(
          request: request, goal: goal, configVars: configVars, settings: settings,
          interrupts: interrupts, output: output, record: record, start: start))
    } catch {
      record.failed(error, milliseconds: Clock.monotonic() - start)
      output.problem(error.cause)
      BuildReport.keep(error, in: request.source, mask: record.mask)
      throw error
    }
  }

  private var milliseconds: Int64 { Clock.monotonic() - start }

  /// When the build gives up, on the monotonic clock: early enough to report which step took longest.
  var deadline: Int64? { settings.timeLimit.map { start + $0 - min(30_000, $0 / 10) } }

  private func build() throws(BuildFailure) -> BuiltSlug {
    let source = try source()
    try checkFolders(source)
    let staging = try Staging(source)
    do throws(BuildFailure) {
      let plan = try plan()
      for line in plan.lines { output.detail(line) }
      let slug = try build(plan, staging)
      // The slug is in place, so source files that cannot be removed do not make the build fail.
      do throws(PosixError) { try staging.clear() } catch {
        output.warn("\(error): a part of the source is left in \(staging.name)")
      }
      // The exchange has changed the folder's modification time, which an archive of the slug contains.
      try? Files.setModified(staging.source, SlugTimes.start)
      return slug
    } catch {
      try? staging.clear()
      throw error
    }
  }

  private func source() throws(BuildFailure) -> String {
    guard Files.isFolder(request.source) else { throw .sourceMissing(request.source) }
    let source = try BuildFailure.reading(Files.resolve(request.source))
    // A name that is not UTF-8 cannot be moved. Fail now, not when everything is built.
    _ = try BuildFailure.reading(Files.list(source))
    return source
  }

  /// The other folders may not lie in BUILD_DIR, whose files are replaced.
  private func checkFolders(_ source: String) throws(BuildFailure) {
    for (name, folder) in [("CACHE_DIR", request.cache), ("ENV_DIR", request.variables)] {
      guard let folder, let real = try? Files.resolve(folder) else { continue }
      if (real + "/").hasPrefix(source + "/") { throw .inside(name, "BUILD_DIR") }
    }
  }

  /// Makes the plan, gives its steps to the record and prints its warnings.
  func plan() throws(BuildFailure) -> BuildPlan {
    try begin(.check)
    let plan = try BuildPlan(source: request.source, settings: settings, goal: goal)
    record.planned = plan.steps.map(\.step)
    let warnings = configVars.warnings + BuildSettings.warnings(configVars.values)
    for warning in warnings + plan.config.warnings { output.warn(warning) }
    if !plan.project.place.isEmpty { output.detail("The project is in \(plan.project.place)") }
    return plan
  }

  private func build(_ plan: BuildPlan, _ staging: Staging) throws(BuildFailure) -> BuiltSlug {
    let tools = try BuildTools(self, plan, staging)
    defer { tools.clear() }
    let inputs = try BuildInputs(self, plan, tools)
    let place = try BuildPlace(self, hidden: staging.folder)
    defer { place.clear() }
    let cache = BuildCache(
      folder: request.cache.map { _ in tools.folder },
      isOff: !settings.usesCache || plan.config.alwaysRebuild)
    let reuse = try cache.restore(inputs.wanted(in: place, slug: staging.slug)) {
      () throws(BuildFailure) in
      do throws(PosixError) { try place.unpack(plan.project.source) } catch {
        throw error.action == "read" ? .unreadable(error) : .unwritable(error)
      }
    }
    output.detail(reuse.line)
    let manifest: Manifest
    if case .slug = reuse {
      manifest = try lastManifest(staging)
      describe(manifest)
      if plan.has(.bootCheck) { try BootCheck.perform(self, manifest, staging) }
    } else {
      manifest = try make(plan, place, staging, tools, inputs, cache)
    }
    try stopIfAsked()
    let slug = BuiltSlug(
      id: Hex.encode(SHA256.digest(manifest.bytes)), milliseconds: milliseconds)
    try record.carry(slug, in: staging.slug)
    do throws(PosixError) {
      try Files.replace(
        staging.slug + "/" + Provenance.path, with: provenance(place).bytes, mode: 0o644)
      try SlugTimes.set(staging.slug, manifest)
    } catch { throw .unwritable(error) }
    try staging.exchange()
    return slug
  }

  private func make(
    _ plan: BuildPlan, _ place: BuildPlace, _ staging: Staging, _ tools: BuildTools,
    _ inputs: BuildInputs, _ cache: BuildCache
  ) throws(BuildFailure) -> Manifest {
    if case .own(let reason) = place.kind {
      output.warn(
        "\(reason), so this build has a folder of its own and its slug may have another id")
    }
    let facts = try ReleaseMaker(build: self, plan: plan, tools: tools).release(
      in: place, inputs.key)
    try begin(.finish)
    let finished = try SlugAssembly(
      build: self, plan: plan, place: place, staging: staging, tools: tools, facts: facts,
      inputs: inputs
    ).run()
    let made = inputs.made(in: place, facts, slug: finished.isSound ? place.real.slug : nil)
    if let warning = cache.store(made) { output.warn(warning) }
    try BuildFailure.writing(FileTree.move(place.real.slug, to: staging.slug))
    return finished.manifest
  }

  private func lastManifest(_ staging: Staging) throws(BuildFailure) -> Manifest {
    let bytes = try BuildFailure.reading(
      Files.read(staging.slug + "/" + Manifest.path, limit: 64 << 20))
    return try BuildFailure.explained(Manifest(bytes: bytes))
  }

  /// Only facts that are the same wherever the slug is built.
  private func provenance(_ place: BuildPlace) -> Provenance {
    let commit = request.environment["SOURCE_VERSION"].flatMap { $0.isEmpty ? nil : $0 }
    return Provenance(
      time: nil, by: nil, folder: nil, commit: commit.map { output.mask($0) }, line: nil,
      place: place.seen.root)
  }

  /// Prints the first findings of each kind, how many more there are, and the remedy.
  func tell(_ findings: [SlugFinding]) {
    let kinds = Dictionary(grouping: findings) { $0.remedy ?? "" }
    for (remedy, alike) in kinds.sorted(by: { $0.key < $1.key }) {
      for finding in alike.prefix(3) { output.warn(finding.sentence) }
      if alike.count > 3 { output.warn("and \(alike.count - 3) more findings of this kind") }
      if !remedy.isEmpty { output.warn(remedy) }
    }
  }

  func stopIfAsked() throws(BuildFailure) {
    if let signal = interrupts?.next() { throw .interrupted(signal: signal) }
  }

  func wait(milliseconds: Int64) throws(BuildFailure) {
    _ = try BuildFailure.reading(
      Poll.wait([interrupts?.file.descriptor].compactMap { $0 }, milliseconds: milliseconds))
    try stopIfAsked()
    if let deadline, Clock.monotonic() >= deadline { throw timeIsOver() }
  }

  func timeIsOver() -> BuildFailure {
    let longest = record.durations.max { $0.milliseconds < $1.milliseconds }
    return .timeLimit(
      longest?.step ?? .check, spent: longest?.milliseconds ?? 0, limit: settings.timeLimit ?? 0)
  }

  /// Announces and records a step of the plan. Does nothing if this step or a later one has already begun: rebar3, for
  /// example, fetches between two compilations.
  func begin(_ step: BuildStep) throws(BuildFailure) {
    guard record.isNext(step) else { return }
    output.step(step.title)
    try record.step(step)
  }

  func describe(_ manifest: Manifest) {
    for release in manifest.otpReleases {
      output.detail(
        "\(release.name) \(release.version): \(release.applications.count) applications, "
          + "ERTS \(release.ertsVersion)")
    }
    let files = manifest.files.filter { $0.kind == .file }
    let bytes = files.reduce(0) { $0 + ($1.size ?? 0) }
    output.detail("\(files.count) files, \(BuildOutput.decimal(bytes, per: 1_000_000)) MB")
    for entry in manifest.processes { output.detail("\(entry.process): \(entry.command)") }
    for need in missingVariables(manifest) { output.warn(need) }
  }

  /// One line for each variable that run-time configuration requires and that is not among the config vars. A build by
  /// relctl has no such lines, because relctl does not know the app's config vars.
  private func missingVariables(_ manifest: Manifest) -> [String] {
    guard request.variables != nil, request.environment["RELPACK_BUILD"] == nil else { return [] }
    return manifest.unsetVariables(besides: Set(configVars.values.keys)).map(\.unset)
  }
}
