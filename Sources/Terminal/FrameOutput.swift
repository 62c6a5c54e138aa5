import Glibc

/// The output of ncurses: a file in memory whose content is sent to the terminal frame by frame.
///
/// ncurses writes whenever its buffer is full, and a terminal may draw between two writes. One
/// write for each frame avoids tearing. A pipe instead of the file could fill up and block.
final class FrameOutput {
  private let terminal: Int32
  let stream: UnsafeMutablePointer<FILE>

  /// - Parameter memory: the descriptor of an empty file in memory; this object closes it.
  init(terminal: Int32, memory: Int32) throws(TerminalError) {
    self.terminal = terminal
    guard memory >= 0 else { throw .system(call: "memfd_create", errno: errno) }
    guard let stream = fdopen(memory, "w+") else {
      let reason = errno
      close(memory)
      throw .system(call: "fdopen", errno: reason)
    }
    self.stream = stream
  }

  deinit { fclose(stream) }

  /// Sends what has been written since the last time.
  func flush() throws(TerminalError) {
    fflush(stream)
    let memory = fileno(stream)
    let length = Int(lseek(memory, 0, SEEK_END))
    guard length > 0 else { return }
    var bytes = [UInt8](repeating: 0, count: length)
    let count = pread(memory, &bytes, length, 0)
    guard count == length, ftruncate(memory, 0) == 0, lseek(memory, 0, SEEK_SET) == 0 else {
      throw .system(call: "pread", errno: errno)
    }
    try send(bytes)
  }

  private func send(_ bytes: [UInt8]) throws(TerminalError) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { all in
        write(terminal, all.baseAddress?.advanced(by: sent), all.count - sent)
      }
      if count >= 0 {
        sent += count
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN: waitUntilWritable()
      case EIO, EPIPE, ENXIO, EBADF: throw .gone
      default: throw .system(call: "write", errno: errno)
      }
    }
  }

  /// This is needed if another program has left the terminal in `O_NONBLOCK`.
  private func waitUntilWritable() {
    var question = pollfd(fd: terminal, events: Int16(POLLOUT), revents: 0)
    poll(&question, 1, -1)
  }
}
