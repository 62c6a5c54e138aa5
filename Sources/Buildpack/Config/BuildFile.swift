import Events

/// A line in a file of build configuration.
public struct FilePlace: Hashable, Sendable, CustomStringConvertible {
  public var file: String
  /// From 1.
  public var line: Int

  public var description: String { "\(file):\(line)" }

  func refusal(_ text: String, remedy: String? = nil) -> Cause {
    Cause(.buildFile, "\(self): \(text)", remedy: remedy)
  }
}

/// Checks that every file of build configuration must pass before it is read.
enum BuildFile {
  /// In bytes; no real file is larger.
  static let greatestSize = 1 << 20

  /// The file's bytes without a byte order mark; they are UTF-8 without zero bytes.
  static func check(_ bytes: [UInt8], file: String) throws(Cause) -> [UInt8] {
    if bytes.count > greatestSize {
      throw Cause(.buildFile, "\(file): it is larger than \(greatestSize >> 20) MB")
    }
    if let zero = bytes.firstIndex(of: 0) {
      let line = 1 + bytes[..<zero].count { $0 == UInt8(ascii: "\n") }
      throw FilePlace(file: file, line: line).refusal("the line holds a zero byte")
    }
    if String(validating: bytes, as: UTF8.self) == nil {
      let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      let line = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
      throw FilePlace(file: file, line: line + 1).refusal("the line is not UTF-8")
    }
    let mark: [UInt8] = [0xef, 0xbb, 0xbf]
    return bytes.starts(with: mark) ? Array(bytes.dropFirst(mark.count)) : bytes
  }
}
