import ErlangDistribution
import ErlangTerm
import NodeModel

/// The settings of a node: its flags, the environment of its applications, its releases.
enum Settings {
  private static let longestValue = 400
  private static let longestFlag = 300

  static let flagsCall = RemoteCall("init", "get_arguments")

  static func environmentCall(_ applications: [String]) -> RemoteCall {
    RemoteCall(
      "lists", "map",
      [Vitals.export("application", "get_all_env", 1), .list(applications.map { .atom($0) })])
  }

  /// Only for a node whose release handler runs: on others the call would make a new atom.
  static let releasesCall = RemoteCall("release_handler", "which_releases")

  /// `-name a@b`, `-kernel inet_dist_use_interface {127,0,0,1}`
  static func flags(_ answer: Term) -> [String] {
    (answer.list ?? []).compactMap { entry in
      guard let parts = entry.tuple, parts.count == 2, let name = parts[0].atom else { return nil }
      let values = (parts[1].list ?? []).compactMap(\.text)
      let shown = name == "setcookie" ? [Secrets.placeholder] : values
      return String((["-\(name)"] + shown).joined(separator: " ").prefix(longestFlag))
    }
  }

  static func values(_ answer: Term, applications: [String]) -> [NodeSettings.Value] {
    zip(applications, answer.list ?? []).flatMap { application, environment in
      (environment.list ?? []).compactMap { pair -> NodeSettings.Value? in
        guard let parts = pair.tuple, parts.count == 2 else { return nil }
        let key = parts[0].atom ?? "\(parts[0])"
        let text = TextFormat.print(Secrets.masked(parts[1], key: key))
        return NodeSettings.Value(
          application: application, key: key, text: String(text.prefix(longestValue)))
      }
      .sorted { $0.key < $1.key }
    }
  }

  /// `{Name, Version, Libraries, Status}`
  static func releases(_ answer: Term) -> [NodeSettings.Release] {
    (answer.list ?? []).compactMap { entry in
      guard let parts = entry.tuple, parts.count == 4, let name = parts[0].text,
        let version = parts[1].text, let status = parts[3].atom
      else { return nil }
      return NodeSettings.Release(name: name, version: version, status: status)
    }
  }
}

/// Finds the values in an application's environment that must not be shown. The name decides, since a value does not
/// show whether it is secret.
enum Secrets {
  static let placeholder = "«masked»"

  private static let words = [
    "secret", "password", "passwd", "passphrase", "token", "cookie", "credential", "private",
    "apikey", "api_key", "access_key", "key_base", "signing", "salt", "dsn", "auth",
  ]

  private static func isSecret(_ name: String) -> Bool {
    let name = name.lowercased()
    return words.contains { name.contains($0) } || name == "key"
  }

  /// The term with its secrets replaced, at every depth: the values of secret keys in pairs and maps, and passwords of
  /// addresses in texts.
  static func masked(_ term: Term, key: String) -> Term {
    if isSecret(key), !isFlag(term) { return .atom(placeholder) }
    switch term {
    case .list(let elements):
      if let text = term.text, !elements.isEmpty { return address(text).map(Term.charlist) ?? term }
      return .list(elements.map { masked($0, key: "") })
    case .improperList(let elements, let tail):
      return .improperList(elements.map { masked($0, key: "") }, tail: masked(tail, key: ""))
    case .tuple(let elements):
      if elements.count == 2, let name = elements[0].text {
        return .tuple([elements[0], masked(elements[1], key: name)])
      }
      return .tuple(elements.map { masked($0, key: "") })
    case .map(let entries):
      let pairs = entries.map { ($0, masked($1, key: $0.text ?? "")) }
      return .map(Dictionary(pairs) { first, _ in first })
    case .binary: return term.text.flatMap(address).map(Term.utf8) ?? term
    case .fun: return .atom("fun")
    default: return term
    }
  }

  /// Switches and numbers are shown: they are not secret.
  private static func isFlag(_ term: Term) -> Bool {
    switch term {
    case .integer: true
    case .atom(let name): ["true", "false", "nil", "undefined"].contains(name)
    case .list(let elements): elements.isEmpty
    default: false
    }
  }

  /// `ecto://user:«masked»@host/db` for an address with a password; nil for any other text.
  private static func address(_ text: String) -> String? {
    guard let scheme = text.firstRange(of: "://"),
      let at = text[scheme.upperBound...].firstIndex(of: "@"),
      let colon = text[scheme.upperBound..<at].firstIndex(of: ":")
    else { return nil }
    return "\(text[...colon])\(placeholder)\(text[at...])"
  }
}
