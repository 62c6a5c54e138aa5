import Glibc
import Posix

/// The shared secret of nodes that talk to each other. It prints as a placeholder.
public struct Cookie: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  let text: String

  /// A cookie is an atom: at most 255 characters, and no control characters.
  public init?(_ text: String) {
    guard (1...255).contains(text.unicodeScalars.count),
      text.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 })
    else { return nil }
    self.text = text
  }

  public var description: String { "«cookie»" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: []) }

  /// Why a cookie file cannot be used.
  public enum FileProblem: Error, Hashable, Sendable {
    case unreadable(PosixError)
    /// Other users than its owner may read it. The runtime system refuses such a file, too.
    case open(path: String)
    case empty(path: String)
    case bad(path: String)

    public var sentence: String {
      switch self {
      case .unreadable(let error): "\(error)"
      case .open(let path): "the cookie file '\(path)' may be read by others than its owner"
      case .empty(let path): "the cookie file '\(path)' is empty"
      case .bad(let path): "the cookie file '\(path)' holds no cookie"
      }
    }

    public var remedy: String {
      switch self {
      case .unreadable: "Name a file that you may read, or run as its owner."
      case .open(let path): "Make it its owner's alone: chmod 400 '\(path)'"
      case .empty, .bad: "It must hold one line, the cookie that the node was started with."
      }
    }
  }

  /// Reads a cookie file as the runtime system does: the first line, without blanks at its ends.
  /// Source: "Distributed Erlang", Erlang reference manual, and `auth.erl`.
  public static func read(file path: String) throws(FileProblem) -> Cookie {
    let bytes: [UInt8]
    let mode: mode_t
    do throws(PosixError) {
      let file = try File.open(path, .read)
      mode = try file.info().mode
      bytes = try file.readWhole(limit: 4096)
    } catch { throw .unreadable(error) }
    if mode & 0o077 != 0 { throw .open(path: path) }
    return try parse(bytes, path: path)
  }

  /// Writes it into a new file that only its owner may read, for a runtime system with that folder as HOME.
  public func write(newFile path: String) throws(PosixError) {
    try File.open(path, .create, mode: 0o400).write(text)
  }

  public static func parse(_ bytes: [UInt8], path: String) throws(FileProblem) -> Cookie {
    let line = String(decoding: bytes.prefix { $0 != 10 && $0 != 13 && $0 != 0 }, as: UTF8.self)
    let trimmed = line.drop { $0 == " " || $0 == "\t" }
    let word = String(trimmed.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    if word.isEmpty { throw .empty(path: path) }
    guard let cookie = Cookie(word) else { throw .bad(path: path) }
    return cookie
  }
}
