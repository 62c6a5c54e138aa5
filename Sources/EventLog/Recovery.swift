import HomeFormat
import Posix

/// Finds where the log ends by reading its newest segment, with the lock held, and mends what a crash left there.
///
/// Behind the last whole line there may be a torn one, or after a power cut zeros with scraps behind them: none of
/// it was acknowledged. It is set aside and the room made zeros again. Zeros *before* a whole line would hide that
/// line, which may have been acknowledged, from readers: they become blanks.
struct Recovery {
  private let log: EventLog
  private let segment: UInt64
  private let file: File
  private let size: Int
  /// To the last byte that is not zero.
  private let bytes: [UInt8]
  private let pieces: [Piece]
  /// Whether another byte stood where the last line's newline belongs. The line may have been acknowledged.
  private let hasLostNewline: Bool

  static func end(of log: EventLog) throws(EventLogError) -> (end: End, file: File?) {
    let changed = Files.modified(log.folder)
    // Whoever made the folder or the newest segment may have been killed before their names were on the disk.
    do throws(PosixError) { try Files.syncPath(log.folder + "/") } catch {
      throw .unwritable(error)
    }
    let segments = try log.segments()
    guard let newest = segments.last else { return (End(), nil) }
    do throws(PosixError) {
      let recovery = try Recovery(log, newest)
      var end = recovery.end
      end.folderChanged = changed
      try recovery.mend(behind: end.offset)
      for older in segments.dropLast().reversed() where end.time.milliseconds == 0 {
        end.time = try Recovery(log, older).end.time
      }
      return (end, recovery.file)
    } catch { throw .unwritable(error) }
  }

  private init(_ log: EventLog, _ segment: UInt64) throws(PosixError) {
    (self.log, self.segment) = (log, segment)
    file = try File.open(log.path(of: segment), .change)
    let all = try file.readWhole()
    size = all.count
    var bytes = Array(all.prefix(all.countWithoutZeros))
    let rest = Piece.split(bytes).rest
    hasLostNewline = Line(bytes[rest...].dropLast()) != nil
    if hasLostNewline { bytes[bytes.count - 1] = EventLog.newline }
    self.bytes = bytes
    pieces = Piece.split(bytes).pieces
  }

  private var end: End {
    var end = End(segment: segment, size: size)
    var (last, damaged) = (segment - 1, UInt64(0))
    var isAfterHole = false
    for piece in pieces {
      switch piece.content {
      case .line(let line):
        // One out of place has its own number; the next segment must not get the name of this one.
        if line.sequence > last { (last, damaged) = (line.sequence, 0) } else { damaged += 1 }
        end.time = max(end.time, line.time)
        isAfterHole = false
        end.offset = piece.range.upperBound
      case .padding:
        isAfterHole = isAfterHole || bytes[piece.range.lowerBound] == 0
        if !isAfterHole { end.offset = piece.range.upperBound }
      case .damage where !isAfterHole:
        // It may have been acknowledged; its number stays given.
        damaged += Piece.numbersGiven(in: bytes[piece.range])
        end.offset = piece.range.upperBound
      case .damage: break
      }
    }
    end.next = last + damaged + 1
    end.trail = bytes[..<end.offset].suffix(End.trailLength)
    return end
  }

  private func mend(behind end: Int) throws(PosixError) {
    for piece in pieces where piece.range.upperBound <= end {
      if case .line = piece.content { continue }
      let stretch = bytes[piece.range]
      if !stretch.contains(0) { continue }
      try file.write(
        stretch.map { $0 == 0 ? Piece.padding : $0 }, at: piece.range.lowerBound)
    }
    if hasLostNewline { try file.write([EventLog.newline], at: bytes.count - 1) }
    let torn = Array(bytes[end...])
    if torn.isEmpty { return }
    // With a full disk it cannot be kept; it is nothing that anybody was told of.
    _ = try? Aside(log).save([(segment, end, torn)])
    try file.write([UInt8](repeating: 0, count: torn.count), at: end)
  }
}
