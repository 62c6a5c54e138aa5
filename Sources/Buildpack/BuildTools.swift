import Events
import Posix

/// The Erlang, Elixir and rebar3 of one build, and the folder for their own downloads.
struct BuildTools {
  let toolchain: Toolchain
  /// The absolute path of the folder for downloads. It is in the cache if there is one.
  let folder: String
  private let build: Build
  private let temporary: String

  init(_ build: Build, _ plan: BuildPlan, _ staging: Staging) throws(BuildFailure) {
    (self.build, temporary) = (build, staging.temporary)
    try build.begin(.tools)
    folder = try Self.folder(build, staging)
    let builder = plan.project.builder
    var request = Toolchain.Request(
      config: plan.config, needsElixir: builder == .mix, environment: build.request.environment,
      url: build.settings.toolchainURL, cache: folder + "/toolchains")
    (request.source, request.interrupts) = (plan.project.source, build.interrupts)
    do throws(Cause) {
      toolchain = try Toolchain.resolve(request) { build.output.detail($0) }
    } catch {
      if let signal = error.facts["signal"].flatMap({ Int32($0) }).map(Signal.init(rawValue:)) {
        throw .interrupted(signal: signal)
      }
      throw .cause(Self.cause(error, plan.config))
    }
    build.output.detail(toolchain.erlang.reason)
    if let elixir = toolchain.elixir { build.output.detail(elixir.reason) }
    for tool in builder == .mix ? ["erl", "mix"] : ["erl", "rebar3"] {
      do throws(PosixError) {
        _ = try Invocation([tool], environment: environment().variables).program()
      } catch { throw .toolMissing(tool) }
    }
  }

  /// Adds the versions that the project requires to the cause of a failed download.
  private static func cause(_ cause: Cause, _ config: BuildConfig) -> Cause {
    let wanted = [("Erlang/OTP", config.erlang), ("Elixir", config.elixir)].compactMap { tool in
      tool.1.map { "\($0.place) wants \(tool.0) \($0.text)" }
    }
    guard cause.id == ProblemID.download.rawValue, !wanted.isEmpty else { return cause }
    var cause = cause
    cause.sentence += "; the image does not have it, and \(wanted.joined(separator: " and "))"
    return cause
  }

  /// The environment for tools that work in the source itself or read the slug.
  func environment() -> BuildEnvironment { environment(work: nil, temporary: temporary) }

  /// The environment for the tools that build.
  func environment(_ place: BuildPlace) -> BuildEnvironment {
    var environment = environment(work: place.seen, temporary: place.seen.temporary)
    environment.variables[BuildMark.variable] = place.real.root
    return environment
  }

  private func environment(work: WorkFolder?, temporary: String) -> BuildEnvironment {
    BuildEnvironment(
      inherited: build.request.environment, config: build.configVars.values,
      settings: build.settings,
      programs: toolchain.folders, tools: folder, work: work, temporary: temporary)
  }

  var versions: [String: String] {
    var versions = ["otp": toolchain.erlang.version.description]
    versions["elixir"] = toolchain.elixir?.version.description
    return versions
  }

  func clear() {
    if let scratch = toolchain.scratch { try? Files.remove(scratch) }
  }

  private static func folder(_ build: Build, _ staging: Staging) throws(BuildFailure) -> String {
    let folder = build.request.cache.map { $0 + "/reltui" } ?? staging.tools
    do throws(PosixError) {
      try Files.makeFolder(folder, mode: 0o755)
      try Files.makeFolder(staging.temporary)
      return try Files.resolve(folder)
    } catch { throw .unwritable(error) }
  }
}
