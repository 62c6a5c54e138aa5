import ErlangDistribution
import ErlangTerm
import NodeModel

/// The walk over a node's processes.
enum Survey {
  private static let leaders = 10
  /// Milliseconds between the two walks whose reductions are compared.
  private static let window = 500
  /// With more processes there is one walk only, and reductions count from each process's start.
  private static let most = 20_000

  static func call(processes: Int) -> RemoteCall {
    let window = processes > most ? 0 : window
    return NodeProbe.survey.call(
      [.integer(window), .integer(leaders)], limit: 60_000, isLinked: true)
  }

  static func read(_ answer: Term, masters: [Term: String]) -> ProcessSurvey? {
    guard let parts = NodeProbe.value(answer)?.tuple, parts.count == 4, let busiest = parts[0].list,
      let queues = parts[1].list, let shares = parts[2].list, let largest = parts[3].list
    else { return nil }
    var applications: [String: ProcessSurvey.Share] = [:]
    for share in shares {
      guard let fields = share.tuple, fields.count == 3, let count = fields[1].integer,
        let memory = fields[2].integer
      else { continue }
      let name = masters[fields[0]] ?? ""
      var sum = applications[name] ?? ProcessSurvey.Share(processes: 0, memory: 0)
      sum.processes = sum.processes.addingReportingOverflow(count).partialValue
      sum.memory = sum.memory.addingReportingOverflow(memory).partialValue
      applications[name] = sum
    }
    return ProcessSurvey(
      busiest: busiest.prefix(leaders).compactMap { leader($0, isReductions: true) },
      queues: queues.prefix(leaders).compactMap { leader($0, isReductions: false) },
      largest: largest.prefix(leaders).compactMap { leader($0, isReductions: false) },
      applications: applications)
  }

  /// `{Pid, Value, [{registered_name, …}, …], {Module, Function, Arity}}`
  private static func leader(_ term: Term, isReductions: Bool) -> ProcessSurvey.Leader? {
    guard let parts = term.tuple, parts.count == 4, let pid = parts[0].pid,
      let value = parts[1].integer
    else { return nil }
    let name = parts[2].property("registered_name")?.atom ?? beginning(parts[3], parts[2])
    return ProcessSurvey.Leader(
      pid: pid.short, name: name, reductions: isReductions ? value : nil,
      messages: parts[2].property("message_queue_len")?.integer ?? 0,
      memory: parts[2].property("memory")?.integer ?? 0)
  }

  /// The function that a process without a name began with; if that function is too general, the current one.
  private static func beginning(_ translated: Term, _ info: Term) -> String {
    let vague = ["proc_lib:init_p/5", "erlang:apply/2", ""]
    let candidates = [translated, info.property("initial_call")].map(function)
    return candidates.first { !vague.contains($0) } ?? function(info.property("current_function"))
  }

  /// `gen_server:loop/7`
  static func function(_ term: Term?) -> String {
    guard let parts = term?.tuple, parts.count >= 3, let module = parts[0].atom,
      let name = parts[1].atom
    else { return "" }
    let arity = parts[2].integer ?? parts[2].list?.count
    return "\(module):\(name)" + (arity.map { "/\($0)" } ?? "")
  }
}

extension Term.Pid {
  /// As the node itself prints it, `<0.231.0>`.
  var short: String { "<0.\(id).\(serial)>" }
}
