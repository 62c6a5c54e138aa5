import CPosix
import Glibc

/// A signal by its name. signal(7)
public struct Signal: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: Int32
  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static let hup = Signal(rawValue: SIGHUP)
  public static let int = Signal(rawValue: SIGINT)
  public static let quit = Signal(rawValue: SIGQUIT)
  public static let abrt = Signal(rawValue: SIGABRT)
  public static let kill = Signal(rawValue: SIGKILL)
  public static let usr1 = Signal(rawValue: SIGUSR1)
  public static let usr2 = Signal(rawValue: SIGUSR2)
  public static let term = Signal(rawValue: SIGTERM)
  public static let chld = Signal(rawValue: SIGCHLD)
  public static let cont = Signal(rawValue: SIGCONT)
  public static let stop = Signal(rawValue: SIGSTOP)
  public static let xfsz = Signal(rawValue: SIGXFSZ)
  public static let winch = Signal(rawValue: SIGWINCH)

  public var description: String { "\(rawValue)" }

  /// The exit code with which a shell reports that this signal ended a program.
  public var exitCode: Int32 { 128 + rawValue }
}

/// Signals that arrive as readable bytes of a descriptor instead of in handlers. signalfd(2)
public struct Signals: Sendable {
  public let file: File

  /// Blocks these signals in this process and collects them here.
  public init(_ signals: [Signal]) throws(PosixError) {
    let numbers = signals.map(\.rawValue)
    let descriptor = try check("wait for", "signals") {
      cposix_signals(numbers, Int32(numbers.count))
    }
    file = File(owning: descriptor, name: "signals")
  }

  /// The next signal that has arrived; nil if there is none.
  public func next() -> Signal? {
    let number = cposix_next_signal(file.descriptor)
    return number > 0 ? Signal(rawValue: number) : nil
  }

  /// Makes a write to a closed pipe, or beyond a file-size limit, fail with an error instead of ending this process.
  public static func turnWriteFailuresIntoErrors() {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
  }
}
