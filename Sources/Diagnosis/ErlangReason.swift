import ErlangTerm

/// Decodes the reason with which a process, an application or a VM ended. Source: OTP design principles; "Errors and
/// Error Handling" in the Erlang reference manual.
struct ErlangReason {
  /// How the release's language writes a term.
  let write: (Term) -> String

  func failure(_ reason: Term, of application: String? = nil) -> Failure {
    var failure = Failure(application: application, problem: .other(""))
    decode(reason, into: &failure, depth: 0)
    return failure
  }

  private static let deepest = 40

  private func decode(_ reason: Term, into failure: inout Failure, depth: Int) {
    guard depth < Self.deepest, let parts = reason.tuple else {
      failure.problem = plain(reason, failure.frames)
      return
    }
    if let inner = wrapped(parts, &failure) {
      return decode(inner, into: &failure, depth: depth + 1)
    }
    if parts.count == 2, let frames = Self.frames(parts[1]) {
      if failure.frames.isEmpty { failure.frames = frames.filter { $0.module != "" } }
      if parts[0].atom == "undef", let first = frames.first {
        failure.problem = .undefined(module: first.module, function: first.function)
        return
      }
      return decode(parts[0], into: &failure, depth: depth + 1)
    }
    // The stack behind an exception may be cut off.
    if parts.count == 2, let fields = parts[0].map,
      let exception = ElixirException(fields, write: write)
    {
      failure.problem = exception.problem
      return
    }
    failure.problem = problem(of: parts, reason, failure.frames)
  }

  /// The reason inside another one that only says where it comes from.
  private func wrapped(_ parts: [Term], _ failure: inout Failure) -> Term? {
    switch (parts.first?.atom, parts.count) {
    case ("failed_to_start_child", 3):
      failure.children.append(childName(parts[1]))
      return parts[2]
    case ("shutdown", 2), ("EXIT", 2), ("error", 2), ("stop", 2): return parts[1]
    case ("bad_return", 2):
      guard let pair = parts[1].tuple, pair.count == 2 else { return nil }
      failure.callback = Self.callback(pair[0])
      return pair[1]
    case ("on_load_function_failed", _): return nil
    default:
      // `{Reason, {Module, start, [normal, Arguments]}}`, or the beginning of it.
      let rest = parts.dropFirst().first
      let isCut =
        rest.map {
          $0.atom == "..." || $0.tuple?.count ?? 3 < 3 || $0.tuple?.last?.atom == "..."
        } ?? true
      if parts.count < 3, isCut, parts.first?.tuple?.first?.atom == "shutdown" { return parts[0] }
      guard parts.count == 2, let callback = Self.callback(parts[1]) else { return nil }
      failure.callback = callback
      return parts[0]
    }
  }

  private static func callback(_ call: Term) -> String? {
    guard let parts = call.tuple, parts.count == 3, let module = parts[0].atom,
      parts[1].atom == "start", let arguments = parts[2].list
    else { return nil }
    return CodeName.function(module, "start", arguments.count)
  }

  /// The name of a child: its module, or its id as the language writes it.
  func childName(_ id: Term) -> String {
    if let name = id.atom { return CodeName.module(name) }
    // Phoenix and others name several children of a module {Module, Detail}.
    if let first = id.tuple?.first?.atom, first.hasPrefix("Elixir.") {
      return CodeName.module(first)
    }
    return write(id).cut(to: 60)
  }

  // MARK: - Stack traces

  /// The frames of a stack trace; nil if the term is none.
  static func frames(_ term: Term) -> [Failure.Frame]? {
    guard let list = term.list, !list.isEmpty else { return nil }
    var frames: [Failure.Frame] = []
    for (index, element) in list.enumerated() {
      if element.atom == "...", index > 0 { break }
      guard let parts = element.tuple, parts.count >= 3, let module = parts[0].atom,
        let function = parts[1].atom
      else { return nil }
      let arity = parts[2].integer ?? parts[2].list?.count
      let place = parts.count > 3 ? parts[3] : .list([])
      frames.append(
        Failure.Frame(
          module: module, function: CodeName.function(module, function, arity),
          file: place.property("file")?.text, line: place.property("line")?.integer))
    }
    return frames
  }

  // MARK: - Reasons

  private func plain(_ reason: Term, _ frames: [Failure.Frame]) -> Failure.Problem {
    if reason.atom == "killed" { return .killed }
    if let error = Self.systemError(reason, frames) { return error }
    if let fields = reason.map, let exception = ElixirException(fields, write: write) {
      return exception.problem
    }
    return .other(write(reason).cut(to: 300))
  }

  private func problem(of parts: [Term], _ reason: Term, _ frames: [Failure.Frame])
    -> Failure.Problem
  {
    switch (parts.first?.atom, parts.count) {
    case ("timeout", 2):
      if let target = Self.called(parts[1]) { return .noAnswer(from: childName(target)) }
    case ("noproc", 2):
      if let target = Self.called(parts[1]) { return .notRunning(childName(target)) }
    case ("badmatch", 2), ("case_clause", 2), ("try_clause", 2):
      if let file = Self.file(in: parts[1]) { return file }
      if let error = Self.systemError(parts[1], frames) { return error }
    case ("start_spec", 2):
      if let pair = parts[1].tuple, pair.count == 2, pair[0].atom == "duplicate_child_name" {
        return .sameChild(childName(pair[1]))
      }
    case ("on_load_function_failed", 2...):
      return .onLoad(module: parts[1].atom ?? "", words: Self.texts(parts.last).joined())
    default: break
    }
    if let file = Self.file(in: reason) { return file }
    if let error = Self.systemError(reason, frames) { return error }
    return .other(write(reason).cut(to: 300))
  }

