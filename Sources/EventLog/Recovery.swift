import HomeLayout
import Posix

/// What a crash or damage has left at the end of the log, and was mended.
struct Mending {
  /// The numbers of lines that have their newline again.
  var restored: [UInt64] = []
  /// What was made zeros again.
  var torn: Damage?
  /// The file that holds it.
  var aside: String?
}

/// Finds where the log ends by reading its newest segment, with the lock held, and mends what a crash left there.
///
/// Behind what counts there may be a torn line, or after a power cut zeros with scraps behind them: none of it was
/// acknowledged. It is set aside and the room made zeros again.
struct Recovery {
  private(set) var end: End
  /// The newest segment; nil where there is none.
  private(set) var file: File?
  private(set) var mending = Mending()
  /// Whether numbers were given to lines that are not there any more. Only the name of another segment keeps them.
  private(set) var isLost = false
  private let log: EventLog

  /// - Parameter note: what the last writer left, if it holds.
  init(_ log: EventLog, _ note: End?) throws(EventLogError) {
    self.log = log
    end = End(next: note?.next ?? 1, time: note?.time ?? Timestamp(milliseconds: 0))
    end.folderChanged = Files.modified(log.folder)
    // Whoever made the folder or the newest segment may have been killed before their names were on the disk.
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

  private mutating func mend(_ file: File, _ note: End?) throws(PosixError) {
    let isOurs = note?.segment == end.segment
    // What a note of a later segment is behind was all written.
    let written = note.map { isOurs ? $0.offset : $0.segment > end.segment ? .max : 0 } ?? 0
    var walk = Walk(file, isNewest: true, written: written)
    var tail = Tail(before: end.segment, end.time)
    while let piece = try walk.next() {
      // All that was given is there, and here the room begins.
      let isEnd = isOurs && piece.range.lowerBound == written && tail.last + 1 == note?.next
      if isEnd, piece.isZeros { break }
      tail.pass(piece, before: piece.range.lowerBound < written ? note?.next : nil)
      try restoreNewline(of: piece, file)
      if isOurs || !piece.isZeros { end.offset = piece.range.upperBound }
    }
    // All but its newline was written.
    if let first = walk.pending.first, case .line = first.content, tail.goesOn(with: first) {
      tail.pass(first)
      try restoreNewline(of: first, file)
      end.offset = first.range.lowerBound + tail.lastLength + 1
    }
    try takeOut(from: end.offset, of: file)
    isLost = note.map { $0.next > tail.last + 1 } ?? false
    end.next = max(note?.next ?? 1, tail.last + (isOurs ? 0 : tail.damaged) + 1)
    end.time = tail.time
    end.size = max(end.size, end.offset)
    let length = min(end.offset, End.trailLength)
    end.trail = try file.read(upTo: length, at: end.offset - length)
  }

  private mutating func restoreNewline(of piece: Piece, _ file: File) throws(PosixError) {
    guard case .line(let line, let ending) = piece.content, ending != EventLog.newline else {
      return
    }
    try file.write([EventLog.newline], at: piece.range.lowerBound + line.bytes.count)
    mending.restored.append(line.sequence)
  }

  /// With a full disk it cannot be kept; it was not acknowledged.
  private mutating func takeOut(from start: Int, of file: File) throws(PosixError) {
    let torn = start..<max(start, try Scan.contentEnd(of: file, from: start))
    if torn.isEmpty { return }
    mending.torn = Damage(
      path: file.name, offset: torn.lowerBound, length: torn.count, kind: .unfinished)
    mending.aside = try? Aside(log).save([
      Aside.Place(segment: end.segment, file: file, range: torn)
    ])
    try file.fill(torn, with: 0)
  }

  private func lastTime(of segment: UInt64) throws(PosixError) -> Timestamp {
    let file = try File.open(log.path(of: segment), .read)
    var walk = Walk(file, isNewest: false)
    var tail = Tail(before: segment, Timestamp(milliseconds: 0))
    while let piece = try walk.next() { tail.pass(piece) }
    return tail.time
  }
}

/// What is known of the last line so far.
private struct Tail {
  var last: UInt64
  var time: Timestamp
  /// Bytes of the last line.
  var lastLength = 0
  /// How many numbers the damage behind it may have had.
  var damaged: UInt64 = 0

  init(before segment: UInt64, _ time: Timestamp) { (last, self.time) = (segment - 1, time) }

  func goesOn(with piece: Piece) -> Bool {
    if case .line(let line, _) = piece.content { line.sequence > last } else { false }
  }

  /// - Parameter end: numbers from here on were not given yet where it stands.
  mutating func pass(_ piece: Piece, before end: UInt64? = nil) {
    switch piece.content {
    case .line(let line, _) where line.sequence > last && line.sequence < end ?? .max:
      (last, damaged, lastLength) = (line.sequence, 0, line.bytes.count)
      time = max(time, line.time)
    // One out of place may have been another before; the next segment must not get the name of this one.
    case .line: damaged += 1
    case .damage(let heads): damaged += heads
    case .padding, .zeros: break
    }
  }
}

extension File {
  /// Writes one byte over all of a range, piece by piece.
  func fill(_ range: Range<Int>, with byte: UInt8) throws(PosixError) {
    let bytes = [UInt8](repeating: byte, count: min(range.count, 65_536))
    for start in stride(from: range.lowerBound, to: range.upperBound, by: 65_536) {
      try write(Array(bytes.prefix(range.upperBound - start)), at: start)
    }
  }
}
