import Posix
import ReleaseModel

/// The steps of a build that mix performs, in one process that runs the task in `Tasks/build.exs`.
struct MixBuild {
  /// With the paths that mix sees.
  let project: Project
  /// In the order of the plan. If `release` is not among them, the task prepares for tests.
  let steps: [BuildStep]
  let target: String
  /// Commands for `bash -c`, by the name of the hook.
  let hooks: [String: String]
  let npmFolders: [String]
  /// The first word of each report. It is random, so that no output of a tool is taken for a report.
  let mark = "relpack-" + Random.hex(8)

  /// The command, to be run in the project's folder.
  var words: [String] {
    let texts = [PackageResources.steady_exs, PackageResources.build_exs].map {
      String(decoding: $0, as: UTF8.self)
    }
    var words =
      ["elixir"] + texts.flatMap { ["-e", $0] } + [
        "-S", "mix", "reltui.build", mark, "--target", target,
      ]
    words += steps.map { "--step=\($0.rawValue)" }
    words += hooks.sorted { $0.key < $1.key }.map { "--hook=\($0.key)=\($0.value)" }
    return words + npmFolders.map { "--npm=\($0)" }
  }

  func report(_ line: String) -> BuilderReport? {
    let parts = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    guard parts.count > 1, parts[0] == mark else { return nil }
    let rest = Array(parts.dropFirst(2))
    switch (parts[1], rest.count) {
    case ("step", 1): return BuildStep(rawValue: rest[0]).map(BuilderReport.step)
    case ("releases", 2...):
      return .releases(
        ReleaseChoice(
          declared: Array(rest.dropFirst(2)), implicit: rest[1].isEmpty ? nil : rest[1],
          usual: rest[0].isEmpty ? nil : rest[0]))
    case ("near", 2):
      return rest[1].hasPrefix(project.source + "/")
        ? .own(rest[0], licenses: []) : .outside(rest[0])
    case ("own", 1...): return .own(rest[0], licenses: Array(rest.dropFirst()))
    case ("variable", 4): return variable(rest)
    case ("misuse", 3):
      return .baked(rest[0], Self.misuse(rest[0], file: place(rest[1]), line: rest[2]))
    case ("unlocked", 0): return .unlocked
    case ("lock", 1): return .refused(.lockOutdated(file: rest[0]))
    case ("missing", 1): return .refused(.toolMissing(rest[0]))
    case ("hook", 1): return .hook(rest[0])
    case ("failed", 2):
      return .refused(.hook(rest[0], status: rest[1], ToolFailure(exit: .code(1), lines: [])))
    case ("done", 0): return .done
    default: return nil
    }
  }

  private func variable(_ words: [String]) -> BuilderReport? {
    guard let need = Manifest.Variable.Need(rawValue: words[1]), let line = Int(words[3]) else {
      return nil
    }
    return .variable(
      Manifest.Variable(name: words[0], need: need, file: place(words[2]), line: line))
  }

  /// Relative to the source.
  private func place(_ file: String) -> String {
    project.place.isEmpty ? file : project.place + "/" + file
  }

  private static func misuse(_ name: String, file: String, line: String) -> String {
    "\(file):\(line) reads \(name) when the app is compiled; its value is baked in. "
      + "Read it in config/runtime.exs"
  }
}
