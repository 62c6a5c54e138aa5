import Glibc

/// One line of the table.
struct Row {
  var what: String
  var ours: String
  var peer = "–"
  var ratio = "–"
  var budget = "–"

  static func showHead() {
    Row(what: "work", ours: "ours", peer: "peer", ratio: "ratio", budget: "budget").show()
    print(String(repeating: "-", count: 158))
  }

  func show() {
    print(text)
    // A run is long, so each line is flushed for a reader behind a pipe.
    fflush(nil)
  }

  private var text: String {
    func cell(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(1, width - text.count))
    }
    return cell(what, 46) + cell(ours, 32) + cell(peer, 46) + cell(ratio, 22) + budget
  }
}

extension Double {
  /// With a digit behind the point.
  var short: String { "\((self * 10).rounded() / 10)" }
  var two: String { "\((self * 100).rounded() / 100)" }
}

extension [Double] {
  var median: Double { share(0.5) }

  /// The median, and the least and the greatest.
  var spread: String { "\(median.two) (\(share(0).two)–\(share(1).two))" }

  /// The value that this share of all is below.
  func share(_ share: Double) -> Double {
    let sorted = sorted()
    return sorted.isEmpty ? 0 : sorted[Swift.min(count - 1, Int(Double(count) * share))]
  }
}
