/// A place in the log that is not as it should be.
public struct Damage: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// Bytes that are no line of ours.
    case unreadable
    /// A line without its end, which no writer will finish.
    case unfinished
    /// A whole line that has another byte in place of its newline; it counts.
    case unended(UInt64)
    /// A whole line with a number that was not given yet where it stands.
    case early(UInt64)
    /// A whole line whose number was there before.
    case again(UInt64)
    /// Numbers between two lines that no line has.
    case missing(ClosedRange<UInt64>)
    /// A line that is older than the one before it.
    case backInTime(UInt64)
  }

  public var path: String
  public var offset: Int
  /// Bytes; 0 where it is about something that is not there.
  public var length: Int
  public var kind: Kind

  public init(path: String, offset: Int, length: Int, kind: Kind) {
    self.path = path
    self.offset = offset
    self.length = length
    self.kind = kind
  }

  /// The numbers that are gone, where it is about some.
  public var missing: ClosedRange<UInt64>? {
    if case .missing(let numbers) = kind { numbers } else { nil }
  }

  public var isMissing: Bool { missing != nil }
}

extension Damage: CustomStringConvertible {
  /// What is wrong, without the place.
  public var description: String {
    switch kind {
    case .unreadable: "\(length) bytes are no event"
    case .unfinished: "\(length) bytes are an event without its end"
    case .unended(let number): "number \(number) has lost the newline behind it"
    case .early(let number): "number \(number) stands where no such number can be"
    case .again(let number): "number \(number) is there again"
    case .missing(let numbers) where numbers.count == 1:
      "number \(numbers.lowerBound) is missing"
    case .missing(let numbers):
      "numbers \(numbers.lowerBound) to \(numbers.upperBound) are missing"
    case .backInTime(let number): "number \(number) is older than the line before it"
    }
  }
}
