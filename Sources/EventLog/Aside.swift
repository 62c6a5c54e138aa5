import HomeFormat
import Posix

/// Files with what was taken out of segments: for each place a line `SEGMENT OFFSET LENGTH`, the bytes, a newline.
struct Aside {
  private let log: EventLog

  init(_ log: EventLog) { self.log = log }

  /// - Returns: the path of the new, durable file.
  func save(_ places: [(segment: UInt64, offset: Int, bytes: [UInt8])]) throws(PosixError) -> String
  {
    let folder = log.folder + "/aside"
    try Files.makeDurableFolder(folder)
    // Another's link would lead root out of the home.
    try File.open(folder, .folder).giveToOwner(of: log.folder)
    let moment = Timestamp(milliseconds: Clock.now()).description.filter { !"-:".contains($0) }
    let path = "\(folder)/\(moment)-\(Random.hex(2))"
    var content: [UInt8] = []
    for place in places {
      let head = "\(Line.digits(place.segment)) \(place.offset) \(place.bytes.count)\n"
      content += Array(head.utf8) + place.bytes + [EventLog.newline]
    }
    try Files.replace(path, with: content)
    return path
  }
}
