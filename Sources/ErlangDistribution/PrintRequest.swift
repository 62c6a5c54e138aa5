import ErlangTerm

/// A request of the I/O protocol, as a process sends it to its group leader.
/// Source: "The Erlang I/O Protocol", STDLIB user's guide.
struct PrintRequest {
  enum What {
    case text(String)
    /// The text is made by a function, which only the node has.
    case format(module: String, function: String, [Term])
    /// Anything else: nothing can be read from us, and we have no options.
    case answer(Term)
  }

  let from: Term.Pid
  /// What the answer must name.
  let reply: Term
  let what: What

  init?(_ message: Term) {
    guard let parts = message.tuple(tagged: "io_request"), parts.count == 3,
      let from = parts[parts.startIndex].pid
    else { return nil }
    self.from = from
    reply = parts[parts.startIndex + 1]
    what = Self.what(parts[parts.startIndex + 2])
  }

  private static func what(_ request: Term) -> What {
    guard let parts = request.tuple, let verb = parts.first?.atom else {
      return .answer(
        request.atom == "getopts" ? .list([]) : .tuple([.atom("error"), .atom("request")]))
    }
    switch (verb, parts.count) {
    case ("put_chars", 3):
      return text(parts[2]).map(What.text) ?? .answer(.tuple([.atom("error"), .atom("put_chars")]))
    case ("put_chars", 2):
      return text(parts[1]).map(What.text) ?? .answer(.tuple([.atom("error"), .atom("put_chars")]))
    case ("put_chars", 5):
      guard let module = parts[2].atom, let function = parts[3].atom, let list = parts[4].list
      else { return .answer(.tuple([.atom("error"), .atom("put_chars")])) }
      return .format(module: module, function: function, list)
    case ("requests", 2): return several(parts[1].list ?? [])
    case ("get_line", _), ("get_chars", _), ("get_until", _), ("get_password", _):
      return .answer(.atom("eof"))
    case ("setopts", _): return .answer(.atom("ok"))
    default: return .answer(.tuple([.atom("error"), .atom("enotsup")]))
    }
  }

  /// Several requests at once are taken where all are plain texts.
  private static func several(_ requests: [Term]) -> What {
    var whole = ""
    for request in requests.prefix(1000) {
      guard case .text(let text) = what(request) else {
        return .answer(.tuple([.atom("error"), .atom("enotsup")]))
      }
      whole += text
    }
    return .text(whole)
  }

  /// Characters, nested lists of them and binaries of UTF-8, as one text.
  static func text(_ term: Term) -> String? {
    var bytes: [UInt8] = []
    return append(term, to: &bytes) ? String(decoding: bytes, as: UTF8.self) : nil
  }

  /// The depth of a term was bounded when it was read.
  private static func append(_ term: Term, to bytes: inout [UInt8]) -> Bool {
    switch term {
    case .binary(let content): bytes += content
    case .integer(let code):
      guard let value = UInt32(exactly: code), let scalar = Unicode.Scalar(value) else {
        return false
      }
      bytes += Array(String(Character(scalar)).utf8)
    case .list(let elements):
      for element in elements where !append(element, to: &bytes) { return false }
    case .improperList(let elements, let tail):
      for element in elements where !append(element, to: &bytes) { return false }
      return append(tail, to: &bytes)
    default: return false
    }
    return true
  }
}
