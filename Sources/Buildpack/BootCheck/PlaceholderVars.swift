import Events
import ReleaseModel

/// Values for config vars whose real values the boot check must not use. They come from app.json, or are invented from
/// the variable's name.
///
/// An invented value holds the variable's name where it can, so that an error message about the value names the variable.
struct PlaceholderVars: Codable, Equatable, Sendable {
  private(set) var values: [String: String] = [:]
  private(set) var invented: Set<String> = []

  /// - Parameter variables: what run-time configuration reads. Required ones get a value; optional ones stay unset, and
  ///   so do those that only code reads, because most of it does not run in a boot.
  init(_ variables: [Manifest.Variable] = [], _ appJSON: AppJSON? = nil) {
    for variable in variables where variable.need != .optional && !variable.isInCode {
      invent(variable.name)
    }
    for (name, entry) in appJSON?.env ?? [:] where !Self.isOurs(name) {
      if let value = entry.value {
        values[name] = value
        invented.remove(name)
      } else if entry.generator != nil || entry.required != false {
        invent(name)
      }
    }
  }

  mutating func invent(_ name: String) {
    if Self.isOurs(name) || values[name] != nil { return }
    values[name] = Self.value(for: name)
    invented.insert(name)
  }

  /// Whether the boot check sets this variable itself, because it decides how the release starts.
  static func isOurs(_ name: String) -> Bool {
    ConfigVar.reserved.contains(name) || BuildEnvironment.refused.contains(name)
      || name.hasPrefix("RELEASE_") || name.hasPrefix("ERL_") || name == "LANG"
  }

  /// Values by the ending of the variable's name; the first row that fits counts.
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
    let own = label(name)
    // Such a variable is a switch.
    if name.hasPrefix("ENABLE_") || name.hasPrefix("USE_") { return "false" }
    let fitting = table.first { row in row.endings.contains { name.hasSuffix($0) } }
    return fitting?.value.replacing("NAME", with: own) ?? own
  }

  private static func label(_ name: String) -> String {
    "placeholder-" + name.lowercased().replacing("_", with: "-")
  }

  /// Names of the variables whose invented value is in the text.
  func blamed(in text: String) -> [String] {
    invented.filter { text.contains(Self.label($0)) }.sorted()
  }

  /// Corrects a placeholder if the release's last output says which kind of value it needs.
  /// - Parameters:
  ///   - missing: the variable that the release misses.
  ///   - known: names of the app's config vars. A missing variable gets a value only if it is one of these.
  /// - Returns: whether a value has changed, so that another try makes sense.
  mutating func improve(after lines: [String], missing: String?, known: Set<String>) -> Bool {
    if let name = missing, known.contains(name), values[name] == nil {
      invent(name)
      return values[name] != nil
    }
    let kinds = [("binary_to_integer", "1"), ("list_to_integer", "1"), ("binary_to_float", "1.0")]
    for (call, number) in kinds {
      for line in lines where line.contains(call) {
        guard let name = blamed(in: line).first, values[name] != number else { continue }
        values[name] = number
        return true
      }
    }
    return false
  }
}
