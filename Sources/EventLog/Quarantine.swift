import HomeLayout
import Posix

/// A range of bytes in a segment.
struct SegmentRange {
  var segment: UInt64
  var file: File
  var bytes: Range<Int>
}

/// The folder `aside`: files with the bytes that were taken out of segments. Each range is a line
/// `SEGMENT OFFSET LENGTH`, the bytes, and a newline.
struct Quarantine {
  private let log: DurableLog

  init(_ log: DurableLog) { self.log = log }

  /// - Returns: the path of the new, durable file.
  func save(_ ranges: [SegmentRange]) throws(PosixError) -> String {
    let folder = log.folder + "/aside"
    try Files.makeDurableFolder(folder)
    // The folder could be a link that another user has put there. Root must not write a file through it.
    try File.open(folder, .folder).giveToOwner(of: log.folder)
    let moment = Timestamp(milliseconds: Clock.now()).description.filter { !"-:".contains($0) }
    let path = "\(folder)/\(moment)-\(Random.hex(2))"
    let new = path + ".new"
    do throws(PosixError) {
      let file = try File.open(new, .create)
      try file.giveToOwner(of: folder)
      for range in ranges { try write(range, to: file) }
      try file.sync()
      try Files.rename(new, to: path)
    } catch {
      try? Files.remove(new)
      throw error
    }
    try Files.syncFolder(folder)
    return path
  }

  private func write(_ range: SegmentRange, to file: File) throws(PosixError) {
    try file.write("\(Line.digits(range.segment)) \(range.bytes.lowerBound) \(range.bytes.count)\n")
    var offset = range.bytes.lowerBound
    while offset < range.bytes.upperBound {
      let part = try range.file.read(upTo: min(65_536, range.bytes.upperBound - offset), at: offset)
      if part.isEmpty { break }
      try file.write(part)
      offset += part.count
    }
    try file.write([DurableLog.newline])
  }
}
