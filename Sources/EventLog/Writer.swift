import HomeLayout
import Posix

/// The log while its lock is held.
struct Writer: ~Copyable {
  let log: EventLog
  private var lock: Lock?
  private(set) var end: End
  /// The newest segment; nil where there is none.
  private var file: File?
  /// The note that is in the lock's file now; nil where it tells of another end.
  private var note: [UInt8]?
  /// Tells the next writer whether the open files are still those of their names; nil where it is not watched yet.
  private let names: Names?
  /// Whether this process wrote last too: no other is in a hurry for the lock.
  private let isAlone: Bool
  let mending: Mending
  /// Whether numbers were given to lines that are not in the segment any more.
  private let isLost: Bool

  /// Waits for the lock and finds the end, mending what a crash has left there.
  /// - Parameter isThorough: whether the newest segment is read in any case.
  static func open(_ log: EventLog, isThorough: Bool = false) throws(EventLogError) -> Writer {
    var names: Names?
    if let place = log.desk.take(), !isThorough {
      if let writer = try Writer(log, at: place, &names) { return writer }
    }
    var writer = try Writer(log, names, isThorough)
    if writer.isLost {
      do throws(PosixError) { try writer.roll() } catch { throw .unwritable(error) }
    }
    return writer
  }

  /// With the files of the writer before, if they still have their names and no other segment was begun.
  /// - Parameter names: those of the place, for files that are opened after this.
  private init?(_ log: EventLog, at place: Desk.Place, _ names: inout Names?)
    throws(EventLogError)
  {
    guard let lock = try? Lock.wait(place.lock) else { return nil }
    var watched = place.names
    let areTheSame = watched.areTheSame(lock: place.lock)
    names = watched.isLost ? nil : watched
    guard areTheSame, let note = try? place.lock.read(upTo: End.longestNote, at: 0),
      let end = note.starts(with: place.note) ? place.end : try End(note: note),
      end.segment == place.end.segment, (try? end.isRight(in: place.segment)) == true
    else { return nil }
    (self.log, self.lock, self.end, file) = (log, lock, end, place.segment)
    (self.note, self.names, mending, isLost) = (note, watched, Mending(), false)
    isAlone = note.starts(with: place.note)
  }

  private init(_ log: EventLog, _ names: Names?, _ isThorough: Bool) throws(EventLogError) {
    let lock: Lock
    let text: [UInt8]
    do throws(PosixError) {
      lock = try Self.lock(log)
      text = try lock.file.read(upTo: End.longestNote, at: 0)
    } catch { throw .unwritable(error) }
    let note = try End(note: text)
    let place: (end: End, file: File?)
    var recovery: Recovery?
    if !isThorough, let note, let noted = Self.place(of: note, log) {
      place = noted
    } else {
      let found = try Recovery(log, note)
      (place, recovery) = ((found.end, found.file), found)
    }
    (self.log, self.lock, end, file) = (log, lock, place.end, place.file)
    self.names = names
    isAlone = false
    mending = recovery?.mending ?? Mending()
    isLost = recovery?.isLost ?? false
  }

  /// Lets go of the lock, and leaves the files open for the next append of this process.
  consuming func leave() {
    let kept = lock?.file
    // Before another thread may have them: it would share our lock.
    lock = nil
    guard log.desk.isUsedAgain(), let kept, let file, let note else { return }
    var names = names
    if names == nil {
      names = Names(of: log)
      // Not watched until now.
      guard Files.inode(kept.name) == Files.inode(of: kept),
        Files.inode(file.name) == Files.inode(of: file)
      else {
        return
      }
    }
    guard let names else { return }
    log.desk.leave(Desk.Place(lock: kept, segment: file, end: end, note: note, names: names))
  }

  private static func lock(_ log: EventLog) throws(PosixError) -> Lock {
    var isMade = false
    while true {
      do throws(PosixError) {
        let lock = try Lock.wait(log.lockPath)
        // While we waited, its file may have lost the name to one that another writer locks.
        if Files.inode(log.lockPath) == Files.inode(of: lock.file) { return lock }
      } catch {
        guard error.errno == .noSuchFile, !isMade else { throw error }
        isMade = true
        try Files.makeFolder(log.folder)
        try File.open(log.folder, .folder).giveToOwner(of: Files.parent(of: log.folder))
      }
    }
  }

  /// The end as the last writer left it, if the segment still ends there.
  private static func place(of note: End, _ log: EventLog) -> (end: End, file: File?)? {
    var end = note
    do {
      let file = try File.open(log.path(of: end.segment), .change)
      guard try end.isRight(in: file) else { return nil }
      let changed = Files.modified(log.folder)
      if changed != end.folderChanged {
        // A segment may have been put there; most of the time it was a spare or a checkpoint.
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
    let moment = time.text
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
      if isAlone { file.startWriting(end.offset..<(end.offset + bytes.count)) }
      end.pass(bytes, last: last)
      try? leaveNote()
      return file
    } catch { throw .unwritable(error) }
  }

  /// Leaves the end for the next writer, who finds it the long way where that fails.
  private mutating func leaveNote() throws(PosixError) {
    let new = end.note
    note = nil
    try lock?.file.write(new, at: 0)
    note = new
  }

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
  /// The old segment is durable before there is a new one, and the new one before a line is in it. The note goes before
  /// that, since it must not lead into a segment that is not the newest.
  /// - Parameter hasFailed: whether syncing the old segment has failed, and is not tried again.
  mutating func roll(room: Int = 0, hasFailed: Bool = false) throws(PosixError) {
    if !hasFailed { try file?.syncData() }
    note = nil
    try lock?.file.write([EventLog.newline], at: 0)
    let size = try Spare(log).place(as: end.next, size: max(log.segmentSize, room))
    if let file, end.segment != end.next { try? file.truncate(to: end.offset) }
    end.segment = end.next
    (end.offset, end.size, end.trail) = (0, size, [])
    file = try File.open(log.path(of: end.segment), .change)
    try? Spare(log).makeIfMissing()
    end.folderChanged = Files.modified(log.folder)
    try leaveNote()
  }
}
