import Glibc

/// The line discipline of a terminal: as it was, and with every key handed over as it is.
struct TerminalModes {
  private let descriptor: Int32
  private let before: termios

  init(descriptor: Int32) throws(TerminalError) {
    self.descriptor = descriptor
    var modes = termios()
    guard tcgetattr(descriptor, &modes) == 0 else {
      throw errno == EIO ? .gone : .notATerminal(descriptor: descriptor)
    }
    before = modes
  }

  /// No echo, no lines, no signals from keys, nothing translated in either direction.
  ///
  /// `^C`, `^Z`, `^S` are keys then. Reading blocks as before: `O_NONBLOCK` would also change the
  /// terminal for other programs that share it.
  func enterRaw() throws(TerminalError) {
    var raw = before
    raw.c_lflag &= ~tcflag_t(ICANON | ECHO | ECHONL | ISIG | IEXTEN)
    raw.c_iflag &= ~tcflag_t(IXON | ICRNL | INLCR | IGNCR | ISTRIP | BRKINT | PARMRK)
    raw.c_oflag &= ~tcflag_t(OPOST)
    withUnsafeMutableBytes(of: &raw.c_cc) { characters in
      characters[Int(VMIN)] = 1
      characters[Int(VTIME)] = 0
    }
    guard tcsetattr(descriptor, TCSANOW, &raw) == 0 else {
      throw errno == EIO ? .gone : .system(call: "tcsetattr", errno: errno)
    }
  }

  /// Does not wait for output to drain: a stalled terminal must not hold up an exit.
  func restore() {
    var modes = before
    while tcsetattr(descriptor, TCSANOW, &modes) != 0, errno == EINTR {}
  }
}
