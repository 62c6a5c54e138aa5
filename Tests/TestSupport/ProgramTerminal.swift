import Glibc
import Posix

/// A program of ours in a terminal that exists only for a test, and what it sent there.
public final class ProgramTerminal {
  private let window: PseudoTerminal
  private let child: Child
  private var sent: [UInt8] = []
  public let modesBefore: [UInt32]

  public init(
    _ program: String, _ arguments: [String], environment: [String: String], columns: UInt16 = 80,
    rows: UInt16 = 24
  ) throws {
    window = try PseudoTerminal(columns: columns, rows: rows)
    modesBefore = window.modes()
    let terminal = File(owning: Descriptor.copy(of: window.terminal), name: "terminal")
    // `setsid -c` makes it the controlling terminal, so that SIGWINCH comes by itself.
    let invocation = Invocation(
      ["setsid", "-c", try Workspace.program(program)] + arguments, environment: environment)
    child = try Child.start(
      invocation, input: .file(terminal), output: .file(terminal), errors: .file(terminal))
  }

  public func resize(columns: UInt16, rows: UInt16) { window.resize(columns: columns, rows: rows) }

  public func type(_ text: String) { window.type(text) }

  public func signal(_ signal: Signal) { child.signal(signal) }

  /// Closes the window.
  public func hangUp() { window.hangUp() }

  /// Waits until a text has been sent; forgets what came up to it.
  public func wait(for text: String) -> Bool {
    let wanted = Array(text.utf8)
    return Workspace.wait(milliseconds: 30_000) {
      receive()
      guard let end = Self.end(of: wanted, in: sent) else { return nil }
      sent.removeFirst(end)
      return true
    } ?? false
  }

  /// What has come since and was not waited for.
  public func rest() -> String {
    receive()
    defer { sent = [] }
    return String(decoding: sent, as: UTF8.self)
  }

  /// How it ended, nil if it did not in time.
  public func exit() throws -> Exit? {
    guard let ended = ProcessIdentity(of: child.pid)?.endWatch() else { return child.exit() }
    let end = Clock.monotonic() + 30_000
    while Clock.monotonic() < end {
      // A closing terminal waits until its output was read.
      receive()
      if try !Poll.wait([ended.descriptor], milliseconds: 20).isEmpty { return child.exit() }
    }
    child.signal(.kill)
    return nil
  }

  public var modes: [UInt32] { window.modes() }

  private func receive() { sent += window.waiting() }

  private static func end(of wanted: [UInt8], in bytes: [UInt8]) -> Int? {
    guard bytes.count >= wanted.count else { return nil }
    return (0...(bytes.count - wanted.count)).first { bytes[$0...].starts(with: wanted) }
      .map { $0 + wanted.count }
  }
}
