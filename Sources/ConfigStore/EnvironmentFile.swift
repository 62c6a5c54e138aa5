import Events

/// A parser of `NAME=VALUE` lines, as in `.env` files. No shell reads them, and nothing in them is expanded.
///
/// Blank lines and lines that begin with `#` are left out, and so is `export ` before a name. A value extends to the
/// end of its line, without the blanks around it. Between single quotes it is taken literally; between double quotes
/// `\n`, `\"`, `\$` and `\\` are a line end and the characters themselves. Only a comment may follow a closing quote.
public enum EnvironmentFile {
  public static let greatestSize = 1 << 20

  /// - Parameter name: the file's name in errors.
  /// - Throws: `RT-BUILD-FILE`, naming the first line that cannot be read.
  public static func values(in bytes: [UInt8], called name: String) throws(Cause) -> [String:
    String]
  {
    var values: [String: String] = [:]
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      do throws(Fault) {
        if let (name, value) = try entry(line) { values[name] = value }
      } catch {
        throw Cause(
          .buildFile, "\(name):\(index + 1): \(error.rawValue)",
          remedy: "Write it as in: NAME=VALUE")
      }
    }
    return values
  }

  private enum Fault: String, Error {
    case encoding = "it is not UTF-8, or holds a zero byte"
    case equals = "there is no '=' between name and value"
    case name = "what stands before '=' cannot be a variable's name"
    case open = "a quote is not closed in this line"
    case behind = "there is text after the closing quote"
  }

  private static func entry(_ line: ArraySlice<UInt8>) throws(Fault) -> (String, String)? {
    if line.contains(0) || String(validating: line, as: UTF8.self) == nil { throw .encoding }
    var rest = trimmed(line)
    if rest.isEmpty || rest.first == UInt8(ascii: "#") { return nil }
    let export = Array("export ".utf8)
    if rest.starts(with: export) { rest = trimmed(rest.dropFirst(export.count)) }
    guard let equals = rest.firstIndex(of: UInt8(ascii: "=")) else { throw .equals }
    let name = String(decoding: trimmed(rest[..<equals]), as: UTF8.self)
    if !ConfigSets.isName(name) { throw .name }
    let value = try value(trimmed(rest[equals...].dropFirst()))
    return (name, String(decoding: value, as: UTF8.self))
  }

  private static let escapes: [UInt8: UInt8] = Dictionary(
    uniqueKeysWithValues: [("n", "\n"), ("\"", "\""), ("$", "$"), ("\\", "\\")]
      .map { (from: Unicode.Scalar, to: Unicode.Scalar) in (UInt8(ascii: from), UInt8(ascii: to)) })

  private static func value(_ text: ArraySlice<UInt8>) throws(Fault) -> [UInt8] {
    let double = UInt8(ascii: "\"")
    guard let quote = text.first, quote == double || quote == UInt8(ascii: "'") else {
      return Array(text)
    }
    var (value, rest) = ([UInt8](), text.dropFirst())
    while true {
      guard let byte = rest.popFirst() else { throw .open }
      if byte == quote { break }
      if quote == double, byte == UInt8(ascii: "\\"),
        let meant = rest.first.flatMap({ escapes[$0] })
      {
        rest.removeFirst()
        value.append(meant)
      } else {
        value.append(byte)
      }
    }
    let behind = trimmed(rest)
    if !behind.isEmpty, behind.first != UInt8(ascii: "#") { throw .behind }
    return value
  }

  /// The text without the blanks around it, a carriage return of another system's file included.
  private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    func isBlank(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 || byte == 13 }
    var rest = text.drop(while: isBlank)
    while let last = rest.last, isBlank(last) { rest.removeLast() }
    return rest
  }
}
