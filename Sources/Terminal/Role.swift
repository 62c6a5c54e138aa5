/// The meaning of a piece of the screen. Drawing code names roles; a palette gives each a style.
///
/// The raw value is the role's key in a theme file.
public enum Role: String, CaseIterable, Sendable {
  case text
  /// Less important text: ages, hints.
  case aside
  case title
  /// Column titles.
  case header
  case border
  /// The row that keys act on.
  case selected
  /// The focused tab, button or field.
  case focus
  /// A key in a hint or in help.
  case key
  /// Text that a search or filter found.
  case match

  /// Good: ready, finished.
  case ready
  /// On its way: starting, booting, stopping.
  case busy
  /// Needs attention: unready.
  case warning
  /// Needs help: crashed, failed.
  case bad
  /// Neither good nor bad: stopped.
  case idle

  /// The filled part of a bar.
  case bar
  case added
  case removed

  case logDebug = "log-debug"
  case logInfo = "log-info"
  case logNotice = "log-notice"
  case logWarning = "log-warning"
  case logError = "log-error"
}
