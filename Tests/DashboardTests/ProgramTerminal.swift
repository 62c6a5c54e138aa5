import Glibc
import Posix
import TestSupport

/// `reltui` in a terminal that exists only for a test, and what it sent there.
final class ProgramTerminal {
  private let terminal: File
  private var person: File?
  private let child: Child
  private var sent: [UInt8] = []
  let modesBefore: [UInt32]

  init(_ arguments: [String], environment: [String: String]) throws {
    // The calls behind posix_openpt, unlockpt and ptsname, which Glibc's module hides.
    let person = try File.open("/dev/ptmx", .update)
    var unlock: Int32 = 0
    var number: Int32 = 0
    guard ioctl(person.descriptor, 0x4004_5431 as UInt, &unlock) == 0,  // TIOCSPTLCK
      ioctl(person.descriptor, 0x8004_5430 as UInt, &number) == 0  // TIOCGPTN
    else { throw PosixError("open", "pseudo-terminal", Errno(rawValue: errno)) }
    let descriptor = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw PosixError("open", "/dev/pts/\(number)", Errno(rawValue: errno))
    }
    terminal = File(owning: descriptor, name: "terminal")
    self.person = person
    modesBefore = Self.modes(terminal)
    Self.resize(person, columns: 80, rows: 24)
    // `setsid -c` makes it the controlling terminal, so that SIGWINCH comes by itself.
    let invocation = Invocation(
      ["setsid", "-c", try Workspace.program("reltui")] + arguments, environment: environment)
    child = try Child.start(
      invocation, input: .file(terminal), output: .file(terminal), errors: .file(terminal))
  }

  func resize(columns: UInt16, rows: UInt16) {
    if let person { Self.resize(person, columns: columns, rows: rows) }
  }

  private static func resize(_ person: File, columns: UInt16, rows: UInt16) {
    var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(person.descriptor, UInt(TIOCSWINSZ), &size)
  }

  func type(_ text: String) throws { try person?.write(text) }

  func signal(_ number: Int32) { child.signal(number) }

  /// Closes the window.
  func hangUp() { person = nil }

  /// Waits until a text has been sent; forgets what came up to it.
  func wait(for text: String) throws -> Bool {
    let wanted = Array(text.utf8)
    return try Workspace.wait(milliseconds: 10_000) {
      try receive()
      guard let end = Self.end(of: wanted, in: sent) else { return nil }
      sent.removeFirst(end)
      return true
    } ?? false
  }

  /// What has come since and was not waited for.
  func rest() throws -> String {
    try receive()
    defer { sent = [] }
    return String(decoding: sent, as: UTF8.self)
  }

  /// How it ended, nil if it did not in time.
  func exit() throws -> Exit? {
    guard let ended = ProcessIdentity(of: child.pid)?.endWatch() else { return child.wait() }
    let end = Clock.monotonic() + 10_000
    while Clock.monotonic() < end {
      // A closing terminal waits until somebody has read what was sent.
      try receive()
      if try !Poll.wait([ended.descriptor], milliseconds: 20).isEmpty { return child.wait() }
    }
    child.signal(SIGKILL)
    return nil
  }

  var modes: [UInt32] { Self.modes(terminal) }

  private func receive() throws {
    guard let person else { return }
    while try !Poll.wait([person.descriptor], milliseconds: 0).isEmpty {
      sent += try person.read(upTo: 65_536)
    }
  }

  private static func end(of wanted: [UInt8], in bytes: [UInt8]) -> Int? {
    guard bytes.count >= wanted.count else { return nil }
    return (0...(bytes.count - wanted.count)).first { bytes[$0...].starts(with: wanted) }
      .map { $0 + wanted.count }
  }

  private static func modes(_ terminal: File) -> [UInt32] {
    var modes = termios()
    tcgetattr(terminal.descriptor, &modes)
    let characters = withUnsafeBytes(of: &modes.c_cc) { $0.map(UInt32.init) }
    return [modes.c_iflag, modes.c_oflag, modes.c_cflag, modes.c_lflag] + characters
  }
}
