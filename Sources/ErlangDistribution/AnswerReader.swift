import ErlangTerm

extension Answer {
  /// Reads the reason with which a process of `erpc:execute_call/4` ends.
  init(executed reason: Term) {
    guard let parts = reason.tuple, parts.count >= 3, parts[0].integer == 0,
      let kind = parts[1].atom
    else {
      self = .raised(kind: "exit", reason: reason)
      return
    }
    if kind == "return" {
      self = .returned(parts[2])
    } else if parts.count > 3 {
      // An error comes with its stack.
      self = .raised(kind: kind, reason: .tuple([.atom("exception"), parts[2], parts[3]]))
    } else {
      self = .raised(kind: kind, reason: parts[2])
    }
  }

  /// Reads the answer of the `rex` server.
  init(served term: Term) {
    if let reason = term.tuple(tagged: "badrpc")?.first {
      self = .raised(kind: "error", reason: reason)
    } else {
      self = .returned(term)
    }
  }
}
