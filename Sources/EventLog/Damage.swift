/// A damaged place in the log.
public struct Damage: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// Bytes that are not a line.
    case unreadable
    /// A line without its end; no writer will complete it.
    case unfinished
    /// A whole line with another byte in the place of its newline. It belongs to the log.
    case unended(UInt64)
    /// A whole line with a number that is too great for its place.
    case early(UInt64)
    /// A whole line with the number of an earlier line.
    case again(UInt64)
    /// Numbers that no line has, between the numbers of two lines.
    case missing(ClosedRange<UInt64>)
    /// A line that is older than the one before it.
    case backInTime(UInt64)
  }

  public var path: String
  public var offset: Int
  /// Bytes; 0 for missing numbers.
  public var length: Int
  public var kind: Kind

  public init(path: String, offset: Int, length: Int, kind: Kind) {
    (self.path, self.offset, self.length, self.kind) = (path, offset, length, kind)
  }

  /// The numbers that are missing; nil for another kind of damage.
  public var missing: ClosedRange<UInt64>? {
    if case .missing(let numbers) = kind { numbers } else { nil }
  }

  public var isMissing: Bool { missing != nil }
}

extension Damage: CustomStringConvertible {
  /// The damage in words, without its place.
  public var description: String {
    switch kind {
    case .unreadable: "\(length) bytes are no event"
    case .unfinished: "\(length) bytes are an event without its end"
    case .unended(let number): "number \(number) has lost the newline behind it"
    case .early(let number): "number \(number) is too small at this place"
    case .again(let number): "number \(number) occurs a second time"
    case .missing(let numbers) where numbers.count == 1:
      "number \(numbers.lowerBound) is missing"
    case .missing(let numbers):
      "numbers \(numbers.lowerBound) to \(numbers.upperBound) are missing"
    case .backInTime(let number): "number \(number) is older than the line before it"
    }
  }
}
