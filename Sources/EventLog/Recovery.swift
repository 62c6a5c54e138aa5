import HomeLayout
import Posix

/// The repairs that a writer made at the end of the log, after a crash.
struct Mending {
  /// The numbers of lines that have their newline again.
  var restored: [UInt64] = []
  /// The unfinished bytes that were overwritten with zeros.
  var torn: Damage?
  /// The file to which these bytes were copied.
  var aside: String?
}

/// Finds the end of the log by reading its newest segment, with the lock held, and repairs what a crash left there.
///
/// After the committed parts there may be a torn line or, after a power cut, zeros and parts of lines. These bytes were
/// never acknowledged: they are copied to `aside` and overwritten with zeros.
struct Recovery {
  private(set) var end: LogEnd
  /// The newest segment; nil if there is none.
  private(set) var file: File?
  private(set) var mending = Mending()
  /// Whether the segment has lost lines whose numbers were used. Then the name of a new segment records the numbers.
  private(set) var isLost = false
  private let log: DurableLog

  /// - Parameter note: the note of the last writer, if it is valid.
  init(_ log: DurableLog, _ note: LogEnd?) throws(EventLogError) {
    self.log = log
    end = LogEnd(next: note?.next ?? 1, time: note?.time ?? Timestamp(milliseconds: 0))
    end.folderChanged = Files.modified(log.folder)
    // The writer that made the folder or the newest segment may have been killed before their names were on the disk.
    do throws(PosixError) { try Files.syncPath(log.folder + "/") } catch {
      throw .unwritable(error)
    }
    let segments = try log.segments()
    guard let newest = segments.last else { return }
    do throws(PosixError) {
      let file = try File.open(log.path(of: newest), .change)
      self.file = file
      (end.segment, end.size) = (newest, try file.size())
      try mend(file, note)
      for older in segments.dropLast().reversed() where end.time.milliseconds == 0 {
        end.time = try lastTime(of: older)
      }
    } catch { throw .unwritable(error) }
  }

  private mutating func mend(_ file: File, _ note: LogEnd?) throws(PosixError) {
    let isOurs = note?.segment == end.segment
    // A note that names a later segment was written when this one was complete.
    let written = note.map { isOurs ? $0.offset : $0.segment > end.segment ? .max : 0 } ?? 0
    var committed = CommittedParts(file, isNewest: true, written: written)
    var last = LastLine(before: end.segment, end.time)
    while let part = try committed.next() {
      // Every number that was used has its line, and the free space begins here.
      let isEnd = isOurs && part.range.lowerBound == written && last.number + 1 == note?.next
      if isEnd, part.isZeros { break }
      last.pass(part, before: part.range.lowerBound < written ? note?.next : nil)
      try restoreNewline(of: part, file)
      if isOurs || !part.isZeros { end.offset = part.range.upperBound }
    }
    // Only the newline of this line is missing.
    if let first = committed.pending.first, case .line = first.content, last.goesOn(with: first) {
      last.pass(first)
      try restoreNewline(of: first, file)
      end.offset = first.range.lowerBound + last.length + 1
    }
    try takeOut(from: end.offset, of: file)
    isLost = note.map { $0.next > last.number + 1 } ?? false
    end.next = max(note?.next ?? 1, last.number + (isOurs ? 0 : last.damaged) + 1)
    end.time = last.time
    end.size = max(end.size, end.offset)
    let length = min(end.offset, LogEnd.trailLength)
    end.trail = try file.read(upTo: length, at: end.offset - length)
  }

  private mutating func restoreNewline(of part: SegmentPart, _ file: File) throws(PosixError) {
    guard case .line(let line, let ending) = part.content, ending != DurableLog.newline else {
      return
    }
    try file.write([DurableLog.newline], at: part.range.lowerBound + line.bytes.count)
    mending.restored.append(line.sequence)
  }

  /// On a full disk the bytes are not copied, since they were not acknowledged.
  private mutating func takeOut(from start: Int, of file: File) throws(PosixError) {
    let torn = start..<max(start, try SegmentScanner.contentEnd(of: file, from: start))
    if torn.isEmpty { return }
    mending.torn = Damage(
      path: file.name, offset: torn.lowerBound, length: torn.count, kind: .unfinished)
    mending.aside = try? Quarantine(log).save([
      SegmentRange(segment: end.segment, file: file, bytes: torn)
    ])
    try file.fill(torn, with: 0)
  }

  private func lastTime(of segment: UInt64) throws(PosixError) -> Timestamp {
    let file = try File.open(log.path(of: segment), .read)
    var committed = CommittedParts(file, isNewest: false)
    var last = LastLine(before: segment, Timestamp(milliseconds: 0))
    while let part = try committed.next() { last.pass(part) }
    return last.time
  }
}

/// The last line of a segment that was read so far.
private struct LastLine {
  var number: UInt64
  var time: Timestamp
  var length = 0
  /// How many lines the damage after it may have been.
  var damaged: UInt64 = 0

  init(before segment: UInt64, _ time: Timestamp) { (number, self.time) = (segment - 1, time) }

  func goesOn(with part: SegmentPart) -> Bool {
    if case .line(let line, _) = part.content { line.sequence > number } else { false }
  }

  /// - Parameter end: a line with this number or a greater one is out of place here.
  mutating func pass(_ part: SegmentPart, before end: UInt64? = nil) {
    switch part.content {
    case .line(let line, _) where line.sequence > number && line.sequence < end ?? .max:
      (number, damaged, length) = (line.sequence, 0, line.bytes.count)
      time = max(time, line.time)
    // A line out of place may have overwritten another one, whose number must not become the next segment's name.
    case .line: damaged += 1
    case .damage(let heads): damaged += heads
    case .padding, .zeros: break
    }
  }
}

extension File {
  /// Writes one byte over all of a range, part by part.
  func fill(_ range: Range<Int>, with byte: UInt8) throws(PosixError) {
    let bytes = [UInt8](repeating: byte, count: min(range.count, 65_536))
    for start in stride(from: range.lowerBound, to: range.upperBound, by: 65_536) {
      try write(Array(bytes.prefix(range.upperBound - start)), at: start)
    }
  }
}
