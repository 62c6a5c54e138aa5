/// What a piece of the screen means. A palette says how it looks; drawing code never does.
///
/// The raw value is the role's key in a theme file.
public enum Role: String, CaseIterable, Sendable {
  case text
  /// Said in passing: ages, hints, what can be ignored.
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
  /// What a search or filter found.
  case match

  /// In order: ready, finished.
  case ready
  /// On its way: starting, booting, stopping.
  case busy
  /// Needs a look: unready.
  case warning
  /// Needs a hand: crashed, failed.
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
