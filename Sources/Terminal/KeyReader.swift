import Glibc

/// A reader of keys from a terminal. It never waits.
struct KeyReader {
  /// Milliseconds that the rest of a key may take. Terminals send a key at once; this is for slow lines.
  private static let patience: Int64 = 25

  private let descriptor: Int32
  private var decoder = KeyDecoder()
  private var keys: ArraySlice<Key> = []
  /// When a key that is half received counts as finished, in milliseconds of the monotonic clock.
  private var deadline: Int64 = 0

  init(descriptor: Int32) { self.descriptor = descriptor }

  /// See `CursesScreen.keyTimeout`.
  var timeout: Int32? {
    if !keys.isEmpty { return 0 }
    guard decoder.isPending else { return nil }
    return Int32(truncatingIfNeeded: min(Self.patience, max(0, deadline - Self.now())))
  }

  mutating func next() throws(TerminalError) -> Key? {
    if let key = keys.popFirst() { return key }
    let bytes = try available()
    if !bytes.isEmpty {
      keys = decoder.receive(bytes)[...]
      deadline = Self.now() + Self.patience
    } else if decoder.isPending, Self.now() >= deadline {
      keys = decoder.finish()[...]
    }
    return keys.popFirst()
  }

  private func available() throws(TerminalError) -> [UInt8] {
    var question = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    let answers = poll(&question, 1, 0)
    if answers == 0 || answers < 0 && errno == EINTR { return [] }
    // POLLHUP without POLLIN is left to `read`, which then returns 0 or fails with EIO.
    var buffer = [UInt8](repeating: 0, count: 1024)
    let count = read(descriptor, &buffer, buffer.count)
    if count > 0 { return Array(buffer.prefix(count)) }
    switch count == 0 ? 0 : errno {
    case 0, EIO, ENXIO, EBADF: throw .gone
    case EINTR, EAGAIN: return []
    default: throw .system(call: "read", errno: errno)
    }
  }

  private static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}
