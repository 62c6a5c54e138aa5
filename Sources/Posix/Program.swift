import CPosix
import Glibc

/// This process.
public enum Program {
  public static func exit(_ code: Int32) -> Never { Glibc.exit(code) }

  public static var processID: Int32 { getpid() }
}

public enum Environment {
  /// Variables as bytes: `NAME=VALUE`, each ended by a zero.
  public static func encode(_ variables: [String: String]) -> [UInt8] {
    variables.sorted { $0.key < $1.key }.flatMap { Array("\($0)=\($1)".utf8) + [0] }
  }

  public static func decode(_ bytes: [UInt8]) -> [String: String] {
    bytes.split(separator: 0).reduce(into: [:]) { variables, entry in
      guard let equals = entry.firstIndex(of: UInt8(ascii: "=")) else { return }
      let value = String(decoding: entry[entry.index(after: equals)...], as: UTF8.self)
      variables[String(decoding: entry[..<equals], as: UTF8.self)] = value
    }
  }

  public static var current: [String: String] {
    var variables: [String: String] = [:]
    var next = environ
    while let entry = next.pointee {
      let text = String(cString: entry)
      if let equals = text.firstIndex(of: "=") {
        variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
      }
      next += 1
    }
    return variables
  }
}

public enum Descriptor {
  /// A second descriptor for the same open file, which the caller must close. dup(2)
  public static func copy(of descriptor: Int32) -> Int32 { fcntl(descriptor, F_DUPFD_CLOEXEC, 3) }
}

public enum TerminalSize {
  /// Columns and rows; nil if the descriptor is not a terminal.
  public static func of(_ descriptor: Int32) -> (columns: Int, rows: Int)? {
    var (columns, rows): (Int32, Int32) = (0, 0)
    guard cposix_terminal_size(descriptor, &columns, &rows) == 0 else { return nil }
    return (Int(columns), Int(rows))
  }
}
