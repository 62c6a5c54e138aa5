import CommandLine
import Events
import HomeLayout
import JSONText
import PlainText
import Posix

/// A command of `relctl`: how it is called and what it does.
struct Command: Sendable {
  let syntax: CommandSyntax
  let run: @Sendable (CommandCall) throws(Cause) -> Outcome

  init(_ syntax: CommandSyntax, _ run: @escaping @Sendable (CommandCall) throws(Cause) -> Outcome) {
    (self.syntax, self.run) = (syntax, run)
  }

  /// All commands, in the order in which the help lists them.
  static let all: [Command] = [
    .build, .deploy, .ps, .releases, .diff, .logs, .events, .eventsEmit, .eventsVerify,
    .eventsRepair, .eventsStat, .eventsRetention, .restart, .rollback, .promote, .scale, .limits,
    .maintenance, .domains, .router, .routerListen, .routerTrust, .routerSet, .routerWhy,
    .certs, .certsAdd, .certsRenew, .certsRemove,
    .previewOpen, .previewList, .previewShow, .previewRenew, .previewPin, .previewClose,
    .previewComment, .previewGC,
    .previewSet, .stop, .cancel, .attach, .config, .rpc, .eval,
    .remote, .nodeList, .nodeInfo, .nodeRPC, .nodeRemote, .slugList, .slugInspect, .slugDiff,
    .slugVerify, .slugImport, .slugExport, .slugGC, .slugRemove,
    .agent, .agentStart, .agentStop, .agentStatus, .agentInstall, .agentUninstall, .doctor,
    .explain, .completion,
  ]

  static func run(_ words: [String], _ context: Context) throws(Cause) -> Outcome {
    let first = words.first ?? "help"
    if ["help", "--help", "-h"].contains(first) {
      context.print(help(for: Array(words.dropFirst()), program: context.program))
      return .success
    }
    if first == "--version" || first == "version" {
      context.print("relctl \(Version.current)")
      return .success
    }
    guard let command = find(words) ?? (first == "preview-helper" ? .previewHelper : nil) else {
      guard let group = group(first) else { throw unknown(first) }
      if !words.contains("--help") {
        throw Cause(.usage, "'\(first)' needs a command", remedy: group)
      }
      context.print(group)
      return .success
    }
    let count = command.syntax.name.split(separator: " ").count
    let arguments = try Arguments(
      Array(words.dropFirst(count)), for: command.syntax, program: context.program)
    if arguments.has("--help") {
      context.print(command.syntax.help(program: context.program))
      return .success
    }
    return try command.run(CommandCall(arguments: arguments, context: context))
  }

  private static func find(_ words: [String]) -> Command? {
    all.filter { command in
      let name = command.syntax.name.split(separator: " ").map(String.init)
      return Array(words.prefix(name.count)) == name
    }.max { $0.syntax.name.utf8.count < $1.syntax.name.utf8.count }
  }

  /// The usage of all commands whose name begins with this word; nil if there are none.
  private static func group(_ word: String) -> String? {
    let members = all.filter { $0.syntax.name.hasPrefix(word + " ") }
    let usages = members.map { $0.syntax.usage(program: "relctl") }
    return usages.isEmpty ? nil : "usage: " + usages.joined(separator: " | ")
  }

  private static func unknown(_ word: String) -> Cause {
    let near = Spelling.nearest(to: word, among: all.map(\.syntax.name)).first
    return Cause(
      .usage, "unknown command '\(word)'" + (near.map { "; did you mean '\($0)'?" } ?? ""),
      remedy: "See: relctl help")
  }

  /// A table without the newline at its end.
  static func trimmed(_ table: String) -> String { String(table.dropLast()) }

  private static func help(for words: [String], program: String) -> String {
    if let command = find(words) { return command.syntax.help(program: program) }
    let rows = all.map { command in
      [
        "  " + [command.syntax.name, command.syntax.arguments].joined(separator: " "),
        command.syntax.summary,
      ]
    }
    return """
      usage: relctl COMMAND [arguments] [options]

      Turns source into releases, runs them, and takes them back.

      \(Table.render(rows))
      Every command takes --home DIR and --help.
      """
  }
}

/// One call of a command: its arguments and its context.
struct CommandCall: Sendable {
  let arguments: Arguments
  let context: Context

  /// The argument at this index; empty if an optional argument was left out.
  func positional(_ index: Int) -> String {
    index < arguments.positional.count ? arguments.positional[index] : ""
  }

  var wantsJSON: Bool { arguments.has("--json") }

  func home() throws(Cause) -> Home { try context.home(arguments["--home"]) }

  /// The value of an option as a whole number; nil if the option is missing.
  func number(
    _ option: String, in range: ClosedRange<Int>, of what: String, remedy: String? = nil
  ) throws(Cause) -> Int? {
    guard let text = arguments[option] else { return nil }
    if let number = Int(text), range.contains(number) { return number }
    throw Cause(.usage, "'\(text)' is no number of \(what)", remedy: remedy)
  }

  /// The app, and the instance if the argument is `APP/web.1`.
  func target(_ index: Int = 0) throws(Cause) -> (app: String, instance: InstanceName?) {
    let parts = positional(index).split(
      separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let app = String(parts.first ?? "")
    guard AppName.isValid(app) else {
      throw Cause(
        .appName, "'\(positional(index))' cannot be an app's name",
        remedy:
          "Use up to \(AppName.longest) lower-case letters, digits and dashes, a letter first.")
    }
    guard parts.count == 2 else { return (app, nil) }
    guard let instance = InstanceName(String(parts[1])) else {
      throw Cause(.usage, "'\(parts[1])' is no instance", remedy: "Name it as in: \(app)/web.1")
    }
    return (app, instance)
  }

  /// Reports a problem on standard error; the command continues.
  func warn(_ cause: Cause) {
    for line in Outcome(cause, program: "relctl").report { context.note(line) }
  }

  func print(json value: some Encodable) {
    context.print(String(decoding: JSON.encode(value), as: UTF8.self))
  }

  /// Prints the value as JSON and ends the command with success.
  func report(json value: some Encodable) -> Outcome {
    print(json: value)
    return .success
  }

  /// Text from outside, safe to print: a terminal gets no control characters, a pipe gets the text unchanged.
  func shown(_ text: String) -> String { context.isTerminal ? Printable.clean(text) : text }

  var user: String { User.name(environment: context.environment) }
}
