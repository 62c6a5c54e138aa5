import Events
import ReleaseModel

/// A process type that no slug of the project can start, with a line to write instead.
public struct ProcessFault: Hashable, Sendable {
  public var sentence: String
  public var remedy: String

  private static let buildTools: Set<String> = ["mix", "elixir", "iex", "rebar3"]
  /// Commands of a release's own program.
  private static let verbs: Set<String> = [
    "start", "start_iex", "daemon", "daemon_iex", "eval", "rpc", "remote", "foreground", "console",
  ]

  /// The first process type that starts a tool of the build.
  /// - Parameters:
  ///   - release: the OTP release for the line to write instead.
  ///   - has: whether the release has a program `bin/NAME` of its own.
  static func tool(
    in entries: [Procfile.Entry], release: String, builder: Project.Builder, has: (String) -> Bool
  ) -> ProcessFault? {
    for entry in entries {
      for command in ProcessCommand.all(in: entry.command)
      where buildTools.contains(command.program) {
        return ProcessFault(
          sentence: "Procfile: \(entry.process) starts '\(command.program)', which no slug has",
          remedy: "Write instead: \(entry.process): "
            + instead(of: command, entry.process, release, builder, has))
      }
    }
    return nil
  }

  /// The command of a release that does the same as the build tool's command.
  private static func instead(
    of command: ProcessCommand, _ process: String, _ release: String, _ builder: Project.Builder,
    _ has: (String) -> Bool
  ) -> String {
    let program = "bin/" + release
    let migrates = command.words.contains { $0.hasPrefix("ecto.") || $0.hasSuffix(".migrate") }
    if migrates {
      return has("migrate") ? "bin/migrate" : "\(program) eval \(module(release)).Release.migrate"
    }
    let kept = command.assignments.filter { !$0.hasPrefix("MIX_ENV=") }
    func start(_ more: [String], _ words: String) -> String {
      let variables = kept + more
      return (variables.isEmpty ? "" : "env \(variables.joined(separator: " ")) ") + words
    }
    if builder == .rebar3 { return start([], program + " foreground") }
    if command.words.contains("phx.server") {
      return has("server")
        ? start([], "bin/server") : start(["PHX_SERVER=true"], program + " start")
    }
    let task = command.words.dropFirst().first { !$0.hasPrefix("-") && $0 != "mix" }
    // A release phase must end by itself, and a task of the project is only a function in a release: both need `eval`.
    if process == ProcessType.release || task.map({ $0.contains(".") }) == true {
      return "\(program) eval MODULE.FUNCTION"
    }
    return start([], program + " start")
  }

  /// `my_shop` → `MyShop`, as mix names an application's module.
  private static func module(_ name: String) -> String {
    name.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }

  /// The first process type that starts an OTP release which the project does not have.
  /// - Parameter has: whether the slug has a program at that path anyway.
  static func release(
    in entries: [Procfile.Entry], names: [String], has: (String) -> Bool = { _ in false }
  ) -> ProcessFault? {
    for entry in entries {
      for command in ProcessCommand.all(in: entry.command) {
        guard let name = command.ownProgram, command.words.count > 1,
          verbs.contains(command.words[1]), !names.contains(name), !has(command.program)
        else { continue }
        return missing(entry.process, command, names)
      }
    }
    return nil
  }

  /// One line for each program `bin/NAME` that a process type starts and the slug does not have.
  static func absent(in entries: [Procfile.Entry], has: (String) -> Bool) -> [String] {
    entries.flatMap { entry in
      entry.ownPrograms.filter { !has($0) }.map {
        "Procfile: \(entry.process) starts '\($0)', which the slug does not have; put it into "
          + "rel/overlays/bin"
      }
    }
  }

  private static func missing(_ process: String, _ command: ProcessCommand, _ names: [String])
    -> ProcessFault
  {
    let arguments = command.words.count > 1 ? command.words.dropFirst() : ["start"]
    return ProcessFault(
      sentence: "Procfile: \(process) starts '\(command.program)', and the project's "
        + (names.count == 1
          ? "only release is \(names[0])" : "releases are \(names.joined(separator: ", "))"),
      remedy: "Write instead: \(process): bin/\(names.first ?? "NAME") "
        + arguments.joined(separator: " "))
  }
}
