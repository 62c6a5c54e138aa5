import HomeLayout
import Posix

/// The limits of a log. Whole segments are dropped, the oldest first, never the newest. A segment is dropped when the
/// remaining ones still reach one of the limits.
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

  /// The limits if none were set. They keep some hundred thousand events.
  public static let standard = Retention(bytes: 256 << 20)
}

extension Retention {
  private static let format = 1

  /// `format 1`, then a line `bytes`, `age` (milliseconds) or `count` with its number for each limit.
  var text: String {
    let limits = [
      bytes.map { "bytes \($0)" }, age.map { "age \($0)" }, count.map { "count \($0)" },
    ]
    return (["format \(Self.format)"] + limits.compactMap { $0 }).map { $0 + "\n" }.joined()
  }

  init?(text: String) throws(EventLogError) {
    self.init()
    let lines = text.split(separator: "\n").map { $0.split(separator: " ") }
    guard let head = lines.first, head.count == 2, head[0] == "format", let format = Int(head[1])
    else { return nil }
    if format > Self.format { throw .newerFormat(format) }
    for line in lines.dropFirst() {
      guard line.count == 2, let number = Int64(line[1]), number > 0 else { return nil }
      switch line[0] {
      case "bytes": bytes = Int(number)
      case "age": age = number
      case "count": count = UInt64(number)
      default: return nil
      }
    }
  }
}

extension DurableLog {
  private var retentionPath: String { folder + "/retention" }

  /// The limits that were set, or the standard ones. If their file is damaged, everything is kept.
  public func retention() throws(EventLogError) -> Retention {
    let bytes: [UInt8]?
    do throws(PosixError) { bytes = try Files.readIfThere(retentionPath, limit: 4096) } catch {
      throw .unreadable(error)
    }
    guard let bytes else { return .standard }
    return try Retention(text: String(decoding: bytes, as: UTF8.self)) ?? Retention()
  }

  public func set(_ retention: Retention) throws(EventLogError) {
    do throws(PosixError) {
      try Files.makeDurableFolder(folder)
      try Files.replace(retentionPath, with: Array(retention.text.utf8))
    } catch { throw .unwritable(error) }
  }

  /// Drops the segments that need not be kept.
  /// - Parameter isSafe: whether a durable checkpoint sums up everything before the segment with this first number,
  ///   which would then be the oldest. If not, nothing is dropped.
  /// - Returns: the first numbers of the segments that were dropped.
  @discardableResult
  public func drop(
    _ retention: Retention, now: Timestamp, isSafe: (UInt64) -> Bool
  ) throws(EventLogError) -> [UInt64] {
    // The lock keeps other processes from repairing or beginning a segment meanwhile.
    let writer = try Writer.open(self)
    defer { withExtendedLifetime(writer) {} }
    var dropped: [UInt64] = []
    var segments = try segments()
    do throws(PosixError) {
      var sizes = try sizes(of: segments)
      var size = sizes.total
      while segments.count > 1, sizes.count > 1 {
        let next = segments[1]
        let isTooMuch = retention.bytes.map { size - sizes[0] >= $0 } ?? false
        let isTooMany = retention.count.map { writer.end.next - next >= $0 } ?? false
        guard isTooMuch || isTooMany || isTooOld(before: next, retention, now), isSafe(next) else {
          break
        }
        try Files.remove(path(of: segments[0]))
        try removeCheckpoint(segments[0])
        dropped.append(segments.removeFirst())
        size -= sizes.removeFirst()
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

extension [Int] {
  /// The sum; `Int.max` if it is greater.
  var total: Int {
    reduce(0) { sum, size in
      let (next, isTooGreat) = sum.addingReportingOverflow(size)
      return isTooGreat ? .max : next
    }
  }
}
