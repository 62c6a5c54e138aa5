import Events
import NodeModel

extension Model {
  /// Whether the Logs view shows a node's own log: the operator chose it, or there is no other.
  var showsNodeLog: Bool {
    guard shownNode != nil else { return false }
    return shownApp == nil || logs.prefersNode
  }

  /// The one instance whose output is shown; nil for all of the app.
  var outputInstance: InstanceName? {
    selection.node?.instance ?? (selection.isInside ? selection.run?.instance : nil)
  }

  mutating func switchSource() throws(DisabledReason) {
    if shownNode == nil { throw .noNode }
    if shownApp == nil { throw .onlyItsLog }
    if showsNodeLog { logs.node.isInterrupted = true }
    logs.prefersNode.toggle()
    logs.search.found = nil
  }

  /// Steps from all levels to the least severe one and on to the most severe.
  mutating func nextLevel() throws(DisabledReason) {
    if !showsNodeLog { throw .noLevels }
    let steps: [NodeLogLine.Level?] = [nil, .debug, .info, .notice, .warning, .error]
    let index = steps.firstIndex(of: logs.leastLevel) ?? 0
    logs.leastLevel = steps[(index + 1) % steps.count]
  }

  /// Goes to the next line that holds the text, upwards for older ones.
  mutating func find(older: Bool) throws(DisabledReason) {
    if logs.search.text.isEmpty { throw .nothingToFind }
    let wanted = Filter(logs.search.text)
    let (height, from, filter) = (listHeight, logs.search.found, logFilter)
    let found = shownLog.find(
      from: from, older: older, height: height, passes: filter.passes
    ) { wanted.passes($0) }
    guard let found else { throw .notFound(logs.search.text, older: older) }
    logs.search.found = found
  }

  /// Keeps the typed text; a search starts at once.
  mutating func endTyping() throws(DisabledReason) {
    guard case .typing(let field, _) = mode else { return }
    mode = .normal
    guard field == .search else { return }
    logs.search.found = nil
    if !logs.search.text.isEmpty { try find(older: true) }
  }

  /// The log that the Logs view shows.
  var shownLog: Feed<LogEntry> {
    get { showsNodeLog ? logs.node.lines : logs.output.lines }
    set {
      if showsNodeLog { logs.node.lines = newValue } else { logs.output.lines = newValue }
    }
  }

  var logFilter: LogFilter {
    LogFilter(text: position(of: .view(.logs)).filter, least: logs.leastLevel)
  }
}

/// A filter for the entries of a log. It passes lines with a text, in a node's log only from a level
/// on, and all entries that report missing lines.
struct LogFilter: Sendable {
  var text: Filter
  var least: NodeLogLine.Level?

  func passes(_ entry: LogEntry) -> Bool {
    switch entry {
    case .output: text.passes(entry)
    case .line(let line, _): line.level <= least ?? .debug && text.passes(entry)
    case .lost, .gap: true
    }
  }
}

extension NodeLog {
  /// The number of lines of one message that are kept.
  private static let mostLines = 100

  /// Adds new lines of its node, and the number of lines that were lost before them.
  mutating func append(_ part: NodeLogPart) {
    guard part.node == node else { return }
    if isInterrupted, !lines.rows.isEmpty { lines.append([.gap]) }
    isInterrupted = false
    if part.lost > 0 {
      if case .lost(let before)? = lines.rows.last {
        lines.amendLast(.lost(before.clampedAdding(part.lost)))
      } else {
        lines.append([.lost(part.lost)])
      }
    }
    lines.append(part.lines.suffix(lines.limit).flatMap(Self.entries))
  }

  private static func entries(of message: NodeLogLine) -> [LogEntry] {
    let texts = message.text.split(
      maxSplits: mostLines, omittingEmptySubsequences: true, whereSeparator: \.isNewline)
    if texts.isEmpty { return [.line(message, isFirst: true)] }
    return texts.enumerated().map { index, text in
      var line = message
      line.text = text.bounded
      return .line(line, isFirst: index == 0)
    }
  }
}

extension StringProtocol {
  /// The text, cut if it is longer than any screen.
  var bounded: String { utf8.count > 4000 ? String(prefix(2000)) : String(self) }
}
