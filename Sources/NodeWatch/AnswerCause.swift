import ErlangDistribution
import ErlangTerm
import Events

extension Cause {
  /// Why a call gave no value, in one sentence; nil if it gave one.
  public init?(_ answer: Answer, of call: RemoteCall) {
    let name = Self.name(call.module, call.function, arity: call.arguments.count)
    switch answer {
    case .returned: return nil
    case .timedOut:
      let seconds = (call.limit ?? 0) / 1000
      self.init(
        .nodeSilent, "\(name) has not returned within \(seconds) s",
        remedy: "It was ended. Give it more time: --timeout SECONDS")
    case .refused(let reason):
      self.init(.nodeCall, "the node refused to call \(name): \(Self.short(reason))")
    case .unreadable(let error):
      self.init(.nodeCall, "the value of \(name) cannot be read: \(error)")
    case .raised(let kind, let reason):
      self.init(.nodeCall, Self.raised(name, kind, reason))
    }
  }

  /// An error is `{exception, Reason, Stack}`.
  private static func raised(_ name: String, _ kind: String, _ reason: Term) -> String {
    let parts = reason.tuple(tagged: "exception").map(Array.init) ?? [reason]
    let inner = parts.first ?? reason
    switch kind {
    case "throw": return "\(name) threw \(short(inner))"
    case "exit": return "\(name) exited: \(short(inner))"
    default: break
    }
    if inner.atom == "undef", parts.count > 1, let missing = missing(in: parts[1]) {
      return "\(missing) is not there: undef"
    }
    if let exception = exception(inner) { return "\(name) raised \(exception)" }
    return "\(name) failed: \(short(inner))"
  }

  /// The function that a stack begins with.
  private static func missing(in stack: Term) -> String? {
    guard let frame = stack.list?.first?.tuple, frame.count > 2, let module = frame[0].atom,
      let function = frame[1].atom, let arity = frame[2].integer ?? frame[2].list?.count
    else { return nil }
    return name(module, function, arity: arity)
  }

  /// `RuntimeError: out of words`, if the reason is an Elixir exception with a message.
  private static func exception(_ reason: Term) -> String? {
    guard reason.property("__exception__")?.atom == "true",
      let module = reason.property("__struct__")?.atom
    else { return nil }
    let name = module.hasPrefix("Elixir.") ? String(module.dropFirst(7)) : module
    let message = reason.property("message")?.binary.map { String(decoding: $0, as: UTF8.self) }
    return message.map { "\(name): \($0)" } ?? name
  }

  private static func name(_ module: String, _ function: String, arity: Int) -> String {
    "\(Term.atom(module)):\(Term.atom(function))/\(arity)"
  }

  /// A term cut for a sentence, since a reason may hold a whole process state.
  private static func short(_ term: Term) -> String {
    let text = "\(term)"
    return text.utf8.count > 500 ? "\(text.prefix(500))…" : text
  }
}
