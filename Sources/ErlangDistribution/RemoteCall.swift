import ErlangTerm

/// A call of a function of a node.
public struct RemoteCall: Hashable, Sendable {
  public var module: String
  public var function: String
  public var arguments: [Term]
  /// Milliseconds after which the call is given up and its process in the node is ended; nil waits for ever.
  public var limit: Int64?
  /// Whether its process in the node ends with the connection. Calls that may hang or run for long need it; a quick
  /// call is cheaper without.
  public var isLinked: Bool

  public init(
    _ module: String, _ function: String, _ arguments: [Term] = [], limit: Int64? = 5000,
    isLinked: Bool = false
  ) {
    (self.module, self.function, self.arguments) = (module, function, arguments)
    (self.limit, self.isLinked) = (limit, isLinked)
  }
}

/// The id of a call, counted from 1 in each connection.
public struct CallID: Hashable, Sendable {
  let number: UInt64
}

/// The result of a call.
public enum Answer: Hashable, Sendable {
  case returned(Term)
  /// It ended by `error`, `exit` or `throw`.
  case raised(kind: String, reason: Term)
  /// The node could not begin it: `system_limit`, `notsup`.
  case refused(Term)
  /// It has ended, and its value cannot be read: too large, too deep, or of an unknown kind.
  case unreadable(TermError)
  case timedOut

  public var value: Term? { if case .returned(let term) = self { term } else { nil } }

  /// Why there is no value, in one sentence.
  public var complaint: String? {
    switch self {
    case .returned: nil
    case .raised(let kind, let reason): "it ended by \(kind): \(reason)"
    case .refused(let reason): "the node refused: \(reason)"
    case .unreadable(let error): "its answer cannot be read: \(error)"
    case .timedOut: "it did not answer in time"
    }
  }
}

/// An event of a session.
public enum SessionEvent: Sendable {
  /// The handshake is done.
  case up(Peer)
  case answer(CallID, Answer)
  /// Text that a call printed.
  case output(CallID, String)
  /// A message for one of our mailboxes.
  case message(Mailbox, Term)
  /// A message for one of our mailboxes that cannot be read: too large, too deep, or of an unknown kind.
  case unreadable(Mailbox, TermError)
}

/// An address of ours that processes of the node can send to.
public struct Mailbox: Hashable, Sendable {
  let number: UInt32
}
