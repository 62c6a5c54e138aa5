import ErlangTerm

/// A request of the I/O protocol, as a process sends it to its group leader.
/// Source: "The Erlang I/O Protocol", STDLIB user's guide.
struct PrintRequest {
  /// The steps of the request, in their order.
  enum Step: Equatable {
    case text(String)
    /// Call a function of the node, which returns the text.
    case format(module: String, function: String, [Term], Encoding)
    /// Another request, which is refused: there is no input and there are no options. Later steps are left out.
    case answer(Term)
  }

  enum Encoding: Equatable {
    case latin1, unicode

    init?(_ term: Term) {
      switch term.atom {
      case "latin1": self = .latin1
      case "unicode": self = .unicode
      default: return nil
      }
    }
  }

  let from: Term.Pid
  let reply: Term
  let steps: [Step]

  init?(_ message: Term) {
    guard let parts = message.tuple(tagged: "io_request"), parts.count == 3,
      let from = parts[parts.startIndex].pid
    else { return nil }
    self.from = from
    reply = parts[parts.startIndex + 1]
    steps = Self.steps(parts[parts.startIndex + 2])
  }

  /// Several requests are done one after the other. The first invalid one gets an error, and the rest is left out.
  private static func steps(_ request: Term) -> [Step] {
    guard let parts = request.tuple(tagged: "requests"), parts.count == 1,
      let requests = parts.first?.list
    else { return [step(request)] }
    var steps: [Step] = []
    for request in requests {
      steps.append(step(request))
      if case .answer = steps.last { break }
    }
    return steps
  }

  private static func step(_ request: Term) -> Step {
    guard let parts = request.tuple, let verb = parts.first?.atom else {
      return .answer(request.atom == "getopts" ? .list([]) : error("request"))
    }
    switch (verb, parts.count) {
    // The oldest form names no encoding.
    case ("put_chars", 2): return step(.latin1, [parts[1]])
    case ("put_chars", 4): return step(.latin1, Array(parts[1...]))
    case ("put_chars", 3), ("put_chars", 5):
      return Encoding(parts[1]).map { step($0, Array(parts[2...])) } ?? .answer(error("put_chars"))
    case ("get_line", _), ("get_chars", _), ("get_until", _), ("get_password", _):
      return .answer(.atom("eof"))
    case ("setopts", _): return .answer(.atom("ok"))
    default: return .answer(error("enotsup"))
    }
  }

  /// Characters, or the function that makes them.
  private static func step(_ encoding: Encoding, _ parts: [Term]) -> Step {
    if parts.count == 1, let text = text(parts[0], encoding) { return .text(text) }
    guard parts.count == 3, let module = parts[0].atom, let function = parts[1].atom,
      let arguments = parts[2].list
    else { return .answer(error("put_chars")) }
    return .format(module: module, function: function, arguments, encoding)
  }

  static func error(_ reason: String) -> Term { .tuple([.atom("error"), .atom(reason)]) }

  /// Characters, binaries and nested lists of them, as one text; nil for another term.
  static func text(_ term: Term, _ encoding: Encoding) -> String? {
    var bytes: [UInt8] = []
    return append(term, encoding, to: &bytes) ? String(decoding: bytes, as: UTF8.self) : nil
  }

  /// The depth of a term was bounded when it was read.
  private static func append(_ term: Term, _ encoding: Encoding, to bytes: inout [UInt8]) -> Bool {
    switch term {
    case .binary(let content):
      if encoding == .unicode {
        bytes += content
      } else {
        for byte in content { append(Unicode.Scalar(byte), to: &bytes) }
      }
    case .integer(let code):
      guard let scalar = UInt32(exactly: code).flatMap(Unicode.Scalar.init) else { return false }
      append(scalar, to: &bytes)
    case .list(let elements): return append(elements, encoding, to: &bytes)
    case .improperList(let elements, let tail):
      return append(elements, encoding, to: &bytes) && append(tail, encoding, to: &bytes)
    default: return false
    }
    return true
  }

  private static func append(
    _ terms: [Term], _ encoding: Encoding, to bytes: inout [UInt8]
  ) -> Bool {
    terms.allSatisfy { append($0, encoding, to: &bytes) }
  }

  private static func append(_ scalar: Unicode.Scalar, to bytes: inout [UInt8]) {
    bytes += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
  }
}
