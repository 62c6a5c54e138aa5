import HomeLayout
import Posix

/// Files with what was taken out of segments: for each place a line `SEGMENT OFFSET LENGTH`, the bytes, a newline.
struct Aside {
  /// Bytes of a segment.
  struct Place {
    var segment: UInt64
    var file: File
    var range: Range<Int>
  }

  private let log: EventLog

  init(_ log: EventLog) { self.log = log }

  /// - Returns: the path of the new, durable file.
  func save(_ places: [Place]) throws(PosixError) -> String {
    let folder = log.folder + "/aside"
    try Files.makeDurableFolder(folder)
    // Another's link would lead root out of the home.
    try File.open(folder, .folder).giveToOwner(of: log.folder)
    let moment = Timestamp(milliseconds: Clock.now()).description.filter { !"-:".contains($0) }
    let path = "\(folder)/\(moment)-\(Random.hex(2))"
    let new = path + ".new"
    do throws(PosixError) {
      let file = try File.open(new, .create)
      try file.giveToOwner(of: folder)
      for place in places { try write(place, to: file) }
      try file.sync()
      try Files.rename(new, to: path)
    } catch {
      try? Files.remove(new)
      throw error
    }
    try Files.syncFolder(folder)
    return path
  }

  private func write(_ place: Place, to file: File) throws(PosixError) {
    try file.write(
      "\(Line.digits(place.segment)) \(place.range.lowerBound) \(place.range.count)\n")
    var offset = place.range.lowerBound
    while offset < place.range.upperBound {
      let part = try place.file.read(upTo: min(65_536, place.range.upperBound - offset), at: offset)
      if part.isEmpty { break }
      try file.write(part)
      offset += part.count
    }
    try file.write([EventLog.newline])
  }
}
