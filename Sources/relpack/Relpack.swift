import Buildpack
import CommandLine
import Events
import Glibc
import JSONText
import PlainText
import Posix

struct Relpack {
  let context: Context

  static let commands = [
    command("detect", "DIR", "Print the kind of project in DIR, or exit 1."),
    command(
      "compile", "DIR [CACHE_DIR [ENV_DIR]]",
      "Build the project in DIR and put the slug in its place.",
      details: """
        CACHE_DIR lives between builds. ENV_DIR holds a file per config var. With RELTUI_HOME set
        the build is recorded in that home's event log; without it, and with RELPACK_RECORD=slug in
        ENV_DIR, in the slug.
        """),
    command(
      "test-compile", "DIR [CACHE_DIR [ENV_DIR]]",
      "Fetch and compile what the project's tests need, in DIR."),
    command("test", "DIR [ENV_DIR]", "Run the project's tests."),
    command("release", "DIR", "Print the process types of the slug in DIR as YAML."),
    command(
      "report", "DIR [CACHE_DIR [ENV_DIR]]",
      "Print facts about the last build in DIR as JSON."),
    command(
      "plan", "DIR [ENV_DIR]", count: 1...2, "Print what 'compile' would do, and why."),
  ]

  /// Platforms pass more arguments than the Buildpack API says, so additional ones are ignored.
  private static func command(
    _ name: String, _ arguments: String, count: ClosedRange<Int> = 1...100, _ summary: String,
    details: String = ""
  ) -> CommandSyntax {
    var command = CommandSyntax(name, arguments, count: count, summary, details: details)
    // There is no --home: the environment names the home.
    command.options = [.help]
    return command
  }

  func run(_ words: [String]) throws(Cause) -> Outcome {
    switch words.first {
    case "--help", "-h":
      context.print(Self.help)
      return .success
    case "--version":
      context.print("relpack \(Version.current)")
      return .success
    case BootSandbox.verb where words.count > 1:
      // Only `BootCheck` runs this.
      try BootSandbox.perform(Array(words.dropFirst()), write: context.print)
      return .success
    case Enclosure.verb where words.count > 1:
      // Only a build runs this.
      return Outcome(
        exitCode: try Enclosure.run(Array(words.dropFirst()), environment: context.environment))
    case nil: throw Self.usage("a command is missing")
    case let word?:
      guard let command = Self.commands.first(where: { $0.name == word }) else {
        let near = Spelling.nearest(to: word, among: Self.commands.map(\.name)).first
        throw Self.usage(
          "unknown command '\(word)'" + (near.map { "; did you mean '\($0)'?" } ?? ""))
      }
      return try run(command, Array(words.dropFirst()))
    }
  }

  private static var help: String {
    "usage: relpack COMMAND\n\n"
      + Table.render(commands.map { ["  \($0.name) \($0.arguments)", $0.summary] })
      + "  --help, --version"
  }

  private static func usage(_ sentence: String) -> Cause {
    Cause(
      .usage, sentence,
      remedy: "usage: relpack detect|compile|release|report|test-compile|test|plan DIR")
  }

  private func run(_ command: CommandSyntax, _ words: [String]) throws(Cause) -> Outcome {
    let arguments = try Arguments(words, for: command, program: context.program)
    if arguments.has("--help") {
      context.print(command.help(program: context.program))
      return .success
    }
    let folders = arguments.positional.map(context.absolute)
    switch command.name {
    case "detect": return detect(folders[0])
    case "release":
      context.print(try DefaultProcesses.yaml(folders[0]).dropLast().description)
      return .success
    case "plan": return try plan(folders)
    case "report":
      context.print(try BuildReport.text(folders[0]).dropLast().description)
      return .success
    default: return build(command, folders)
    }
  }

  private func detect(_ folder: String) -> Outcome {
    guard let kind = Project.detect(folder) else { return Outcome(exitCode: ExitCode.failed) }
    context.print(kind)
    return .success
  }

  private func plan(_ folders: [String]) throws(Cause) -> Outcome {
    do throws(BuildFailure) {
      let config = try ConfigFolder(folders.count > 1 ? folders[1] : nil)
      let settings = try BuildSettings(
        config: config.steering(context.environment), stack: context.environment["STACK"])
      let plan = try BuildPlan(source: folders[0], settings: settings)
      for line in plan.lines { context.print(Printable.clean(line)) }
      for warning in config.warnings + plan.config.warnings {
        context.print(" !     " + Printable.clean(warning))
      }
    } catch { throw error.cause }
    return .success
  }

  private func build(_ command: CommandSyntax, _ folders: [String]) -> Outcome {
    // `bin/test` gets two folders, but some platforms also pass CACHE_DIR.
    let hasCache = command.name != "test" || folders.count > 2
    let request = BuildRequest(
      source: folders[0], cache: hasCache ? folders.dropFirst().first : nil,
      variables: folders.dropFirst(hasCache ? 2 : 1).first,
      environment: context.environment)
    let interrupts = try? Signals([.term, .int, .hup])
    do throws(BuildFailure) {
      switch command.name {
      case "test": try Build.test(request, interrupts: interrupts, write: write)
      case "test-compile": try Build.prepareTests(request, interrupts: interrupts, write: write)
      default: _ = try Build.run(request, interrupts: interrupts, write: write)
      }
      return .success
    } catch {
      // The calling program may have ended, so relpack itself ends the processes of its tools.
      if error.exitCode == ExitCode.interrupted {
        ProcessTable.endDescendants(of: Program.processID)
      }
      return Outcome(exitCode: error.exitCode)
    }
  }

  private func write(_ line: String) {
    context.print(
      Printable.clean(
        line.split(separator: "\t", omittingEmptySubsequences: false)
          .joined(separator: "  ")))
  }
}
