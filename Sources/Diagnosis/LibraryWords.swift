/// Understands messages of libraries in which the facts are in words only.
enum LibraryWords {
  /// What a library's client talks to, by the first part of its module's name.
  static func service(of module: String) -> String? {
    switch module.split(separator: ".").first {
    case "Postgrex": "Postgres"
    case "MyXQL": "MySQL"
    case "Redix": "Redis"
    case "Xandra": "Cassandra"
    case "Mongo": "MongoDB"
    case "AMQP": "RabbitMQ"
    case "Tds": "SQL Server"
    default: nil
    }
  }

  /// - Parameter module: the exception's.
  static func problem(in message: String, of module: String = "") -> Failure.Problem? {
    if let name = missingVariable(in: message) { return .missingVariable(name) }
    if let refusal = refusal(in: message, of: module) { return refusal }
    if let wait = noConnection(in: message) { return wait }
    return connection(in: message, of: module)
  }

  /// The variable that Elixir's `System.fetch_env!`, or Phoenix's template for `runtime.exs`, says is missing.
  static func missingVariable(in message: String) -> String? {
    guard let start = message.firstRange(of: "environment variable ") else { return nil }
    let rest = message[start.upperBound...]
    let isQuoted = rest.first.map { "\"'`".contains($0) } ?? false
    let name = rest.dropFirst(isQuoted ? 1 : 0).prefix {
      $0.isLetter || $0.isNumber || $0 == "_"
    }
    let after = rest[name.endIndex...].prefix(60).lowercased().drop { "\"'` ,:".contains($0) }
    guard let first = name.first, !first.isNumber, isQuoted || name.allSatisfy({ !$0.isLowercase }),
      wordsOfAbsence.contains(where: { after.hasPrefix($0) }), !after.hasPrefix("must be set to")
    else { return nil }
    return String(name)
  }

  private static let wordsOfAbsence =
    ["", "because it ", "but it ", "which "].flatMap { start in
      ["is ", "was ", ""].flatMap { verb in
        ["missing", "not set", "unset", "required", "not found", "not defined"].map {
          start + verb + $0
        }
      }
    } + ["must be set"]

  /// A database server's refusal: `FATAL 28P01 (invalid_password) password authentication failed …`
  private static func refusal(in message: String, of module: String) -> Failure.Problem? {
    guard let start = message.firstRange(of: "FATAL ") else { return nil }
    var words = message[start.upperBound...].prefix { !$0.isNewline }
    // Logs of other programs have the word, too. PostgreSQL, "Error Codes": a code has five characters.
    let code = words.prefix { $0 != " " }
    let isCode = code.utf8.count == 5 && code.allSatisfy { $0.isNumber || $0.isUppercase }
    guard isCode || service(of: module) != nil else { return nil }
    if let end = words.firstRange(of: ") ") { words = words[end.upperBound...] }
    return .refused(by: service(of: module) ?? "Postgres", words: String(words))
  }

  /// `[Shop.Repo] connection not available and request was dropped from queue after 2987ms.`
  private static func noConnection(in message: String) -> Failure.Problem? {
    guard let start = message.firstRange(of: "connection not available") else { return nil }
    let before = message[..<start.lowerBound].split { "[] ".contains($0) }.last
    let time = message[start.upperBound...].firstRange(of: "after ").flatMap {
      Int(message[$0.upperBound...].prefix { $0.isNumber })
    }
    return .noConnection(of: before.map(String.init), milliseconds: time)
  }

  /// What a message says of a connection, or of a port to listen on.
  private static func connection(in message: String, of module: String) -> Failure.Problem? {
    let lower = message.lowercased()
    let isListening = isInUse(lower)
    guard isListening || lower.contains("connect"),
      let error = isListening ? "eaddrinuse" : SystemWords.name(of: message)
    else { return nil }
    var address = address(in: message)
    if let service = service(of: module) ?? named(in: message) { address.service = service }
    return .system(error, address)
  }

  /// Whether a message is about an address that is taken: `address already in use`, `port 4000 already in use`
  private static func isInUse(_ message: String) -> Bool {
    if message.contains("eaddrinuse") { return true }
    let words = message.split { !($0.isLetter || $0.isNumber) }.filter {
      !["is", "already", "the"].contains($0)
    }
    return zip(words.indices, words).contains { index, word in
      guard word == "in", index + 1 < words.count, words[index + 1] == "use", index > 0 else {
        return false
      }
      return words[index - 1] == "address"
        || index > 1 && words[index - 2] == "port" && words[index - 1].allSatisfy(\.isNumber)
    }
  }

  private static func named(in message: String) -> String? {
    if message.contains("Redis") { return "Redis" }
    return message.contains("Postgrex.Protocol") ? "Postgres" : nil
  }

  /// The first `HOST:PORT` in a text, or the number behind the word `port`.
  static func address(in text: String) -> Failure.Address {
    let words = text.split { $0.isWhitespace || "(),;'\"".contains($0) }.map { word in
      word.last == ":" || word.last == "." ? word.dropLast() : word
    }
    for word in words {
      guard let colon = word.lastIndex(of: ":") else { continue }
      let (host, end) = (word[..<colon], word[word.index(after: colon)...])
      let digits = end.prefix { $0.isNumber }
      // `12:00:05.606` is a time.
      guard let port = UInt16(digits), port > 0,
        !end[digits.endIndex...].contains(where: \.isNumber)
      else { continue }
      if let inner = bracketed(host) { return Failure.Address(host: inner, port: port) }
      if !host.contains(":"), ErlangReason.isHost(host) || isName(host) {
        return Failure.Address(host: String(host), port: port)
      }
    }
    for (word, next) in zip(words, words.dropFirst()) where word.lowercased() == "port" {
      if let port = UInt16(next.prefix { $0.isNumber }), port > 0 {
        return Failure.Address(port: port)
      }
    }
    return Failure.Address()
  }

  /// The address of IPv6 in `[::1]`.
  private static func bracketed(_ host: Substring) -> String? {
    guard host.last == "]", let open = host.lastIndex(of: "[") else { return nil }
    return String(host[host.index(after: open)...].dropLast())
  }

  /// Whether it can be the name of a host in a local network: `db`. File names with a line do not count.
  private static func isName(_ text: Substring) -> Bool {
    guard let first = text.first, first.isLetter else { return false }
    return text.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }
      && text.lowercased() == text
  }
}
