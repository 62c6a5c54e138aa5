import EventLog
import HomeLayout
import Posix
import TestSupport

extension NewEvent {
  init(_ number: Int, subject: String? = "greeter") {
    self.init(
      source: "host/test", type: "reltui.test", subject: subject,
      data: Array("{\"n\":\(number)}".utf8))
  }
}

extension DurableLog {
  /// An empty log in a folder of its own.
  static func temporary(
    _ name: String, segmentSize: Int, inMemory: Bool = false
  ) throws -> (TemporaryFolder, DurableLog) {
    let folder = try TemporaryFolder(name, inMemory: inMemory)
    return (folder, DurableLog(folder: folder.path + "/events", segmentSize: segmentSize))
  }

  /// Everything that can be read, and what cannot.
  func all(limit: Int = 4 << 20) throws -> (lines: [Line], damage: [Damage]) {
    var reader = Reader(self)
    let lines = try reader.rest(limit: limit)
    return (lines, reader.damage)
  }

  /// The first segment's file.
  var first: String { segment(1) }

  func segment(_ first: Int) -> String {
    folder + "/" + String(10_000_000_000_000_000 + first).dropFirst() + ".jsonl"
  }

  /// What was written to a segment, without the room behind it.
  func written(_ first: Int = 1) throws -> [UInt8] {
    let bytes = try Files.read(segment(first))
    return Array(bytes.prefix(bytes.countWithoutZeros))
  }
}

extension Reader {
  mutating func rest(limit: Int = 4 << 20) throws -> [Line] {
    var lines: [Line] = []
    while true {
      let more = try next(limit: limit)
      if more.isEmpty { return lines }
      lines += more
    }
  }
}

/// A line made by hand, from the format's description and not by the code under test.
func handMade(_ sequence: Int, time: String, data: [UInt8] = Array("{}".utf8)) -> [UInt8] {
  let digits = String(String(10_000_000_000_000_000 + sequence).dropFirst())
  let id = String(repeating: "a", count: 32)
  let head =
    #"{"seq":"\#(digits)","specversion":"1.0","id":"\#(id)","time":"\#(time)","#
    + #""source":"host/hand","type":"reltui.test","data":"#
  let covered = Array(head.utf8) + data
  let sum = String(0x1_0000_0000 + UInt64(CRC32C.checksum(covered)), radix: 16).dropFirst()
  return covered + Array(",\"crc32c\":\"\(sum)\"}\n".utf8)
}
