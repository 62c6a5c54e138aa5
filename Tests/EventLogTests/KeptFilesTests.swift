import EventLog
import Posix
import TestSupport
import Testing

/// A writer keeps the log's files open; it must not write to one that has lost its name.
@Suite struct KeptFilesTests {
  let folder: TemporaryFolder
  let log: DurableLog

  init() throws {
    folder = try TemporaryFolder("kept")
    log = DurableLog(folder: folder.path + "/home/events", segmentSize: 4096)
    // The files are kept from the second event on.
    for number in 1...3 { try log.append(NewEvent(number)) }
  }

  /// What an operator or another program may do meanwhile, and the number of the next event.
  @Test func namesThatChange() throws {
    let changes: [(String, next: UInt64, (DurableLog) throws -> Void)] = [
      ("nothing", 4, { _ in }),
      ("the lock is gone", 4, { try Files.remove($0.folder + "/.lock") }),
      ("the folder is gone", 1, { try Files.remove($0.folder) }),
      ("the folder was moved", 1, { try Files.rename($0.folder, to: $0.folder + ".old") }),
      (
        "the segment is a copy", 4,
        { log in
          let copy = log.folder + "/copy"
          try File.open(copy, .create).write(try Files.read(log.first))
          try Files.rename(copy, to: log.first)
        }
      ),
      ("the segment is gone", 4, { try Files.remove($0.first) }),
      ("another program wrote", 5, { try DurableLog(folder: $0.folder).append(NewEvent(4)) }),
      (
        "another program wrote more than fits", 24,
        { log in
          for number in 4...23 {
            try DurableLog(folder: log.folder, segmentSize: 4096).append(NewEvent(number))
          }
        }
      ),
    ]
    for (name, next, change) in changes {
      try Files.remove(folder.path + "/home")
      try Files.makeFolder(folder.path + "/home")
      let log = DurableLog(folder: folder.path + "/home/events", segmentSize: 4096)
      for number in 1...3 { try log.append(NewEvent(number)) }
      try change(log)
      let line = try log.append(NewEvent(9))
      #expect(line?.sequence == next, "\(name)")
      let read = try DurableLog(folder: log.folder).all().lines.last
      #expect(read == line, "\(name)")
    }
  }

  /// The folder above is not watched, but looked at once a second.
  @Test func aHomeThatIsMoved() throws {
    try Files.rename(folder.path + "/home", to: folder.path + "/moved")
    let isNoticed = eventually {
      (try? log.append(NewEvent(4))) != nil && Files.exists(log.folder)
    }
    #expect(isNoticed)
    let moved = DurableLog(folder: folder.path + "/moved/events")
    #expect(try moved.verify().damage == [] && log.all().lines.first?.sequence == 1)
  }

  /// Threads of one process do not share a lock.
  @Test func threads() throws {
    let numbers = Threads.collect(4) { index -> [UInt64] in
      (0..<50).compactMap { (try? log.append(NewEvent(index * 100 + $0)))??.sequence }
    }.flatMap { $0 }
    #expect(numbers.sorted() == Array(4...203))
    let (lines, damage) = try log.all()
    #expect(lines.count == 203 && damage == [])
  }
}
