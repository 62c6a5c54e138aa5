import Posix

/// A segment of zeros, made before it is needed: the log can go on for a while when the disk is full.
struct Spare {
  private let log: EventLog
  private var path: String { log.folder + "/.spare" }

  init(_ log: EventLog) { self.log = log }

  func makeIfMissing() throws(PosixError) {
    if try Files.info(path)?.size != log.segmentSize { try make(log.segmentSize) }
  }

  /// Makes the spare the segment that begins with this number; when this returns it is durable.
  /// - Returns: its size.
  func place(as first: UInt64, size: Int) throws(PosixError) -> Int {
    if try Files.info(path)?.size != size { try make(size) }
    let place = log.path(of: first)
    // One that was begun and never written may be there, and nothing else.
    if Files.exists(place) {
      let end = try Scan.contentEnd(of: try File.open(place, .change), from: 0)
      if end > 0 { throw PosixError("make", place, .exists) }
    }
    try Files.rename(path, to: place)
    try Files.syncFolder(log.folder)
    return size
  }

  /// Written, not only reserved: blocks that were never written would cost each sync a write of metadata.
  private func make(_ size: Int) throws(PosixError) {
    let new = path + ".new"
    do throws(PosixError) {
      try Files.remove(new)
      let file = try File.open(new, .create)
      try file.giveToOwner(of: log.folder)
      try file.write([UInt8](repeating: 0, count: size), at: 0)
      try file.sync()
      try Files.rename(new, to: path)
    } catch {
      try? Files.remove(new)
      throw error
    }
  }
}
