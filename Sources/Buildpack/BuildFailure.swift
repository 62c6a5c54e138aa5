import Disk
import Posix

/// Every way in which a build fails. Facts are in the cases; sentences, ids and remedies are made here.
public enum BuildFailure: Error, Hashable, Sendable {
  case sourceMissing(String)
  /// The folder has no `mix.exs`; `other` is what else it holds.
  case unsupported(source: String, other: String?)
  case umbrella
  case toolMissing(String)
  /// A config var that steers the build has another value than the allowed one.
  case config(String, allowed: String)
  /// A file that the platform or the developer wrote cannot be used.
  case file(Cause)
  /// A kept file is a link that leads out of the source.
  case outside(path: String)
  case unreadable(PosixError)
  case unwritable(PosixError)
  case project(Exit)
  case dependencies(Exit)
  case compile(Exit)
  case release(Exit)
  case releaseAmbiguous(names: [String])
  case releaseUnknown(String, names: [String])
  /// What `mix release` left is not a release that can be described.
  case slug(Cause)
  case record(Cause)
  /// What a tool failed at.
  case diskFull(Cause)
  case interrupted(signal: Int32)

  public var cause: Cause {
    switch self {
    case .file(let cause), .slug(let cause), .record(let cause), .diskFull(let cause): cause
    case .unreadable(let error), .unwritable(let error):
      error.isDiskFull ? Cause(error) : Cause(id, sentence, remedy: remedy)
    default: Cause(id, sentence, remedy: remedy)
    }
  }

  private var id: ProblemID {
    switch self {
    case .sourceMissing: .sourceMissing
    case .unsupported, .umbrella: .sourceUnknown
    case .toolMissing: .toolMissing
    case .config: .buildConfig
    case .outside: .slugContent
    case .unreadable: .system
    case .unwritable: .buildUnwritable
    case .project: .project
    case .dependencies: .dependencies
    case .compile: .compile
    case .release: .releaseStep
    case .releaseAmbiguous: .releaseAmbiguous
    case .releaseUnknown: .releaseChoice
    case .interrupted: .buildInterrupted
    case .file, .slug, .record, .diskFull: .system
    }
  }

  private var sentence: String {
    switch self {
    case .sourceMissing(let path): "there is no folder '\(path)'"
    case .unsupported(_, let other?): "this version does not build \(other)"
    case .unsupported(let source, nil): "'\(source)' has no mix.exs"
    case .umbrella: "the mix.exs is that of an umbrella project, which this version does not build"
    case .toolMissing(let tool): "'\(tool)' is not installed"
    case .config(let name, _): "the config var \(name) has a value that it cannot have"
    case .outside(let path): "'\(path)' is a link that leads out of the source"
    case .unreadable(let error), .unwritable(let error): "\(error)"
    case .project(let exit): "mix cannot read the project\(Self.ending(exit))"
    case .dependencies(let exit): "the dependencies could not be fetched\(Self.ending(exit))"
    case .compile(let exit): "the application does not compile\(Self.ending(exit))"
    case .release(let exit): "mix release failed\(Self.ending(exit))"
    case .releaseAmbiguous(let names):
      "the project has several releases and none is chosen: \(names.joined(separator: ", "))"
    case .releaseUnknown(let name, let names):
      "the project has no release '\(name)'; it has \(names.joined(separator: ", "))"
    case .interrupted(let signal): "the build was stopped by signal \(signal)"
    case .file(let cause), .slug(let cause), .record(let cause), .diskFull(let cause):
      cause.sentence
    }
  }

  private var remedy: String? {
    switch self {
    case .sourceMissing: "Name the folder that holds mix.exs."
    case .unsupported, .umbrella: "Supported are plain mix projects: one mix.exs at the top."
    case .toolMissing: "Build on an image with Erlang/OTP and Elixir in its PATH."
    case .config(let name, let allowed): "Remove \(name), or set it to: \(allowed)"
    case .outside: "Put the file itself there."
    case .unwritable: "Give the build's user a folder that it may change."
    case .project: "Make this work first: MIX_ENV=prod mix help"
    case .dependencies: "Make this work first: mix deps.get --only prod"
    case .compile: "Make this work first: MIX_ENV=prod mix compile"
    case .release: "Make this work first: MIX_ENV=prod mix release --overwrite"
    case .releaseAmbiguous, .releaseUnknown:
      "Set the config var RELEASE_NAME, or :default_release in mix.exs."
    case .interrupted: "Build again; what the build had added at the top of the source is gone."
    case .unreadable, .file, .slug, .record, .diskFull: nil
    }
  }

  /// Exit code 1 is what the tool's own lines have just explained.
  private static func ending(_ exit: Exit) -> String {
    switch exit {
    case .code(1): ""
    case .code(let code): " (exit code \(code))"
    case .signal(let signal): " (ended by signal \(signal))"
    }
  }

  /// What `bin/compile` ends with: 1, or as a shell has it after a signal.
  public var exitCode: Int32 {
    if case .interrupted(let signal) = self { 128 + signal } else { ExitCode.failed }
  }
}
