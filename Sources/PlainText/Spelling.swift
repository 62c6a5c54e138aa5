/// Suggestions for a mistyped word.
public enum Spelling {
  /// The candidates with the fewest typing errors between them and the word: at most two, and fewer than its letters.
  public static func nearest(to word: String, among candidates: [String]) -> [String] {
    guard word.count <= 40 else { return [] }
    let ranked = candidates.map { (word: $0, slips: slips(Array(word), Array($0))) }
    guard let fewest = ranked.map(\.slips).min(), fewest <= min(2, word.count - 1) else {
      return []
    }
    return ranked.filter { $0.slips == fewest }.map(\.word)
  }

  /// The count of typing errors between two words: letters added, dropped, changed or swapped.
  private static func slips(_ one: [Character], _ other: [Character]) -> Int {
    var before: [Int] = []
    var last = Array(0...other.count)
    for (row, letter) in one.enumerated() {
      var current = [row + 1]
      for (column, candidate) in other.enumerated() {
        var best = min(
          last[column] + (letter == candidate ? 0 : 1), last[column + 1] + 1,
          current[column] + 1)
        if row > 0, column > 0, one[row - 1] == candidate, other[column - 1] == letter {
          best = min(best, before[column - 1] + 1)
        }
        current.append(best)
      }
      before = last
      last = current
    }
    return last[other.count]
  }
}
