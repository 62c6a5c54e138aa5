import SlugStore

/// Something in a finished slug that its maker should know of. It names files, relative to the slug, and never a value.
public enum SlugFinding: Hashable, Sendable {
  /// A cookie that whoever sees the slug, or guesses it, knows.
  case cookie(file: String, line: Int)
  /// The value of a config var.
  case value(variable: String, file: String)
  /// The path of the folder it was built in.
  case buildPath(file: String)
  case native(NativeCode.Finding)

  public var sentence: String {
    switch self {
    case .cookie(let file, let line):
      "\(file):\(line) sets a cookie that everybody with the slug knows"
    case .value(let variable, let file): "the value of \(variable) is in \(file)"
    case .buildPath(let file): "\(file) holds the path of the folder it was built in"
    case .native(let finding): finding.sentence
    }
  }

  public var remedy: String? {
    switch self {
    case .cookie: "Take -setcookie out, and set RELEASE_COOKIE or SECRET_KEY_BASE."
    case .value(let variable, _):
      "Read \(variable) when the release starts: in config/runtime.exs, not in code or other configuration."
    case .buildPath:
      "Code that asks for __DIR__ or Path.expand when it is compiled finds nothing there later; "
        + "use Application.app_dir when it runs."
    case .native: nil
    }
  }
}
