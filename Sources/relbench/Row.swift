/// One line of the table.
struct Row {
  var what: String
  var ours: String
  var peer: String
  var ratio: String
  var budget: String

  static let head =
    Row(what: "work", ours: "ours", peer: "peer", ratio: "ratio", budget: "budget").text
    + "\n" + String(repeating: "-", count: 108)

  var text: String {
    func cell(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(1, width - text.count))
    }
    return cell(what, 40) + cell(ours, 16) + cell(peer, 30) + cell(ratio, 8) + budget
  }
}

extension Row: CustomStringConvertible {
  var description: String { text }
}

extension Double {
  /// With a digit behind the point.
  var short: String { "\((self * 10).rounded() / 10)" }
  var two: String { "\((self * 100).rounded() / 100)" }
}

extension [Double] {
  var median: Double {
    let sorted = sorted()
    return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
  }
}
