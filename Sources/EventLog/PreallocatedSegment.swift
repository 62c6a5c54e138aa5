import Posix

/// The file `.spare`: a segment of zeros, made before it is needed, so that the log has room when the disk is full.
struct PreallocatedSegment {
  private let log: DurableLog
  private var path: String { log.folder + "/.spare" }

  init(_ log: DurableLog) { self.log = log }

  func makeIfMissing() throws(PosixError) {
    if try Files.info(path)?.size != log.segmentSize { try make(log.segmentSize) }
  }

  /// Renames it to the segment that begins with this number. The segment is durable when this returns.
  /// - Returns: its size.
  func place(as first: UInt64, size: Int) throws(PosixError) -> Int {
    if try Files.info(path)?.size != size { try make(size) }
    let place = log.path(of: first)
    // Only a segment that was begun and never written to may be there already.
    if Files.exists(place) {
      let end = try SegmentScanner.contentEnd(of: try File.open(place, .change), from: 0)
      if end > 0 { throw PosixError("make", place, .exists) }
    }
    try Files.rename(path, to: place)
    try Files.syncFolder(log.folder)
    return size
  }

  /// The zeros are written, not only reserved: with blocks that were never written each sync would write metadata.
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
