import Events
import HomeLayout

extension Model {
  /// The apps of the list, filtered, by name.
  var listedApps: [Board.App] {
    let apps = board.apps.values.sorted { $0.name < $1.name }
    let filter = Filter(filters[.view(.releases)])
    return apps.filter { app in
      filter.passes([
        app.name, Wording.state(of: app, at: now), app.worstCause(at: now)?.sentence ?? "",
      ])
    }
  }

  var selectedApp: Board.App? { app.flatMap { board.apps[$0] } }

  /// The shown app's runs, as its pane lists them.
  var listedRuns: [InstanceReport] {
    shownApp.map { InstanceReport.all(of: $0, host: setting.host) } ?? []
  }

  var selectedRun: InstanceReport? {
    if let instance = nodeChoice?.instance { return listedRuns.last { $0.instance == instance } }
    guard isInside, let run else { return nil }
    return listedRuns.first { $0.run == run.id }
  }

  /// The list that is shown.
  var place: Place {
    if view == .nodes, openSettings != nil { return .settings }
    if view == .apps, openTree != nil { return .tree }
    return .view(view)
  }

  /// Holds the selection and the windows against what there is now; the one place that does.
  mutating func settle() {
    let apps = listedApps
    let isGone = selectedApp == nil
    if isGone || view == .releases && !isListed(apps) {
      // Who opens this at night looks for what is wrong.
      let next = apps.first { $0.isInTrouble(at: now) } ?? apps.first
      app = next?.name ?? (isGone || view == .releases ? nil : app)
    }
    settleRun()
    settleNodes()
    settleTop()
  }

  private func isListed(_ apps: [Board.App]) -> Bool { apps.contains { $0.name == app } }

  private mutating func settleRun() {
    guard isInside else {
      run = nil
      return
    }
    let runs = listedRuns
    if runs.contains(where: { $0.run == run?.id }) { return }
    // Its instance runs on as another run: the newest one, which will stay.
    let next = runs.last { $0.instance == run?.instance } ?? runs.first
    run = next.map { RunChoice(id: $0.run, instance: $0.instance) }
    if run == nil { isInside = false }
  }

  private mutating func settleTop() {
    switch view {
    case .releases:
      let height = max(1, listHeight)
      let lines = releaseLines
      let own = lines.indices.filter { lines[$0].app == app }
      keepInSight(own, of: lines.count, height)
    case .logs:
      let height = max(1, listHeight)
      if showsNodeLog {
        nodeLog.entries.settle(height: height, passes: passesLog)
      } else {
        output.lines.settle(height: height, passes: Filter(filters[place]).passes)
      }
    case .events:
      events.settle(height: max(1, listHeight), passes: Filter(filters[place]).passes)
    case .nodes, .apps, .boot: settleSheet()
    }
  }

  private mutating func settleSheet() {
    let sheet = sheet
    let height = max(1, rows(for: sheet, in: sheetArea))
    if let cursor = sheet.cursor {
      keepInSight([cursor.lowerBound, cursor.upperBound], of: sheet.count, height)
    } else if tops[place] != nil {
      tops[place] = top(of: sheet, height: height)
    }
  }

  /// Moves the window of a list no further than needed to show the lines that belong to its cursor.
  private mutating func keepInSight(_ own: [Int], of count: Int, _ height: Int) {
    var top = min(tops[place] ?? 0, max(0, count - height))
    if let last = own.last, last >= top + height { top = last - height + 1 }
    if let first = own.first, first < top { top = first }
    tops[place] = top
  }

  /// Moves what the keys act on by some rows.
  mutating func move(by count: Int) {
    switch (view, isInside) {
    case (.releases, true):
      let runs = listedRuns
      guard let index = runs.firstIndex(where: { $0.run == run?.id }) else { return }
      let next = runs[min(max(0, index.clampedAdding(count)), runs.count - 1)]
      run = RunChoice(id: next.run, instance: next.instance)
    case (.releases, false):
      let apps = listedApps
      guard let index = apps.firstIndex(where: { $0.name == app }) else { return }
      app = apps[min(max(0, index.clampedAdding(count)), apps.count - 1)].name
    case (.logs, _):
      find.found = nil
      if showsNodeLog {
        nodeLog.entries.move(by: count, height: listHeight, passes: passesLog)
      } else {
        output.lines.move(by: count, height: listHeight, passes: Filter(filters[place]).passes)
      }
    case (.events, _):
      events.move(by: count, height: listHeight, passes: Filter(filters[place]).passes)
    case (.nodes, _) where place == .view(.nodes): moveNode(by: count)
    case (.apps, _) where place == .view(.apps) && showsLiveApplications:
      moveApplication(by: count)
    default:
      let sheet = sheet
      let top = top(of: sheet, height: rows(for: sheet, in: sheetArea))
      tops[place] = max(0, top.clampedAdding(count))
    }
  }
}

