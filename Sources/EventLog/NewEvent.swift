import Posix

/// An event before it is in the log, which gives it a number, a time and a checksum.
public struct NewEvent: Hashable, Sendable {
  /// 128 random bits as 32 hexadecimal digits, lower case.
  public var id: String
  /// A URI reference that names the program it comes from: `host/program`.
  public var source: String
  public var type: String
  public var subject: String?
  /// A JSON object on one line.
  public var data: [UInt8]

  public init(source: String, type: String, subject: String?, data: [UInt8]) {
    id = Random.id()
    (self.source, self.type, self.subject, self.data) = (source, type, subject, data)
  }

  static func isID(_ bytes: some Collection<UInt8>) -> Bool {
    bytes.count == 32
      && bytes.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  }

  /// Whether a reader would find the same event again. Data that could not be encoded is empty, which is not an object.
  var isWritable: Bool {
    Self.isID(id.utf8) && data.first == UInt8(ascii: "{") && data.last == UInt8(ascii: "}")
      && data.firstIndex(of: DurableLog.newline, from: 0) == nil
      && data.firstIndex(of: 0, from: 0) == nil
  }
}
