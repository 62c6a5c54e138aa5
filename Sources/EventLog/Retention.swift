import HomeFormat
import Posix

/// How much of the past a log keeps. Whole segments go, oldest first, never the newest; a segment goes when the rest
/// is still as much as any one of these asks for.
public struct Retention: Hashable, Sendable {
  /// Bytes of all segments.
  public var bytes: Int?
  /// Milliseconds.
  public var age: Int64?
  /// Events.
  public var count: UInt64?

  public init(bytes: Int? = nil, age: Int64? = nil, count: UInt64? = nil) {
    (self.bytes, self.age, self.count) = (bytes, age, count)
  }
}

extension EventLog {
  /// Drops what need not be kept.
  /// - Parameter isSafe: asked with the first number of the segment that would then be the oldest: whether what was
  ///   made of all before it is kept elsewhere, durably. Where it is not, nothing goes.
  /// - Returns: the first numbers of the segments that went.
  @discardableResult
  public func drop(
    _ retention: Retention, now: Timestamp, isSafe: (UInt64) -> Bool
  ) throws(EventLogError) -> [UInt64] {
    // Nobody may repair or begin a segment meanwhile.
    let writer = try Writer(self)
    var dropped: [UInt64] = []
    var segments = try segments()
    do throws(PosixError) {
      var sizes = try sizes(of: segments)
      while segments.count > 1, sizes.count > 1 {
        let next = segments[1]
        let isTooMuch = retention.bytes.map { sizes.dropFirst().reduce(0, +) >= $0 } ?? false
        let isTooMany = retention.count.map { writer.end.next - next >= $0 } ?? false
        guard isTooMuch || isTooMany || isTooOld(before: next, retention, now), isSafe(next) else {
          break
        }
        try Files.remove(path(of: segments[0]))
        try removeCheckpoint(segments[0])
        dropped.append(segments.removeFirst())
        sizes.removeFirst()
      }
    } catch { throw .unwritable(error) }
    return dropped
  }

  func sizes(of segments: [UInt64]) throws(PosixError) -> [Int] {
    var sizes: [Int] = []
    for segment in segments { sizes.append(try Files.info(path(of: segment))?.size ?? 0) }
    return sizes
  }

  private func isTooOld(before next: UInt64, _ retention: Retention, _ now: Timestamp) -> Bool {
    guard let age = retention.age, let line = try? firstLine(of: next) else { return false }
    return now - line.time >= age
  }
}
