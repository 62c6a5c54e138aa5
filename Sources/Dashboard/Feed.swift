/// The newest rows of a stream, with a window that follows the end or stands still.
struct Feed<Row: Sendable>: Sendable {
  let limit: Int
  private(set) var rows: [Row] = []
  /// The count of rows dropped from the front: row `i` has the number `dropped + i`.
  private(set) var dropped = 0
  /// The number of the first row shown; nil follows the end.
  var top: Int?

  init(limit: Int) { self.limit = limit }

  mutating func append(_ new: [Row]) {
    rows += new
    let excess = rows.count - limit
    if excess > 0 {
      rows.removeFirst(excess)
      dropped += excess
    }
  }

  /// Replaces the last row, if there is one.
  mutating func amendLast(_ row: Row) { if !rows.isEmpty { rows[rows.count - 1] = row } }

  /// The rows that pass, with their numbers.
  func matching(_ passes: (Row) -> Bool) -> [(number: Int, row: Row)] {
    rows.enumerated().compactMap { index, row in passes(row) ? (dropped + index, row) : nil }
  }

  /// Makes the window follow the end if it has reached the last page.
  mutating func settle(height: Int, passes: (Row) -> Bool) {
    guard let top else { return }
    let rows = matching(passes)
    let last = rows.count - height
    if last <= 0 || top >= rows[last].number { self.top = nil }
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
  func window(height: Int, passes: (Row) -> Bool) -> (rows: [(number: Int, row: Row)], after: Int) {
    let rows = matching(passes)
    let last = max(0, rows.count - height)
    let index = top.flatMap { top in rows.firstIndex { $0.number >= top } } ?? last
    let shown = rows[index...].prefix(max(0, height))
    return (Array(shown), rows.count - index - shown.count)
  }

  /// Finds the next matching row among those that pass, and moves the window to it. The search
  /// starts at the row found before, else at the end of the window.
  /// - Returns: its number; nil if there is none, and nothing moves.
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