extension Int {
  func clampedAdding(_ other: Int) -> Int {
    let (sum, overflows) = addingReportingOverflow(other)
    return overflows ? (other < 0 ? .min : .max) : sum
  }
}

extension Feed {
  /// Lets a window that stands still no longer begin before what is kept or behind the last page.
  mutating func settle(height: Int, passes: (Row) -> Bool) {
    guard let top else { return }
    let rows = matching(passes)
    let last = rows.count - height
    guard last > 0, top < rows[last].number else {
      self.top = nil
      return
    }
  }

  mutating func move(by count: Int, height: Int, passes: (Row) -> Bool) {
    let rows = matching(passes)
    let last = rows.count - max(1, height)
    guard last > 0 else {
      top = nil
      return
    }
    let index = top.flatMap { top in rows.firstIndex { $0.number >= top } } ?? last
    let next = index.clampedAdding(count)
    top = next >= last ? nil : rows[max(0, next)].number
  }

  /// The rows in the window with their numbers, and how many follow it.
  func window(
    height: Int, passes: (Row) -> Bool
  ) -> (rows: [(number: Int, row: Row)], after: Int) {
    let rows = matching(passes)
    let last = max(0, rows.count - height)
    let index = top.flatMap { top in rows.firstIndex { $0.number >= top } } ?? last
    let shown = rows[index...].prefix(max(0, height))
    return (Array(shown), rows.count - index - shown.count)
  }
}

/// What `/` narrows a view to: rows that hold the text, in any case unless it has capitals.
struct Filter: Sendable {
  private let text: String
  private let isExact: Bool
  /// The bytes of a text that is all ASCII, which is found without taking letters together.
  private let bytes: [UInt8]?

  init(_ text: String?) {
    self.text = text ?? ""
    isExact = self.text.contains { $0.isUppercase }
    bytes = self.text.utf8.allSatisfy { $0 < 0x80 } ? Array(self.text.utf8) : nil
  }

  var isEmpty: Bool { text.isEmpty }

  func passes(_ texts: [String]) -> Bool {
    if text.isEmpty { return true }
    if let bytes { return texts.contains { Self.holds($0, bytes, isExact: isExact) } }
    return texts.contains { (isExact ? $0 : $0.lowercased()).contains(text) }
  }

  /// Whether ASCII bytes stand in a text; unless exact, its capitals count as small letters.
  private static func holds(_ text: String, _ wanted: [UInt8], isExact: Bool) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
      guard bytes.count >= wanted.count else { return false }
      for start in 0...(bytes.count - wanted.count) {
        var length = 0
        while length < wanted.count {
          let byte = bytes[start + length]
          let isCapital = !isExact && (0x41...0x5A).contains(byte)
          if (isCapital ? byte | 0x20 : byte) != wanted[length] { break }
          length += 1
        }
        if length == wanted.count { return true }
      }
      return false
    }
  }

  func passes(_ line: OutputLine) -> Bool { passes([line.instance.description, line.text]) }

  func passes(_ entry: NodeLog.Entry) -> Bool {
    guard case .line(let line, _) = entry else { return false }
    return passes([line.text, line.module, line.pid, line.level.rawValue])
  }

  func passes(_ event: Event) -> Bool {
    passes([
      event.app ?? "", event.typeName, EventSummary.text(of: event), event.data.by ?? "",
    ])
  }
}

extension Board.App {
  /// The release that a view of one release shows: the one on its way, else the current one.
  var shownRelease: Board.Release? { release(deployment?.release) ?? currentRelease }
}
