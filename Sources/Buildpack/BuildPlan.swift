import Posix

/// A part of a build, in the order in which they come.
public enum BuildStep: String, CaseIterable, Sendable {
  case check, tools, dependencies, compile, release, finish

  /// What it does, for the plan.
  var intent: String {
    switch self {
    case .check: "read Procfile and app.json"
    case .tools: "find elixir and mix, and ask the project for its releases"
    case .dependencies: "mix deps.get --only prod, if mix.exs names any dependencies"
    case .compile: "mix compile"
    case .release: "mix release --overwrite"
    case .finish: "take the cookie out, write the manifest, put the slug in the source's place"
    }
  }
}

/// What will be done to a source tree. Making one changes nothing.
public struct BuildPlan: Hashable, Sendable {
  /// Absolute path, links resolved.
  public let source: String
  public let steps: [BuildStep]
  /// The OTP release that was chosen by name, where one was.
  public let chosenRelease: String?

  /// - Throws: where the folder holds nothing that can be built.
  public init(source: String, chosenRelease: String? = nil) throws(BuildFailure) {
    guard Files.isFolder(source) else { throw .sourceMissing(source) }
    guard Buildpack.detect(source) != nil else {
      let rebar = Buildpack.isFile(source + "/rebar.config")
      throw .unsupported(source: source, other: rebar ? "rebar3 projects" : nil)
    }
    do throws(PosixError) { self.source = try Files.resolve(source) } catch {
      throw .unreadable(error)
    }
    self.chosenRelease = chosenRelease
    steps = BuildStep.allCases
  }

  /// One line a step.
  public var lines: [String] {
    let width = (steps.map(\.rawValue.count).max() ?? 0) + 2
    return steps.map { step in
      let name = step.rawValue + String(repeating: " ", count: width - step.rawValue.count)
      let choice = step == .release ? chosenRelease.map { " (\($0))" } ?? "" : ""
      return name + step.intent + choice
    }
  }
}
