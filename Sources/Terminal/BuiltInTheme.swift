/// The themes that are part of the program, so that it needs no theme file.
public enum BuiltInTheme: String, CaseIterable, Sendable {
  case dark, light

  /// The name for error messages, and the file in `themes/`.
  public var file: String { "\(rawValue).theme" }

  /// The theme as text, which an operator can copy and change.
  public var text: String {
    switch self {
    case .dark: String(decoding: PackageResources.dark_theme, as: UTF8.self)
    case .light: String(decoding: PackageResources.light_theme, as: UTF8.self)
    }
  }
}
