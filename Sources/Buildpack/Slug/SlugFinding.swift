import SlugStore

/// A problem in a finished slug. It names files relative to the slug, and never a value.
public enum SlugFinding: Hashable, Sendable {
  case cookie(file: String, line: Int)
  case value(variable: String, file: String)
  /// The value of a config var that does not look like a secret.
  case harmless(variable: String, file: String)
  case native(NativeCode.Incompatibility)

  public var sentence: String {
    switch self {
    case .cookie(let file, let line):
      "\(file):\(line) sets a cookie, which can be read in every copy of the slug"
    case .value(let variable, let file), .harmless(let variable, let file):
      "the value of \(variable) is in \(file)"
    case .native(let finding): finding.sentence
    }
  }

  public var remedy: String? {
    switch self {
    case .cookie: "Take -setcookie out, and set RELEASE_COOKIE or SECRET_KEY_BASE."
    case .value(let variable, _):
      "Read \(variable) when the release starts: in config/runtime.exs, not in code or other configuration. "
        + "If the value is no secret, set the config var RELPACK_PUBLIC=\(variable)."
    case .native, .harmless: nil
    }
  }

  /// One line about all values that do not look like secrets; nil if there are none.
  static func harmless(_ findings: [SlugFinding]) -> String? {
    var names: [String] = []
    var places: [String] = []
    for case .harmless(let variable, let file) in findings where !names.contains(variable) {
      names.append(variable)
      places.append("\(variable) (\(file))")
    }
    if names.isEmpty { return nil }
    let more = places.count > 3 ? " and \(places.count - 3) more" : ""
    return
      "the slug holds values of config vars: \(places.prefix(3).joined(separator: ", "))\(more). "
      + "If that is wanted: RELPACK_PUBLIC=\(names.joined(separator: ","))"
  }
}
