import HomeFormat
import Posix

/// The log while its lock is held.
struct Writer: ~Copyable {
  let log: EventLog
  private let lock: Lock
  private(set) var end: End
  /// The newest segment; nil where there is none.
  private var file: File?

  /// Waits for the lock and finds the end, mending what a crash has left there.
  init(_ log: EventLog) throws(EventLogError) {
    let lock: Lock
    let text: [UInt8]
    do throws(PosixError) {
      lock = try Self.lock(log.folder)
      text = try lock.file.read(upTo: 512, at: 0)
    } catch { throw .unwritable(error) }
    let place: (end: End, file: File?)
    if let noted = try Self.noted(text, log) {
      place = noted
    } else {
      place = try Recovery.end(of: log)
    }
    (self.log, self.lock, end, file) = (log, lock, place.end, place.file)
  }

  private static func lock(_ folder: String) throws(PosixError) -> Lock {
    let path = folder + "/.lock"
    do throws(PosixError) { return try Lock.wait(path) } catch {
      guard error.errno == .noSuchFile else { throw error }
      try Files.makeFolder(folder)
      try File.open(folder, .folder).giveToOwner(of: Files.parent(of: folder))
      return try Lock.wait(path)
    }
  }

  /// The end as the last writer left it, if the segment still ends there.
  private static func noted(_ text: [UInt8], _ log: EventLog) throws(EventLogError)
    -> (end: End, file: File?)?
  {
    guard var end = try End(text: text) else { return nil }
    do {
      let file = try File.open(log.path(of: end.segment), .change)
      guard try file.size() == end.size, try end.isRight(in: file) else { return nil }
      let changed = Files.modified(log.folder)
      if changed != end.folderChanged {
        // Somebody may have put a segment there; most of the time it was a spare or a checkpoint.
        guard try log.segments().last == end.segment else { return nil }
        end.folderChanged = changed
      }
      return (end, file)
    } catch { return nil }  // whatever is wrong shows when the segment is read
  }

  /// The lines that these become.
  func lines(of forms: [Line.Form]) throws(EventLogError) -> [Line] {
    let time = max(end.time, Timestamp(milliseconds: Clock.now()))
    // Nobody could read a greater number back.
    let (last, isTooGreat) = end.next.addingReportingOverflow(UInt64(forms.count))
    if isTooGreat || last > Line.greatest + 1 { throw .unwritable(numbersUsedUp) }
    let moment = time.description
    return forms.enumerated().map { index, form in
      Line(form, sequence: end.next + UInt64(index), time: time, moment: moment)
    }
  }

  private var numbersUsedUp: PosixError {
    PosixError("number a line of", log.folder, .fileTooLarge)
  }

  /// Writes lines of the next numbers in one piece.
  /// - Returns: the segment, still to be synced.
  mutating func write(_ lines: [Line], _ mayUseReserve: Bool) throws(EventLogError) -> File {
    guard let last = lines.last else { throw .malformed(id: "") }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(lines.reduce(lines.count) { $0 + $1.bytes.count })
    for line in lines {
      bytes += line.bytes
      bytes.append(EventLog.newline)
    }
    do throws(PosixError) {
      let file = try makeRoom(for: bytes.count, mayUseReserve)
      do throws(PosixError) { try file.write(bytes, at: end.offset) } catch {
        // A part of a line was never acknowledged; take it back while the lock is ours.
        try? file.write([UInt8](repeating: 0, count: bytes.count), at: end.offset)
        throw error
      }
      end.pass(bytes, last: last)
      try? note()
      return file
    } catch { throw .unwritable(error) }
  }

  /// Leaves the end for the next writer, who finds it the long way where that fails.
  private func note() throws(PosixError) { try lock.file.write(Array(end.text.utf8), at: 0) }

  // MARK: - Room

  private mutating func makeRoom(for count: Int, _ mayUseReserve: Bool) throws(PosixError) -> File {
    if file == nil || end.size - end.offset < count { try roll(room: count) }
    let left = end.size - end.offset - count
    if !mayUseReserve, left < log.segmentSize / 8 { try Spare(log).makeIfMissing() }
    guard let file else { throw PosixError("write", log.path(of: end.segment), .noSuchFile) }
    return file
  }

  /// Closes the newest segment and begins the next one.
  ///
  /// The note goes first, since it must not lead into a segment that is not the newest; the old segment is durable
  /// before there is a new one, and the new one before a line is in it.
  mutating func roll(room: Int = 0) throws(PosixError) {
    try lock.file.write([EventLog.newline], at: 0)
    // What fails here was told to, or will be noticed by, whoever waits for a line in it.
    try? file?.syncData()
    let size = try Spare(log).place(as: end.next, size: max(log.segmentSize, room))
    if let file, end.segment != end.next { try? file.truncate(to: end.offset) }
    end.segment = end.next
    (end.offset, end.size, end.trail) = (0, size, [])
    file = try File.open(log.path(of: end.segment), .change)
    try? Spare(log).makeIfMissing()
    end.folderChanged = Files.modified(log.folder)
    try note()
  }
}
