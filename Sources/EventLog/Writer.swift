import HomeLayout
import Posix

/// A writer of the log. It holds the lock as long as it exists.
struct Writer: ~Copyable {
  let log: DurableLog
  private var lock: Lock?
  private(set) var end: LogEnd
  /// The newest segment; nil if there is none.
  private var file: File?
  /// The note that is in the lock's file now; nil if it names another end.
  private var note: [UInt8]?
  /// Says whether the open files still have their names; nil if the folder is not watched yet.
  private let names: NameWatch?
  /// Whether this process was also the last to write. Then probably no other process waits for the lock.
  private let isAlone: Bool
  let mending: Mending
  /// Whether the segment has lost lines whose numbers were used.
  private let isLost: Bool

  /// Waits for the lock, finds the end and repairs what a crash has left there.
  /// - Parameter isThorough: whether the newest segment is read even if the note is valid.
  static func open(_ log: DurableLog, isThorough: Bool = false) throws(EventLogError) -> Writer {
    var names: NameWatch?
    if let entry = log.cache.take(), !isThorough {
      if let writer = try Writer(log, reusing: entry, &names) { return writer }
    }
    var writer = try Writer(log, names, isThorough)
    if writer.isLost {
      do throws(PosixError) { try writer.roll() } catch { throw .unwritable(error) }
    }
    return writer
  }

  /// Reuses the open files of an entry, if they still have their names and no other segment was begun.
  /// - Parameter names: receives the entry's watch, which stays in use if this fails.
  private init?(_ log: DurableLog, reusing entry: WriterCache.Entry, _ names: inout NameWatch?)
    throws(EventLogError)
  {
    guard let lock = try? Lock.wait(entry.lock) else { return nil }
    var watched = entry.names
    let areTheSame = watched.areTheSame(lock: entry.lock)
    names = watched.isLost ? nil : watched
    guard areTheSame, let note = try? entry.lock.read(upTo: LogEnd.longestNote, at: 0),
      let end = note.starts(with: entry.note) ? entry.end : try LogEnd(note: note),
      end.segment == entry.end.segment, (try? end.isRight(in: entry.segment)) == true
    else { return nil }
    (self.log, self.lock, self.end, file) = (log, lock, end, entry.segment)
    (self.note, self.names, mending, isLost) = (note, watched, Mending(), false)
    isAlone = note.starts(with: entry.note)
  }

  private init(_ log: DurableLog, _ names: NameWatch?, _ isThorough: Bool) throws(EventLogError) {
    let lock: Lock
    let text: [UInt8]
    do throws(PosixError) {
      lock = try Self.lock(log)
      text = try lock.file.read(upTo: LogEnd.longestNote, at: 0)
    } catch { throw .unwritable(error) }
    let note = try LogEnd(note: text)
    let found: (end: LogEnd, file: File?)
    var recovery: Recovery?
    if !isThorough, let note, let noted = Self.segment(of: note, log) {
      found = noted
    } else {
      let read = try Recovery(log, note)
      (found, recovery) = ((read.end, read.file), read)
    }
    (self.log, self.lock, end, file) = (log, lock, found.end, found.file)
    self.names = names
    isAlone = false
    mending = recovery?.mending ?? Mending()
    isLost = recovery?.isLost ?? false
  }

  /// Releases the lock and keeps the files open for the next append of this process.
  consuming func leave() {
    let kept = lock?.file
    // The lock is released before another thread may take the files, since that thread would share the lock.
    lock = nil
    guard log.cache.isUsedAgain(), let kept, let file, let note else { return }
    var names = names
    if names == nil {
      names = NameWatch(of: log)
      // The names may have changed before the watch began.
      guard Files.inode(kept.name) == Files.inode(of: kept),
        Files.inode(file.name) == Files.inode(of: file)
      else {
        return
      }
    }
    guard let names else { return }
    log.cache.leave(
      WriterCache.Entry(lock: kept, segment: file, end: end, note: note, names: names))
  }

