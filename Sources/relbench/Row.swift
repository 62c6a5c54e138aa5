import Glibc

/// The lines of the table.
enum Row {
  static func showHead() {
    Row.show(what: "work", ours: "ours", peer: "peer", ratio: "ratio", budget: "budget")
    print(String(repeating: "-", count: 158))
  }

  static func show(
    what: String, ours: String, peer: String = "–", ratio: String = "–", budget: String = "–"
  ) {
    func cell(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(1, width - text.count))
    }
    print(cell(what, 46) + cell(ours, 32) + cell(peer, 46) + cell(ratio, 22) + budget)
    // A run is long, so each line is flushed at once, also into a pipe.
    fflush(nil)
  }
}

extension Double {
  /// With one digit after the decimal point.
  var short: String { "\((self * 10).rounded() / 10)" }
  var two: String { "\((self * 100).rounded() / 100)" }
}

extension [Double] {
  var median: Double { share(0.5) }

  /// The median, and the least and the greatest.
  var spread: String { "\(median.two) (\(share(0).two)–\(share(1).two))" }

  /// The value below which this share of all values lies.
  func share(_ share: Double) -> Double {
    let sorted = sorted()
    return sorted.isEmpty ? 0 : sorted[Swift.min(count - 1, Int(Double(count) * share))]
  }
}
