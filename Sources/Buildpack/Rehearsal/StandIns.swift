import Events
import Instance
import ReleaseModel

/// Values that stand for config vars whose real ones a rehearsal must not see: by name and use, or from app.json.
///
/// What is invented and could be mistaken holds the variable's name, so that a complaint about a value tells whose it
/// was.
struct StandIns: Codable, Equatable, Sendable {
  private(set) var values: [String: String] = [:]
  /// Those whose value is nobody's but ours.
  private(set) var invented: Set<String> = []

  /// - Parameter variables: those that run-time configuration cannot do without get a value; an optional one stays
  ///   unset.
  init(_ variables: [Manifest.Variable] = [], _ appJSON: AppJSON? = nil) {
    for variable in variables where variable.need != .optional { invent(variable.name) }
    for (name, wish) in appJSON?.env ?? [:] where !Self.isOurs(name) {
      if let value = wish.value {
        values[name] = value
        invented.remove(name)
      } else if wish.generator != nil || wish.required != false {
        invent(name)
      }
    }
  }

  mutating func invent(_ name: String) {
    if Self.isOurs(name) || values[name] != nil { return }
    values[name] = Self.value(for: name)
    invented.insert(name)
  }

  /// What decides how the release is started is not for others to set.
  static func isOurs(_ name: String) -> Bool {
    ConfigVar.reserved.contains(name) || BuildEnvironment.refused.contains(name)
      || name.hasPrefix("RELEASE_") || name.hasPrefix("ERL_") || name == "LANG"
  }

  /// Endings of names, and what such a variable is good for; the first that fits counts.
  private static let table: [(endings: [String], value: String)] = [
    (["DATABASE_URL", "DB_URL", "POSTGRES_URL", "REPO_URL"], "ecto://NAME:NAME@127.0.0.1:1/NAME"),
    (["MYSQL_URL"], "mysql://NAME:NAME@127.0.0.1:1/NAME"),
    (["REDIS_URL", "REDIS_URI"], "redis://:NAME@127.0.0.1:1/0"),
    (["AMQP_URL", "AMQP_URI", "RABBITMQ_URL", "RABBIT_URL"], "amqp://NAME:NAME@127.0.0.1:1"),
    (["MONGODB_URI", "MONGO_URL", "MONGODB_URL"], "mongodb://NAME:NAME@127.0.0.1:1/NAME"),
    (["SMTP_URL"], "smtp://NAME:NAME@127.0.0.1:1"),
    (["_URL", "_URI", "_ENDPOINT", "URL"], "http://127.0.0.1:1/NAME"),
    (["_DSN"], "http://NAME@127.0.0.1:1/1"),
    (
      ["KEY_BASE", "SECRET", "SALT"], "NAME-0123456789-0123456789-0123456789-0123456789-0123456789"
    ),
    (["_PORT"], "1"),
    (["_MS", "_TIMEOUT", "_INTERVAL", "_TTL", "_SECONDS", "_DELAY"], "10000"),
    (
      [
        "_SIZE", "_COUNT", "_LIMIT", "_MAX", "_MIN", "_WORKERS", "_CONCURRENCY", "_RETRIES",
        "_INSTANCES",
      ], "1"
    ),
    (["HOST", "HOSTNAME", "_DOMAIN", "_SERVER"], "localhost"),
    (["_IP", "_ADDRESS"], "127.0.0.1"),
    (["_EMAIL", "_FROM"], "NAME@localhost"),
    (["ENABLE", "ENABLED", "DISABLED", "DEBUG", "_SSL", "_TLS", "_IPV6"], "false"),
    (["LOG_LEVEL"], "info"),
  ]

  static func value(for name: String) -> String {
    let own = "rehearsal-" + name.lowercased().replacing("_", with: "-")
    // It says whether, not what.
    if name.hasPrefix("ENABLE_") || name.hasPrefix("USE_") { return "false" }
    let fitting = table.first { row in row.endings.contains { name.hasSuffix($0) } }
    return fitting?.value.replacing("NAME", with: own) ?? own
  }

  // MARK: - After a failure

  /// Those invented whose value stands in a text.
  func blamed(in text: String) -> [String] {
    invented.filter { text.contains("rehearsal-" + $0.lowercased().replacing("_", with: "-")) }
      .sorted()
  }

  /// Where the last words say which kind of value was wanted, another try is worth its time.
  /// - Parameter known: names of config vars that the app has; one of them is not missing where its real value is.
  /// - Returns: whether anything has changed.
  mutating func improve(after last: OutputDiagnosis, known: Set<String>) -> Bool {
    if let name = last.missingVariable, known.contains(name), values[name] == nil {
      invent(name)
      return values[name] != nil
    }
    let kinds = [("binary_to_integer", "1"), ("list_to_integer", "1"), ("binary_to_float", "1.0")]
    for (call, number) in kinds {
      for line in last.lines where line.contains(call) {
        guard let name = blamed(in: line).first, values[name] != number else { continue }
        values[name] = number
        return true
      }
    }
    return false
  }
}