  private static func lock(_ log: DurableLog) throws(PosixError) -> Lock {
    var isMade = false
    while true {
      do throws(PosixError) {
        let lock = try Lock.wait(log.lockPath)
        // While this process waited, the lock's file may have been replaced by one that another writer locks.
        if Files.inode(log.lockPath) == Files.inode(of: lock.file) { return lock }
      } catch {
        guard error.errno == .noSuchFile, !isMade else { throw error }
        isMade = true
        try Files.makeFolder(log.folder)
        try File.open(log.folder, .folder).giveToOwner(of: Files.parent(of: log.folder))
      }
    }
  }

  /// The end that the last writer has noted, if the segment still ends there.
  private static func segment(of note: LogEnd, _ log: DurableLog) -> (end: LogEnd, file: File?)? {
    var end = note
    do {
      let file = try File.open(log.path(of: end.segment), .change)
      guard try end.isRight(in: file) else { return nil }
      let changed = Files.modified(log.folder)
      if changed != end.folderChanged {
        // There may be a new segment; most of the time it was a spare or a checkpoint.
        guard try log.segments().last == end.segment else { return nil }
        end.folderChanged = changed
      }
      return (end, file)
    } catch { return nil }  // an error is reported when the segment is read
  }

  func lines(of forms: [Line.Form]) throws(EventLogError) -> [Line] {
    let time = max(end.time, Timestamp(milliseconds: Clock.now()))
    // A greater number could not be read back.
    let (last, isTooGreat) = end.next.addingReportingOverflow(UInt64(forms.count))
    if isTooGreat || last > Line.greatest + 1 {
      throw .unwritable(PosixError("number a line of", log.folder, .fileTooLarge))
    }
    let moment = time.text
    return forms.enumerated().map { index, form in
      Line(form, sequence: end.next + UInt64(index), time: time, moment: moment)
    }
  }

  /// Writes these lines, which have the next numbers, at once.
  /// - Returns: the segment, still to be synced.
  mutating func write(_ lines: [Line], _ mayUseReserve: Bool) throws(EventLogError) -> File {
    guard let last = lines.last else { throw .malformed(id: "") }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(lines.reduce(lines.count) { $0 + $1.bytes.count })
    for line in lines {
      bytes += line.bytes
      bytes.append(DurableLog.newline)
    }
    do throws(PosixError) {
      let file = try makeRoom(for: bytes.count, mayUseReserve)
      do throws(PosixError) { try file.write(bytes, at: end.offset) } catch {
        // A part of a line was never acknowledged. It is erased before another process may have the lock.
        try? file.write([UInt8](repeating: 0, count: bytes.count), at: end.offset)
        throw error
      }
      if isAlone { file.startWriting(end.offset..<(end.offset + bytes.count)) }
      end.pass(bytes, last: last)
      try? leaveNote()
      return file
    } catch { throw .unwritable(error) }
  }

  /// Notes the end for the next writer. If that fails, the next writer reads the segment.
  private mutating func leaveNote() throws(PosixError) {
    let new = end.note
    note = nil
    try lock?.file.write(new, at: 0)
    note = new
  }

  private mutating func makeRoom(for count: Int, _ mayUseReserve: Bool) throws(PosixError) -> File {
    if file == nil || end.size - end.offset < count { try roll(room: count) }
    let left = end.size - end.offset - count
    if !mayUseReserve, left < log.segmentSize / 8 { try PreallocatedSegment(log).makeIfMissing() }
    guard let file else { throw PosixError("write", log.path(of: end.segment), .noSuchFile) }
    return file
  }

  /// Closes the newest segment and begins the next one.
  ///
  /// The old segment is durable before there is a new one, and the new one before a line is in it. The note is erased
  /// first, since it must not name a segment that is not the newest.
  /// - Parameter hasFailed: whether syncing the old segment has failed; then it is not tried again.
  mutating func roll(room: Int = 0, hasFailed: Bool = false) throws(PosixError) {
    if !hasFailed { try file?.syncData() }
    note = nil
    try lock?.file.write([DurableLog.newline], at: 0)
    let size = try PreallocatedSegment(log).place(as: end.next, size: max(log.segmentSize, room))
    if let file, end.segment != end.next { try? file.truncate(to: end.offset) }
    end.segment = end.next
    (end.offset, end.size, end.trail) = (0, size, [])
    file = try File.open(log.path(of: end.segment), .change)
    try? PreallocatedSegment(log).makeIfMissing()
    end.folderChanged = Files.modified(log.folder)
    try leaveNote()
  }
}
