import Posix

/// An event as it is handed in; number, time and checksum are the log's.
public struct Draft: Hashable, Sendable {
  /// 128 random bits as 32 hexadecimal digits.
  public var id: String
  /// A URI reference naming who says it: `host/program`.
  public var source: String
  public var type: String
  public var subject: String?
  /// A JSON object on one line.
  public var data: [UInt8]

  public init(source: String, type: String, subject: String?, data: [UInt8]) {
    id = Random.hex(16)
    self.source = source
    self.type = type
    self.subject = subject
    self.data = data
  }

  var isWritable: Bool {
    id.utf8.count == 32 && id.allSatisfy(\.isHexDigit)
      && !data.contains { $0 == EventLog.newline || $0 == 0 }
  }
}
