import ErlangDistribution
import ErlangTerm
import Events
import Operations

extension NodeAction {
  /// The call that carries it out. Collecting garbage takes two: the first reads the list of processes.
  var call: Call {
    switch self {
    case .logLevel(let level):
      Call("logger", "set_primary_config", [.atom("level"), .atom(level.rawValue)])
    case .collectGarbage: Call("erlang", "processes")
    case .stopApplication(let name):
      Call("application", "stop", [.atom(name)], limit: 30_000)
    case .startApplication(let name):
      Call("application", "ensure_all_started", [.atom(name)], limit: 60_000)
    case .restart: Call("init", "restart")
    }
  }

  /// The second call; nil where there is none.
  func next(after value: Term) -> Call? {
    guard self == .collectGarbage, let pids = value.list, pids.first?.pid != nil else { return nil }
    return Call(
      "lists", "foreach", [Vitals.export("erlang", "garbage_collect", 1), value], limit: 60_000)
  }

  /// The cause of a failure; nil where it worked.
  func failure(_ answer: Answer, node: String) -> Cause? {
    let reason: String?
    switch answer {
    case .returned(let term):
      let isFine = term.atom == "ok" || term.tuple(tagged: "ok") != nil
      reason = isFine ? nil : Self.words(term)
    default: reason = answer.complaint
    }
    return reason.map { Cause(.nodeCall, "\(sentence) on \(node) did not work: \($0)") }
  }

  private static func words(_ term: Term) -> String {
    let reason = term.tuple(tagged: "error")?.first ?? term
    return String("\(reason)".prefix(300))
  }
}
