import CommandLine
import Events
import JSONText
import NodeModel
import Posix
import Terminal

let context = Context.process(program: "reltui")
context.run { () throws(Cause) in
  let words = Array(Swift.CommandLine.arguments.dropFirst())
  let arguments = try Arguments(words, for: DashboardOptions.command, program: context.program)
  if arguments.has("--help") {
    context.print(DashboardOptions.command.help(program: context.program))
    return .success
  }
  if arguments.has("--version") {
    context.print("reltui \(Version.current)")
    return .success
  }
  return try show(DashboardOptions(arguments, context), context)
}

func show(_ options: DashboardOptions, _ context: Context) throws(Cause) -> Outcome {
  if options.isOnce || options.isJSON {
    let terminal = TerminalSize.of(context.output.descriptor).map { Size(columns: $0, rows: $1) }
    let size = options.size ?? terminal ?? Size(columns: 80, rows: 24)
    var options = options
    if options.isJSON, !options.nodes.isEmpty { options.view = .nodes }
    var session = try DashboardSession(options, context, size: size)
    try session.begin(options)
    try session.settleNodes(
      for: options.isJSON ? .vitals : [.vitals, .processes],
      milliseconds: options.nodes.isEmpty ? 1500 : 6000)
    session.leave()
    if options.isJSON, !options.nodes.isEmpty {
      let nodes = session.model.nodes.filter { $0.origin == .given }.map(NodeFacts.init)
      context.print(String(decoding: JSON.encode(["nodes": nodes]), as: UTF8.self))
    } else if options.isJSON {
      context.print(String(decoding: JSON.encode(session.reports), as: UTF8.self))
    } else {
      context.print(lines(session.model.frame(), options, context).joined(separator: "\n"))
    }
    return .success
  }
  let screen = try openScreen(options, context)
  do throws(Cause) {
    var session = try DashboardSession(options, context, size: screen.size)
    try session.begin(options)
    var loop = try Interactive(session, screen)
    return try loop.run()
  } catch {
    screen.end()
    throw error
  }
}

/// Plain text unless the output is a terminal with colours.
func lines(_ frame: Frame, _ options: DashboardOptions, _ context: Context) -> [String] {
  let depth = context.isTerminal ? Ansi.depth(context.environment) : .mono
  return depth == .mono ? frame.text : Ansi.lines(frame, options.palette, depth)
}

func openScreen(_ options: DashboardOptions, _ context: Context) throws(Cause) -> CursesScreen {
  let terminal = context.environment["TERM"] ?? ""
  do throws(TerminalError) {
    // Some terminfo databases lack it, but its meaning is the same everywhere.
    if terminal == "dumb" { throw .dumbTerminal(name: terminal) }
    return try CursesScreen(
      terminal: terminal, palette: options.palette,
      allowsColor: context.environment["NO_COLOR"]?.isEmpty ?? true)
  } catch {
    let remedy = error.remedy.map { "\($0); or print one frame: reltui --once" }
    throw Cause(
      .terminal, error.sentence, remedy: remedy ?? "Print one frame instead: reltui --once")
  }
}
