import Glibc

/// The modes of a terminal: those before the start, and the raw ones, in which every key is passed on unchanged.
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

  /// Turns off echo, line input, signals from keys, and the translation of bytes in either direction.
  ///
  /// `^C`, `^Z`, `^S` become ordinary keys. Reading blocks as before: `O_NONBLOCK` would also change the
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

  /// Restores the modes without waiting for output to drain: a stalled terminal must not delay an exit.
  func restore() {
    var modes = before
    while tcsetattr(descriptor, TCSANOW, &modes) != 0, errno == EINTR {}
  }
}
