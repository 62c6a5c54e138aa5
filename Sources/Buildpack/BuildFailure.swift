import Events
import Posix

/// A failure of a build. The cases hold facts, from which this type makes the id, the sentence and the remedy.
public enum BuildFailure: Error, Hashable, Sendable {
  case sourceMissing(String)
  /// There is no project in the folder, or in the chosen subfolder.
  case unsupported(source: String, chosen: String?)
  case severalProjects([String])
  case toolMissing(String)
  case config(String, allowed: String)
  /// A failure whose cause another part of the build has already described.
  case cause(Cause)
  /// A file for the slug is a link that leads out of the source.
  case outside(path: String)
  /// The source could not be restored after a failed exchange. The folder still holds a part of it.
  case halfway(String, PosixError)
  /// One of the platform's folders lies in another of them.
  case inside(String, String)
  case busy(String)
  case unreadable(PosixError)
  case unwritable(PosixError)
  case project(ToolFailure)
  case packageTools(ToolFailure)
  case dependencies(ToolFailure)
  case lockOutdated(file: String)
  case compile(ToolFailure)
  case assets(ToolFailure)
  case release(ToolFailure)
  case tests(ToolFailure)
  case hook(String, status: String, ToolFailure)
  case network(BuildStep, ToolFailure)
  case memory(BuildStep, ToolFailure)
  case timeLimit(BuildStep, spent: Int64, limit: Int64)
  /// An umbrella, or a project of rebar3, that declares no release.
  case releaseMissing(Project.Builder)
  case releaseAmbiguous(names: [String])
  case releaseUnknown(String, names: [String])
  /// A process type starts a program that the slug does not have.
  case process(ProcessFault)
  case secret([SlugFinding])
  case interrupted(signal: Signal)

  public var cause: Cause {
    switch self {
    case .cause(let cause): cause
    case .unreadable(let error), .unwritable(let error), .halfway(_, let error):
      error.isDiskFull ? Cause(error) : Cause(id, sentence, remedy: remedy)
    case .secret(let findings):
      Cause(
        id, sentence, remedy: remedy,
        evidence: findings.dropFirst().prefix(20).map {
          Cause.Evidence(kind: "file", place: "also", text: $0.sentence)
        })
    default: Cause(id, sentence, remedy: remedy, evidence: end.map { $1.evidence(of: $0) } ?? [])
    }
  }

  /// The failure that a tool's exit and output mean in the current step.
  init(_ step: BuildStep, _ end: ToolFailure) {
    self =
      if end.wasKilled {
        .memory(step, end)
      } else if end.lacksPackageTools {
        .packageTools(end)
      } else if end.lacksNetwork, step == .dependencies || step == .assets {
        .network(step, end)
      } else {
        switch step {
        case .check, .tools: .project(end)
        case .dependencies: .dependencies(end)
        case .compile: end.builder == .rebar3 && !end.isOfCompiler ? .release(end) : .compile(end)
        case .assets: .assets(end)
        case .release, .finish, .bootCheck: .release(end)
        case .test: .tests(end)
        }
      }
  }

  static func reading<R>(_ call: @autoclosure () throws(PosixError) -> R) throws(BuildFailure) -> R
  {
    do throws(PosixError) { return try call() } catch { throw .unreadable(error) }
  }

  static func writing<R>(_ call: @autoclosure () throws(PosixError) -> R) throws(BuildFailure) -> R
  {
    do throws(PosixError) { return try call() } catch { throw .unwritable(error) }
  }

  static func explained<R>(_ call: @autoclosure () throws(Cause) -> R) throws(BuildFailure) -> R {
    do throws(Cause) { return try call() } catch { throw .cause(error) }
  }

  /// Adds the last lines of output to the failure of a hook. They are known only after the builder has ended.
  func with(_ end: ToolFailure) -> BuildFailure {
    if case .hook(let name, let status, _) = self { .hook(name, status: status, end) } else { self }
  }

