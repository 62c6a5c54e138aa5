import ErlangTerm

/// An exception of Elixir, from its struct in an Erlang term.
struct ElixirException {
  /// `RuntimeError`
  let module: String
  private let fields: [Term: Term]
  private let write: (Term) -> String

  /// - Returns: nil if the map is no struct.
  init?(_ fields: [Term: Term], write: @escaping (Term) -> String) {
    // The VM may print the map without the name of its struct.
    let name =
      fields[.atom("__struct__")]?.atom
      ?? (fields[.atom("env")] != nil ? "Elixir.System.EnvError" : nil)
    guard let name, name.hasPrefix("Elixir.") else { return nil }
    (module, self.fields, self.write) = (CodeName.module(name), fields, write)
  }

  private func text(_ key: String) -> String? { fields[.atom(key)].flatMap { Self.text($0) } }

  private static func text(_ term: Term) -> String? {
    guard let bytes = term.binary else { return term.atom == nil ? term.text : nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  var problem: Failure.Problem {
    switch module {
    case "System.EnvError":
      if let name = text("env") { return .missingVariable(name) }
    case "File.Error", "File.CopyError":
      if let path = text("path") ?? text("source"), let error = fields[.atom("reason")]?.atom {
        return .file(verb: verb(text("action") ?? "use"), path: path, error: error)
      }
    case "SyntaxError", "TokenMissingError", "MismatchedDelimiterError":
      if let file = text("file"), let line = fields[.atom("line")]?.integer {
        return .syntax(file: file, line: line, words: text("description") ?? "it cannot be read")
      }
    case "MatchError", "CaseClauseError", "WithClauseError":
      if let term = fields[.atom("term")] {
        let found = ErlangReason(write: write).failure(.tuple([.atom("badmatch"), term])).problem
        if case .system = found { return found }
        return .exception(module: module, message: "no match for \(write(term))")
      }
    default: break
    }
    return byReason ?? LibraryWords.problem(in: message, of: module)
      ?? .exception(module: module, message: message)
  }

  /// `%Redix.ConnectionError{reason: :econnrefused}`
  private var byReason: Failure.Problem? {
    guard let reason = fields[.atom("reason")], text("message") == nil else { return nil }
    if let name = reason.atom, SystemWords.words(name) != nil,
      !SystemWords.common.contains(name) || isOfAConnection
    {
      return .system(name, Failure.Address(service: LibraryWords.service(of: module)))
    }
    return nil
  }

  private var isOfAConnection: Bool {
    LibraryWords.service(of: module) != nil
      || ["Connect", "Transport"].contains { module.contains($0) }
  }

  /// The message, as far as it can be told from the fields; it may be made by code that is not here.
  private var message: String {
    if let postgres = fields[.atom("postgres")]?.map {
      func part(_ key: String) -> String? { postgres[.atom(key)].flatMap { $0.text } }
      return ["severity", "pg_code", "code"].compactMap(part).joined(separator: " ") + " "
        + (part("message") ?? "")
    }
    if let message = text("message") { return message }
    if let key = fields[.atom("key")] { return "key \(write(key)) not found" }
    return ""
  }

  private func verb(_ action: String) -> String {
    // Elixir's own words: `read file`, `make directory (with -p)`, `write to file`
    String(action.prefix { $0 != "(" }).trimmingSpaces.replacing(" file", with: "")
      .replacing(" directory", with: " the folder")
  }
}

extension StringProtocol {
  var trimmingSpaces: String {
    let start = drop { $0.isWhitespace }
    return String(start.reversed().drop { $0.isWhitespace }.reversed())
  }
}
