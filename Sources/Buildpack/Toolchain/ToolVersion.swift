/// A version of Erlang/OTP, Elixir or Node: numbers, and for a release candidate a name after a hyphen.
public struct ToolVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
  public var numbers: [Int]
  /// `rc.1`, `rc1`; nil for a release.
  public var candidate: String?

  private static let mostNumbers = 6

  /// - Returns: nil if the text is not a version. A version has at most six numbers of at most nine digits.
  public init?(_ text: some StringProtocol) {
    let halves = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    let parts = (halves.first ?? "").split(separator: ".", omittingEmptySubsequences: false)
    guard !parts.isEmpty, parts.count <= Self.mostNumbers else { return nil }
    var numbers: [Int] = []
    for part in parts {
      guard (1...9).contains(part.utf8.count), part.utf8.allSatisfy({ (48...57).contains($0) }),
        let number = Int(part)
      else { return nil }
      numbers.append(number)
    }
    self.numbers = numbers
    candidate = halves.count > 1 ? String(halves[1]) : nil
    if let candidate, !Self.isCandidate(candidate) { return nil }
  }

  private static func isCandidate(_ text: String) -> Bool {
    (1...20).contains(text.utf8.count)
      && text.utf8.allSatisfy {
        (48...57).contains($0) || (97...122).contains($0) || $0 == UInt8(ascii: ".")
      } && !text.contains("..")
  }

  public var major: Int { numbers.first ?? 0 }

  public var description: String {
    numbers.map(String.init).joined(separator: ".") + (candidate.map { "-" + $0 } ?? "")
  }

  /// A release candidate comes before its release.
  public static func < (left: Self, right: Self) -> Bool {
    if left.numbers != right.numbers {
      return left.numbers.lexicographicallyPrecedes(right.numbers)
    }
    switch (left.candidate, right.candidate) {
    case (let left?, let right?):
      return (left.utf8.count, left) < (right.utf8.count, right)
    case (nil, _): return false
    case (_, nil): return true
    }
  }
}
