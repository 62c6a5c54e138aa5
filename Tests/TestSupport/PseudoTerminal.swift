import Glibc

/// Both ends of a terminal that exists only for a test.
public final class PseudoTerminal {
  /// The end of the program under test.
  public let terminal: Int32
  /// The end of the operator.
  private var person: Int32

  public enum Failure: Error {
    case cannotOpen(errno: Int32)
    case nothingArrived(soFar: String)
  }

  public init(columns: UInt16, rows: UInt16) throws {
    // The calls behind posix_openpt, unlockpt and ptsname, which Glibc's module hides.
    person = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    var unlock: Int32 = 0
    var number: Int32 = 0
    let unlocks: UInt = 0x4004_5431  // TIOCSPTLCK
    let tellsNumber: UInt = 0x8004_5430  // TIOCGPTN
    guard person >= 0, ioctl(person, unlocks, &unlock) == 0,
      ioctl(person, tellsNumber, &number) == 0
    else { throw Failure.cannotOpen(errno: errno) }
    terminal = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard terminal >= 0 else { throw Failure.cannotOpen(errno: errno) }
    resize(columns: columns, rows: rows)
  }

  deinit {
    hangUp()
    close(terminal)
  }

  public func resize(columns: UInt16, rows: UInt16) {
    var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(person, UInt(TIOCSWINSZ), &size)
  }

  /// Closes the window.
  public func hangUp() {
    if person >= 0 { close(person) }
    person = -1
  }

  public func type(_ text: String) {
    let bytes = Array(text.utf8)
    _ = write(person, bytes, bytes.count)
  }

  /// Waits until the program's end has something to read.
  public func waitForInput() -> Bool { Self.isReadable(terminal, within: 30_000) }

  /// What the program has sent up to now.
  ///
  /// The kernel hands it over when it likes, so a mark is sent behind it and waited for.
  public func sent() throws -> String {
    let mark: [UInt8] = [0x01]
    _ = write(terminal, mark, 1)
    var bytes: [UInt8] = []
    while bytes.last != 0x01 {
      guard Self.isReadable(person, within: 30_000) else {
        throw Failure.nothingArrived(soFar: String(decoding: bytes, as: UTF8.self))
      }
      var buffer = [UInt8](repeating: 0, count: 4096)
      let count = read(person, &buffer, buffer.count)
      guard count > 0 else { throw Failure.cannotOpen(errno: errno) }
      bytes += buffer.prefix(count)
    }
    return String(decoding: bytes.dropLast(), as: UTF8.self)
  }

  /// The bytes that the program has sent and that were not read yet; it does not wait.
  public func waiting() -> [UInt8] {
    var bytes: [UInt8] = []
    while person >= 0, Self.isReadable(person, within: 0) {
      var buffer = [UInt8](repeating: 0, count: 65_536)
      let count = read(person, &buffer, buffer.count)
      guard count > 0 else { break }
      bytes += buffer.prefix(count)
    }
    return bytes
  }

  /// The line discipline as numbers that can be compared.
  public func modes() -> [UInt32] {
    var modes = termios()
    tcgetattr(terminal, &modes)
    let characters = withUnsafeBytes(of: &modes.c_cc) { $0.map(UInt32.init) }
    return [modes.c_iflag, modes.c_oflag, modes.c_cflag, modes.c_lflag] + characters
  }

  private static func isReadable(_ descriptor: Int32, within milliseconds: Int32) -> Bool {
    var question = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&question, 1, milliseconds) == 1
  }
}
