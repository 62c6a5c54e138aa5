import Synchronization

/// What must never be seen, and what was seen of it.
final class Violations: Sendable {
  enum Invariant: String {
    case serving = "1 serving"
    case oneRelease = "2 one current release"
    case oneOwner = "3 one owner"
    case oneOutcome = "4 one outcome"
    case oneLog = "5 one log"
    case ownConfig = "6 own config"
    case nothingLeft = "7 nothing left"
    case truth = "8 truth"
    case routes = "9 routes"
  }

  private let seen = Mutex<[String]>([])
  /// After so many the rest says nothing new.
  private static let most = 20

  var all: [String] { seen.withLock { $0 } }

  func note(_ invariant: Invariant, _ text: String) {
    seen.withLock {
      let line = "\(invariant.rawValue): \(text)"
      if $0.count < Self.most, !$0.contains(line) { $0.append(line) }
    }
  }
}