  private var end: (BuildStep, ToolFailure)? {
    switch self {
    case .project(let end): (.tools, end)
    case .packageTools(let end), .dependencies(let end): (.dependencies, end)
    case .compile(let end), .hook(_, _, let end): (.compile, end)
    case .assets(let end): (.assets, end)
    case .release(let end): (.release, end)
    case .tests(let end): (.test, end)
    case .network(let step, let end), .memory(let step, let end): (step, end)
    default: nil
    }
  }

  private var id: ProblemID {
    switch self {
    case .sourceMissing: .sourceMissing
    case .unsupported, .severalProjects: .sourceUnknown
    case .toolMissing: .toolMissing
    case .config: .buildConfig
    case .outside: .slugContent
    case .halfway: .buildUnwritable
    case .inside: .buildConfig
    case .busy: .buildBusy
    case .unreadable: .system
    case .unwritable: .buildUnwritable
    case .project: .project
    case .packageTools: .packageTools
    case .dependencies: .dependencies
    case .lockOutdated: .lockOutdated
    case .compile: .compile
    case .assets: .assets
    case .release: .releaseStep
    case .tests: .tests
    case .hook: .hook
    case .network: .network
    case .memory: .memory
    case .timeLimit: .timeLimit
    case .releaseAmbiguous, .releaseMissing: .releaseAmbiguous
    case .releaseUnknown: .releaseChoice
    case .process: .processCommand
    case .secret: .secretInSlug
    case .interrupted: .buildInterrupted
    case .cause: .system
    }
  }

  private var sentence: String {
    switch self {
    case .sourceMissing(let path): "there is no folder '\(path)'"
    case .unsupported(_, let chosen?):
      "RELPACK_FOLDER names '\(chosen)', where the source has neither mix.exs nor rebar.config"
    case .unsupported(let source, nil): "'\(source)' has neither mix.exs nor rebar.config"
    case .severalProjects(let places):
      "several folders hold projects and none is chosen: \(places.joined(separator: ", "))"
    case .toolMissing(let tool): "'\(tool)' is not installed"
    case .config(let name, _): "the config var \(name) has a value that is not allowed"
    case .outside(let path): "'\(path)' is a link that leads out of the source"
    case .halfway(let folder, let error):
      "\(error); a part of the source lies in '\(folder)/old'"
    case .inside(let one, let other): "\(one) lies in \(other), which becomes the slug"
    case .busy(let source): "another build is at work in '\(source)'"
    case .unreadable(let error), .unwritable(let error): "\(error)"
    case .project(let end): Self.told("the project cannot be read", end)
    case .packageTools(let end): Self.told("Hex or Rebar could not be installed", end)
    case .dependencies(let end): Self.told("the dependencies could not be fetched", end)
    case .lockOutdated(let file):
      "'\(file)' does not fit the dependencies in \(file == "rebar.lock" ? "rebar.config" : "mix.exs")"
    case .compile(let end): Self.told("the application does not compile", end)
    case .assets(let end): Self.told("the assets could not be built", end)
    case .release(let end): Self.told("the release could not be assembled", end)
    case .tests(let end): "the tests failed\(Self.ending(end.exit))"
    case .hook(let name, let status, _): "the hook \(name) ended with exit code \(status)"
    case .network(let step, let end):
      Self.told("the step '\(step.rawValue)' needs a network that it cannot reach", end)
    case .memory(let step, let end):
      "the step '\(step.rawValue)' was killed\(Self.ending(end.exit)), most likely because memory ran out"
    case .timeLimit(let step, let spent, let limit):
      "the platform's \(limit / 60_000) minutes are nearly over; the step '\(step.rawValue)' took "
        + "\(Age.seconds(spent)) of them"
    case .releaseMissing(.mix): "the umbrella project declares no release"
    case .releaseMissing(.rebar3): "rebar.config declares no release"
    case .releaseAmbiguous(let names):
      "the project has several releases and none is chosen: \(names.joined(separator: ", "))"
    case .releaseUnknown(let name, let names):
      "the project has no release '\(name)'; it has \(names.joined(separator: ", "))"
    case .process(let fault): fault.sentence
    case .secret(let findings): findings.first?.sentence ?? ""
    case .interrupted(let signal): "the build was stopped by signal \(signal)"
    case .cause(let cause): cause.sentence
    }
  }

