import Glibc

/// One wait for one or a few descriptors; for more than one wait use `EventLoop`.
public enum Poll {
  /// What to wait for on one descriptor. With neither reads nor writes it is an error or the close of the other end.
  public struct Interest: Hashable, Sendable {
    public var descriptor: Int32
    public var reads: Bool
    public var writes: Bool

    public init(_ descriptor: Int32, reads: Bool = true, writes: Bool = false) {
      (self.descriptor, self.reads, self.writes) = (descriptor, reads, writes)
    }

    /// Waits until no program can read any more what is written to this descriptor of a pipe, socket or terminal.
    public static func close(ofReaderOf descriptor: Int32) -> Interest {
      Interest(descriptor, reads: false)
    }

    fileprivate var entry: pollfd {
      let events = (reads ? POLLIN : 0) | (writes ? POLLOUT : 0)
      return pollfd(fd: descriptor, events: Int16(events), revents: 0)
    }
  }

  /// What a descriptor is ready for. An error or a hang-up counts as both, since a read and a write each report it.
  public struct Ready: Hashable, Sendable {
    public var descriptor: Int32
    public var isReadable: Bool
    public var isWritable: Bool

    public init(_ descriptor: Int32, isReadable: Bool = false, isWritable: Bool = false) {
      (self.descriptor, self.isReadable, self.isWritable) = (descriptor, isReadable, isWritable)
    }

    fileprivate init?(_ entry: pollfd) {
      let found = Int32(entry.revents)
      if found == 0 { return nil }
      let isOver = found & (POLLERR | POLLHUP | POLLNVAL) != 0
      self.init(
        entry.fd, isReadable: isOver || found & POLLIN != 0,
        isWritable: isOver || found & POLLOUT != 0)
    }
  }

  /// Waits until one of the descriptors can be read or its other end is closed.
  /// - Parameter milliseconds: the longest wait; nil waits for ever.
  /// - Returns: those that are ready; empty at the limit or when a signal arrived.
  public static func wait(
    _ descriptors: [Int32], milliseconds: Int64? = nil
  ) throws(PosixError) -> [Int32] {
    try wait(descriptors.map { Interest($0) }, milliseconds: milliseconds).map(\.descriptor)
  }

  /// Waits until one of them is ready.
  /// - Parameter milliseconds: the longest wait; nil waits for ever.
  /// - Returns: those that are ready; empty at the limit or when a signal arrived.
  public static func wait(
    _ interests: [Interest], milliseconds: Int64? = nil
  ) throws(PosixError) -> [Ready] {
    try states(of: interests, milliseconds: milliseconds).compactMap { $0 }
  }

  /// Waits until a descriptor is ready.
  /// - Parameter deadline: in milliseconds of `Clock.monotonic`; nil waits for ever.
  /// - Returns: false once the deadline has passed, also for a descriptor that is always ready.
  public static func isReady(
    _ interest: Interest, before deadline: Int64?
  ) throws(PosixError) -> Bool {
    while true {
      let left = deadline.map { $0 - Clock.monotonic() }
      if let left, left <= 0 { return false }
      if try !wait([interest], milliseconds: left).isEmpty { return true }
    }
  }

  /// The state of each descriptor, in the order of `interests`; nil if it is not ready. poll(2)
  @usableFromInline static func states(
    of interests: [Interest], milliseconds: Int64?
  ) throws(PosixError) -> [Ready?] {
    var polled = interests.map(\.entry)
    let limit = milliseconds.map { Int32(clamping: max(0, $0)) } ?? -1
    if poll(&polled, nfds_t(polled.count), limit) == -1 {
      let reason = Errno.current
      if reason != .interrupted { throw PosixError("wait for", "input", reason) }
      return interests.map { _ in nil }
    }
    return polled.map { Ready($0) }
  }
}
