import EventLog
import Events

/// Missing sequence numbers that a `log.repaired` has reported.
public struct Gaps: Hashable, Sendable {
  private var told = RangeSet<UInt64>()

  public init() {}

  public mutating func note(_ event: Event) {
    guard event.type == .logRepaired else { return }
    for text in event.data.missing ?? [] {
      if let numbers = Self.numbers(text) { told.insert(contentsOf: Range(numbers)) }
    }
  }

  /// The gaps that were not reported yet.
  public func untold(_ damage: [Damage]) -> [Damage] {
    let missing = damage.compactMap(\.missing)
    var rest = RangeSet(missing.map { Range($0) }).subtracting(told).ranges[...]
    return damage.flatMap { damage in
      guard let numbers = damage.missing else { return [damage] }
      var parts: [Damage] = []
      // The gaps are in the order of their numbers, with a line between any two.
      while let range = rest.first, range.lowerBound <= numbers.upperBound {
        var part = damage
        part.kind = .missing(range.lowerBound...(range.upperBound - 1))
        parts.append(part)
        rest.removeFirst()
      }
      return parts
    }
  }

  /// `12` or `12-14`.
  public static func text(_ numbers: ClosedRange<UInt64>) -> String {
    numbers.count == 1 ? "\(numbers.lowerBound)" : "\(numbers.lowerBound)-\(numbers.upperBound)"
  }

  static func numbers(_ text: String) -> ClosedRange<UInt64>? {
    let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
    guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
      first <= last, last < .max
    else { return nil }
    return first...last
  }
}

extension EventJournal {
  /// The damage that a reader found, without the gaps that a repair has reported.
  public func untold(_ damage: [Damage]) throws(Cause) -> [Damage] {
    guard let first = damage.compactMap(\.missing?.lowerBound).min() else { return damage }
    var gaps = Gaps()
    do throws(EventLogError) {
      // A gap is always reported after its numbers.
      var reader = Reader(log, from: try log.cursor(before: first))
      while true {
        let lines = try reader.next()
        if lines.isEmpty { return gaps.untold(damage) }
        for line in lines { gaps.note(Event(line)) }
      }
    } catch { throw Cause(error) }
  }

  /// Checks the whole log. Gaps that a repair has reported do not count as damage.
  public func verify() throws(Cause) -> Verification {
    var result: Verification
    do throws(EventLogError) { result = try log.verify() } catch { throw Cause(error) }
    result.damage = try untold(result.damage)
    return result
  }
}
