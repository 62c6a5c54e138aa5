import Posix

// Waits that end, so that a test of a program that hangs fails and does not hang, too.

extension Child {
  /// Waits until it ends, and kills it after so many milliseconds.
  public func exit(within milliseconds: Int64 = 60_000) -> Exit {
    wait(until: Clock.monotonic() + milliseconds)
  }
}

extension File {
  /// Reads as `read` does, but waits for so many milliseconds at most (ETIMEDOUT).
  public func read(upTo count: Int, within milliseconds: Int64) throws(PosixError) -> [UInt8] {
    let deadline = Clock.monotonic() + milliseconds
    guard try Poll.isReady(Poll.Interest(descriptor), before: deadline) else {
      throw PosixError("read", name, .timedOut)
    }
    return try read(upTo: count)
  }
}
