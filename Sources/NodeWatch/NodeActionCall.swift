import ErlangDistribution
import ErlangTerm
import Events
import Operations

extension NodeAction {
  /// The call that carries it out. Collecting garbage takes two: the first reads the list of processes.
  var call: RemoteCall {
    switch self {
    case .logLevel(let level):
      RemoteCall("logger", "set_primary_config", [.atom("level"), .atom(level.rawValue)])
    case .collectGarbage: RemoteCall("erlang", "processes")
    case .stopApplication(let name):
      RemoteCall("application", "stop", [.atom(name)], limit: 30_000)
    case .startApplication(let name):
      RemoteCall("application", "ensure_all_started", [.atom(name)], limit: 60_000)
    case .restart: RemoteCall("init", "restart")
    }
  }

  /// The second call; nil if there is none.
  func next(after value: Term) -> RemoteCall? {
    guard self == .collectGarbage, let pids = value.list, pids.first?.pid != nil else { return nil }
    return RemoteCall(
      "lists", "foreach", [Vitals.export("erlang", "garbage_collect", 1), value], limit: 60_000)
  }

  /// The cause of a failure; nil if the action worked.
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
