import Disk
import Posix

/// What a build made.
public struct BuiltSlug: Hashable, Sendable {
  /// SHA-256 of the manifest's bytes.
  public var id: String
  public var milliseconds: Int64
}

/// What a platform hands to `bin/compile`.
public struct BuildRequest: Hashable, Sendable {
  /// BUILD_DIR.
  public var source: String
  /// CACHE_DIR, if there is one; what mix installs for itself is kept in its subfolder `reltui`.
  public var cache: String?
  /// ENV_DIR, if there is one: a file per config var.
  public var variables: String?
  /// The platform's own variables.
  public var environment: [String: String]

  public init(
    source: String, cache: String? = nil, variables: String? = nil,
    environment: [String: String]
  ) {
    self.source = source
    self.cache = cache
    self.variables = variables
    self.environment = environment
  }
}

/// One build: source becomes slug in place, or stays what it was.
public struct Build {
  private let request: BuildRequest
  private let config: [String: String]
  private let interrupts: Signals?
  private let output: BuildOutput
  private let record: BuildRecord
  private let start = Clock.monotonic()

  /// Plans and builds. A failure is in the output and in the log when it is thrown.
  /// - Parameters:
  ///   - interrupts: signals that stop the build.
  ///   - write: gets each line of the output.
  public static func run(
    _ request: BuildRequest, interrupts: Signals? = nil, write: @escaping (String) -> Void
  ) throws(BuildFailure) -> BuiltSlug {
    var config: [String: String] = [:]
    var refusal: BuildFailure?
    var travels = false
    do throws(BuildFailure) {
      config = try BuildEnvironment.readConfig(request.variables)
      travels = try BuildEnvironment.recordTravels(config)
    } catch { refusal = error }
    let record = BuildRecord(environment: request.environment, config: config, travels: travels)
    let build = Build(
      request: request, config: config, interrupts: interrupts,
      output: BuildOutput(mask: record.mask, write: write), record: record)
    return try build.run(refused: refusal)
  }

  private func run(refused: BuildFailure?) throws(BuildFailure) -> BuiltSlug {
    do throws(BuildFailure) {
      try record.started()
      if let refused { throw refused }
      let slug = try build()
      try record.finished(slug)
      output.step("Slug \(slug.id.prefix(12)) built in \(Self.seconds(slug.milliseconds))")
      return slug
    } catch {
      record.failed(error, milliseconds: milliseconds)
      output.problem(error.cause)
      throw error
    }
  }

  /// So far.
  private var milliseconds: Int64 { Clock.monotonic() - start }

  private func build() throws(BuildFailure) -> BuiltSlug {
    let name = config["RELEASE_NAME"].flatMap { $0.isEmpty ? nil : $0 }
    let plan = try BuildPlan(source: request.source, chosenRelease: name)
    output.step("Building an OTP release with mix")
    for line in plan.lines { output.detail(line) }
    try begin(.check)
    let kept = try KeptFiles(source: plan.source)
    let staging = try Staging(source: plan.source)
    let slug: BuiltSlug
    do throws(BuildFailure) { slug = try build(plan, staging, kept) } catch {
      staging.restore()
      throw error
    }
    do throws(PosixError) { try staging.clear() } catch { throw .unwritable(error) }
    return slug
  }

  private func build(_ plan: BuildPlan, _ staging: Staging, _ kept: KeptFiles)
    throws(BuildFailure) -> BuiltSlug
  {
    let tools = try runMix(plan, staging)
    try begin(.finish)
    let manifest = try SlugFinish.finish(staging.slug, kept, tools: tools)
    describe(manifest)
    if let signal = interrupts?.next() { throw .interrupted(signal: signal) }
    let slug = BuiltSlug(
      id: Hex.encode(SHA256.digest(manifest.bytes)), milliseconds: milliseconds)
    try record.carry(slug, in: staging.slug)
    do throws(PosixError) { try staging.exchange() } catch { throw .unwritable(error) }
    return slug
  }

  /// - Returns: versions by tool, for the manifest.
  private func runMix(_ plan: BuildPlan, _ staging: Staging) throws(BuildFailure)
    -> [String: String]
  {
    let environment = BuildEnvironment(
      inherited: request.environment, config: config, tools: try toolFolder(staging),
      build: staging.build)
    try requireTools(environment)
    let mix = MixBuild(plan: plan, target: staging.relativeSlug)
    try begin(.tools)
    var step = BuildStep.tools
    var tools: [String: String] = [:]
    var failure: BuildFailure?
    let ending: Tool.Ending
    do throws(PosixError) {
      let tool = Tool(invocation: mix.invocation(environment), interrupts: interrupts)
      ending = try tool.run { line in
        switch mix.report(line) {
        case .tools(let elixir, let otp):
          tools = ["elixir": elixir, "otp": otp]
          output.detail("Elixir \(elixir) on OTP \(otp)")
        case .step(let next):
          step = next
          do throws(BuildFailure) { try begin(next) } catch { failure = failure ?? error }
        case .refused(let refusal): failure = refusal
        case nil: output.detail(line)
        }
      }
    } catch { throw .unreadable(error) }
    if case .interrupted(let signal) = ending { throw .interrupted(signal: signal) }
    if let failure { throw failure }
    if case .exit(let exit) = ending, exit != .code(0) {
      if let full = Cause(ifDiskIsFull: plan.source) { throw .diskFull(full) }
      throw MixBuild.failure(in: step, exit)
    }
    return tools
  }

  private func requireTools(_ environment: BuildEnvironment) throws(BuildFailure) {
    for tool in ["elixir", "mix"] {
      do throws(PosixError) {
        _ = try Invocation([tool], environment: environment.variables).program()
      } catch { throw .toolMissing(tool) }
    }
  }

  private func toolFolder(_ staging: Staging) throws(BuildFailure) -> String {
    let folder = request.cache.map { $0 + "/reltui" } ?? staging.tools
    do throws(PosixError) {
      try Files.makeFolder(folder, mode: 0o755)
      return try Files.resolve(folder)
    } catch { throw .unwritable(error) }
  }

  private func begin(_ step: BuildStep) throws(BuildFailure) {
    switch step {
    case .check: output.step("Checking Procfile and app.json")
    case .tools: output.step("Asking the project")
    case .dependencies: output.step("Fetching dependencies")
    case .compile: output.step("Compiling")
    case .release: output.step("Assembling the release")
    case .finish: output.step("Finishing the slug")
    }
    try record.step(step)
  }

  private func describe(_ manifest: Manifest) {
    for release in manifest.otpReleases {
      output.detail(
        "\(release.name) \(release.version): \(release.applications.count) applications, "
          + "ERTS \(release.ertsVersion)")
    }
    let files = manifest.files.filter { $0.kind == .file }
    let bytes = files.reduce(0) { $0 + ($1.size ?? 0) }
    output.detail("\(files.count) files, \(Self.decimal(bytes, per: 1_000_000)) MB")
    for entry in manifest.processes { output.detail("\(entry.process): \(entry.command)") }
  }

  private static func seconds(_ milliseconds: Int64) -> String {
    decimal(Int(milliseconds), per: 1000) + " s"
  }

  /// One digit behind the point.
  private static func decimal(_ number: Int, per unit: Int) -> String {
    "\(number / unit).\(number % unit * 10 / unit)"
  }
}