  /// The process in `{gen_server,call,[Process,…]}`.
  private static func called(_ call: Term) -> Term? {
    guard let parts = call.tuple, parts.count == 3, parts[1].atom == "call" else { return nil }
    return parts[2].list?.first
  }

  /// A file that could not be opened, within a reason: `{open_failed,"/var/log/shop.log",eacces}`
  private static func file(in reason: Term) -> Failure.Problem? {
    reason.first(depth: 12) { term in
      guard let parts = term.tuple?.prefix(20),
        let error = parts.compactMap(\.atom).first(where: { SystemWords.files[$0] != nil }),
        let path = parts.first(where: { $0.atom == nil && $0.text?.hasPrefix("/") == true })?.text
      else { return nil }
      return .file(verb: "open", path: path, error: error)
    }
  }

  /// The error of the system within a reason. `timeout` and `closed` are common words; they tell of a connection only
  /// beside an address, or if a call to connect failed.
  private static func systemError(_ reason: Term, _ frames: [Failure.Frame]) -> Failure.Problem? {
    guard let name = systemName(reason) else { return nil }
    let address = address(in: reason)
    if SystemWords.common.contains(name), address.host == nil,
      !frames.contains(where: { $0.function.contains("connect") }), !namesConnect(reason)
    {
      return nil
    }
    return .system(name, address)
  }

  /// The first atom that is the name of an error.
  private static func systemName(_ reason: Term) -> String? {
    reason.first(depth: 8) { term in
      term.atom.flatMap { SystemWords.words($0) == nil ? nil : $0 }
    }
  }

  /// Whether an atom in a reason has the word: `{failed_connect,…}`
  private static func namesConnect(_ reason: Term) -> Bool {
    reason.first(depth: 8) { term in
      term.atom?.lowercased().contains("connect") == true ? true : nil
    } ?? false
  }

  /// Host and port within a reason.
  static func address(in term: Term, depth: Int = 0) -> Failure.Address {
    var address = Failure.Address()
    guard depth < 8 else { return address }
    for element in term.tuple ?? term.list ?? [] {
      if address.host == nil { address.host = host(element) }
      if address.port == nil, let port = element.integer.flatMap(UInt16.init(exactly:)), port > 0 {
        address.port = port
      }
      if element.tuple != nil || element.list?.first?.tuple != nil {
        let inner = Self.address(in: element, depth: depth + 1)
        address.host = address.host ?? inner.host
        address.port = address.port ?? inner.port
      }
    }
    return address
  }

  /// A host's name or address: a text, or the numbers of an address of IPv4 or IPv6.
  private static func host(_ term: Term) -> String? {
    if let numbers = term.tuple?.map(\.integer), !numbers.contains(nil) {
      let known = numbers.compactMap { $0 }
      if known.count == 4, known.allSatisfy({ (0...255).contains($0) }) {
        return known.map(String.init).joined(separator: ".")
      }
      if known.count == 8, known.allSatisfy({ (0...0xffff).contains($0) }) {
        return known.map { String($0, radix: 16) }.joined(separator: ":")
      }
    }
    if term.atom == "localhost" { return "localhost" }
    guard let text = term.atom == nil ? term.text : nil, isHost(text) else { return nil }
    return text
  }

  static func isHost(_ text: some StringProtocol) -> Bool {
    (1...253).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case 48...57, 65...90, 97...122: true
        default: ".-_:".utf8.contains(byte)
        }
      } && (text.contains(".") || text.contains(":") || text == "localhost")
  }

  private static func texts(_ term: Term?, depth: Int = 0) -> [String] {
    guard let term, depth < 8 else { return [] }
    if term.atom == nil, let text = term.text, !text.isEmpty { return [text] }
    return (term.tuple ?? term.list ?? []).flatMap { texts($0, depth: depth + 1) }
  }
}

extension Term {
  /// Parts of a term that are looked at. A reason may be of any size.
  private static let mostParts = 2000

  /// What is found first in the term and its parts, from the outside in. The keys of a list of options are left out.
  /// - Parameter depth: how deep parts are looked at.
  func first<Found>(depth: Int, _ find: (Term) -> Found?) -> Found? {
    var left = Self.mostParts
    return first(depth, &left, find)
  }

  private func first<Found>(_ depth: Int, _ left: inout Int, _ find: (Term) -> Found?) -> Found? {
    left -= 1
    if left < 0 { return nil }
    if let found = find(self) { return found }
    if depth == 0 { return nil }
    for part in tuple ?? list ?? [] {
      let isOption = list != nil && part.tuple?.count == 2 && part.tuple?[0].atom != nil
      let inner = isOption ? part.tuple?[1] ?? part : part
      if let found = inner.first(depth - 1, &left, find) { return found }
    }
    return nil
  }
}
