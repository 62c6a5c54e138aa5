import Events
import HomeLayout
import NodeModel

extension Model {
  /// Whether the Logs view shows a node's own log: chosen, or nothing else is there.
  var showsNodeLog: Bool {
    guard shownNode != nil else { return false }
    return shownApp == nil || prefersNodeLog
  }

  /// The instance whose output is shown alone.
  var outputInstance: InstanceName? { nodeChoice?.instance ?? (isInside ? run?.instance : nil) }

  mutating func switchSource() throws(Refusal) -> [Effect] {
    if shownNode == nil { throw .noNode }
    if shownApp == nil { throw .onlyItsLog }
    if showsNodeLog { nodeLog.isInterrupted = true }
    prefersNodeLog.toggle()
    find.found = nil
    return []
  }

  /// All, then from the least severe level on.
  mutating func nextLevel() throws(Refusal) -> [Effect] {
    if !showsNodeLog { throw .noLevels }
    let steps: [NodeLogLine.Level?] = [nil, .debug, .info, .notice, .warning, .error]
    let index = steps.firstIndex(of: leastLevel) ?? 0
    leastLevel = steps[(index + 1) % steps.count]
    return []
  }

  /// Goes to the next line that holds the text, upwards for older ones.
  mutating func find(older: Bool) throws(Refusal) -> [Effect] {
    if find.text.isEmpty { throw .nothingToFind }
    let filter = Filter(find.text)
    let (height, from) = (listHeight, find.found)
    let found: Int?
    if showsNodeLog {
      found = nodeLog.entries.find(
        from: from, older: older, height: height, passes: passesLog
      ) { filter.passes($0) }
    } else {
      let shown = Filter(filters[.view(.logs)])
      found = output.lines.find(
        from: from, older: older, height: height, passes: shown.passes
      ) { filter.passes($0) }
    }
    guard let found else { throw .notFound(find.text, older: older) }
    find.found = found
    return []
  }

  /// Keeps what was typed; a text to find is looked for at once.
  mutating func endTyping() throws(Refusal) -> [Effect] {
    guard case .typing(let field, _) = mode else { return [] }
    mode = .normal
    guard field == .find else { return [] }
    find.found = nil
    return find.text.isEmpty ? [] : try find(older: true)
  }

  /// Whether a line of a node's log is to be shown.
  var passesLog: (NodeLog.Entry) -> Bool {
    let (filter, least) = (Filter(filters[.view(.logs)]), leastLevel)
    return { entry in
      guard case .line(let line, _) = entry else { return true }
      return least.map { line.level.isAtLeast($0) } ?? true && filter.passes(entry)
    }
  }
}

extension NodeLogLine.Level {
  /// Whether it is as severe as another, or worse.
  func isAtLeast(_ other: Self) -> Bool {
    let all = Self.allCases
    return all.firstIndex(of: self) ?? 0 <= all.firstIndex(of: other) ?? 0
  }
}

extension NodeLog {
  /// More lines than any message that a person reads has.
  private static let mostLines = 100

  /// Takes lines of its node in, and the number of those that were lost before them.
  mutating func append(_ part: NodeLogPart) {
    guard part.node == node else { return }
    if isInterrupted, !entries.rows.isEmpty { entries.append([.gap]) }
    isInterrupted = false
    if part.lost > 0 {
      if case .lost(let before)? = entries.rows.last {
        entries.amendLast(.lost(before.clampedAdding(part.lost)))
      } else {
        entries.append([.lost(part.lost)])
      }
    }
    entries.append(part.lines.suffix(entries.limit).flatMap(Self.lines))
  }

  private static func lines(of message: NodeLogLine) -> [Entry] {
    let texts = message.text.split(
      maxSplits: mostLines, omittingEmptySubsequences: true, whereSeparator: \.isNewline)
    if texts.isEmpty { return [.line(message, isFirst: true)] }
    return texts.enumerated().map { index, text in
      var line = message
      line.text = bounded(text)
      return .line(line, isFirst: index == 0)
    }
  }

  /// A line longer than any screen only costs memory.
  private static func bounded(_ text: Substring) -> String {
    text.utf8.count > 4000 ? String(text.prefix(2000)) : String(text)
  }
}

extension Feed {
  /// Looks among the rows that pass for the next that matches, from the one found before or else from the end of
  /// the window, and moves the window to it.
  ///
  /// - Returns: its number; nil where there is none, and nothing moves.
  mutating func find(
    from: Int?, older: Bool, height: Int, passes: (Row) -> Bool, matches: (Row) -> Bool
  ) -> Int? {
    let shown = matching(passes)
    let height = max(1, height)
    let last = max(0, shown.count - height)
    let first = top.flatMap { top in shown.firstIndex { $0.number >= top } } ?? last
    let end = shown[min(first + height, shown.count)...].first?.number
    let start = from ?? end ?? dropped + rows.count
    let found =
      older
      ? shown.lastIndex { $0.number < start && matches($0.row) }
      : shown.firstIndex { $0.number > start && matches($0.row) }
    guard let found else { return nil }
    if !(first..<first + height).contains(found) {
      let next = max(0, found - height / 2)
      top = next >= last ? nil : shown[next].number
    }
    return shown[found].number
  }
}