  private var remedy: String? {
    switch self {
    case .sourceMissing: "Name the folder that holds mix.exs or rebar.config."
    case .unsupported: "Name a folder with a mix.exs or rebar.config at its top."
    case .severalProjects(let places):
      "Set the config var, as in: RELPACK_FOLDER=\(places.first ?? "FOLDER")"
    case .toolMissing(let tool): "Build on an image that has \(tool) in its PATH."
    case .config(let name, let allowed): "Remove \(name), or set it to: \(allowed)"
    case .halfway:
      "Remove the file that is in the way, and build again: the build restores the source."
    case .inside(let one, _): "Choose a folder for \(one) outside of it."
    case .busy: "Wait until it has ended, or end it."
    case .outside: "Put the file itself there."
    case .unwritable: "Give the build's user write access to the folder."
    case .project(let end): Self.first("mix help", "tree", end)
    case .packageTools(let end):
      "Build where the registry is reachable, or on an image that has "
        + (end.builder == .mix ? "Hex." : "rebar3's plugins.")
    case .dependencies(let end):
      Self.first("mix deps.get --only \(end.environment)", "get-deps", end)
    case .lockOutdated("rebar.lock"): "Run rebar3 get-deps and commit rebar.lock."
    case .lockOutdated(let file): "Run mix deps.get and commit \(file)."
    case .compile(let end): Self.first("mix compile", "compile", end)
    case .assets(let end):
      "Make this work first: MIX_ENV=\(end.environment) mix assets.deploy, or npm's scripts where it has none"
    case .release(let end): Self.first("mix release --overwrite", "release", end)
    case .tests(let end):
      "Make this work first: \(end.builder == .mix ? "mix test" : "rebar3 eunit")"
    case .hook(let name, _, _): "See \(name) in elixir_buildpack.config; it is run by bash -c."
    case .network: "Try again, or commit the fetched files (deps/, node_modules/)."
    case .memory: "Build with more memory, or with fewer compilers at once: ERL_FLAGS=+S 1"
    case .timeLimit: "Build again: the cache may save time. Or set RELPACK_TIME_LIMIT."
    case .releaseMissing(.mix):
      "Add one in mix.exs, as in: releases: [NAME: [applications: [APP: :permanent]]]"
    case .releaseMissing(.rebar3):
      "Add one in rebar.config, as in: {relx, [{release, {NAME, \"0.1.0\"}, [APP]}]}."
    case .releaseAmbiguous(let names):
      "Set the config var, as in: RELPACK_RELEASES=\(names.first ?? "NAME") (all builds all)"
    case .releaseUnknown: "Set the config var RELPACK_RELEASES to one of them, or to: all"
    case .process(let fault): fault.remedy
    case .secret(let findings): findings.first?.remedy
    case .interrupted: "Build again; the source is unchanged."
    case .unreadable, .cause: nil
    }
  }

  private static func first(_ mix: String, _ rebar3: String, _ end: ToolFailure) -> String {
    "Make this work first: "
      + (end.builder == .mix
        ? "MIX_ENV=\(end.environment) \(mix)" : "rebar3 as \(end.profile) \(rebar3)")
  }

  private static func told(_ what: String, _ end: ToolFailure) -> String {
    guard let telling = end.telling else { return what + ending(end.exit) }
    let plain = telling.hasPrefix("** (Mix) ") ? telling.dropFirst(9) : telling[...]
    return "\(what)\(ending(end.exit)): \(plain.prefix(300))"
  }

  /// Empty for exit code 1, which the tool's own output explains.
  private static func ending(_ exit: Exit) -> String {
    switch exit {
    case .code(1): ""
    // A shell, and the program that mounts the build's folder, report a signal in this way.
    case .code(let code) where (129...192).contains(code):
      ending(.signal(Signal(rawValue: code - 128)))
    case .code(let code): " (exit code \(code))"
    case .signal(let signal): " (ended by signal \(signal))"
    }
  }

  /// The exit code of `bin/compile`: 1, or 128 plus the signal's number.
  public var exitCode: Int32 {
    if case .interrupted(let signal) = self { signal.exitCode } else { ExitCode.failed }
  }
}
