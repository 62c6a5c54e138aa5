import ErlangDistribution
import ErlangTerm

/// The stack of the process that keeps a boot waiting.
///
/// The application's starter waits for its top supervisor, which waits for its children, one of which is in its
/// `init`. So the search goes from parent to child, as long as a child is being initialised.
enum BootStack {
  static let keys = ["initial_call", "parent", "registered_name", "current_stacktrace"]
  /// The most processes that are searched; a booting node has fewer.
  static let mostProcesses = 2000
  private static let lines = 6

  static func call(_ pids: [Term]) -> RemoteCall {
    Vitals.each(pids, "erlang", "process_info", .list(keys.map { .atom($0) }))
  }

  private struct Process {
    var pid: Term
    var parent: Term?
    var name: String?
    var isStarter: Bool
    var stack: [(module: String, function: String, line: String)]

    var isInitialising: Bool {
      stack.contains { $0.function == "init_it" || $0.function == "init_p" }
        && !stack.contains { $0.function == "loop" || $0.function == "loop_it" }
    }

    /// Its registered name, else the module whose callback its behaviour has called.
    var awaited: String? {
      let behaviour = stack.firstIndex {
        $0.function.hasPrefix("init_it") || $0.function.hasPrefix("init_p")
          || $0.module == "application_master"
      }
      let callback = stack[..<(behaviour ?? 0)].last { $0.module != "supervisor" }
      guard let awaited = name ?? callback?.module else { return nil }
      return awaited.hasPrefix("Elixir.") ? String(awaited.dropFirst(7)) : awaited
    }
  }

  /// The process that everything waits for, and the innermost lines of its stack; empty if none is found.
  static func read(_ answer: Term, pids: [Term]) -> (awaited: String?, lines: [String]) {
    let processes = zip(pids, answer.list ?? []).compactMap { process($0, $1) }
    guard
      var current = processes.last(where: { process in
        process.isStarter && !process.stack.contains { $0.function == "loop_it" }
      })
    else { return (nil, []) }
    let children = Dictionary(grouping: processes) { $0.parent }
    // The bound ends the search if a node reports processes that are each other's parents.
    for _ in 0..<100 {
      guard let next = children[current.pid]?.last(where: \.isInitialising) else { break }
      current = next
    }
    let lines = current.stack.prefix(lines).map { "\($0.module):\($0.function)\($0.line)" }
    return (current.awaited, lines)
  }

  private static func process(_ pid: Term, _ info: Term) -> Process? {
    guard let stack = info.property("current_stacktrace")?.list else { return nil }
    let first = info.property("initial_call")?.tuple
    return Process(
      pid: pid, parent: info.property("parent"), name: info.property("registered_name")?.atom,
      isStarter: first?.first?.atom == "application_master"
        && first?.dropFirst().first?.atom == "start_it",
      stack: stack.prefix(20).compactMap(frame))
  }

  private static func frame(_ term: Term) -> (module: String, function: String, line: String)? {
    guard let parts = term.tuple, parts.count == 4, let module = parts[0].atom,
      let function = parts[1].atom
    else { return nil }
    let arity = parts[2].integer ?? parts[2].list?.count ?? 0
    let file = parts[3].property("file")?.text
    let line = parts[3].property("line")?.integer
    let place = file.map { " (\($0)" + (line.map { ":\($0)" } ?? "") + ")" } ?? ""
    return (module, function, "/\(arity)\(place)")
  }
}
