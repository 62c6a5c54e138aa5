import CPosix
import Glibc

/// Waiting for several descriptors at once.
public enum Poll {
  /// Waits until one of the descriptors can be read (or its other end is gone).
  /// - Parameters:
  ///   - written: descriptors that are only written to: waits until nobody reads what comes out of one.
  ///   - milliseconds: the longest wait; nil waits for ever.
  /// - Returns: those that it is so of; empty when the time is up or a signal came. poll(2)
  public static func wait(
    _ descriptors: [Int32], written: [Int32] = [], milliseconds: Int64? = nil
  ) throws(PosixError) -> [Int32] {
    var polled = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    polled += written.map { pollfd(fd: $0, events: 0, revents: 0) }
    return try changed(&polled, milliseconds).map(\.fd)
  }

  private static func changed(_ polled: inout [pollfd], _ milliseconds: Int64?)
    throws(PosixError) -> [pollfd]
  {
    let limit = milliseconds.map { Int32(clamping: max(0, $0)) } ?? -1
    if poll(&polled, nfds_t(polled.count), limit) == -1 {
      let reason = Errno.current
      if reason == .interrupted { return [] }
      throw PosixError("wait for", "input", reason)
    }
    return polled.filter { $0.revents != 0 }
  }
}

extension Poll {
  /// What is waited for of one descriptor.
  public struct Interest: Hashable, Sendable {
    public var descriptor: Int32
    public var reads: Bool
    public var writes: Bool

    public init(_ descriptor: Int32, reads: Bool = true, writes: Bool = false) {
      (self.descriptor, self.reads, self.writes) = (descriptor, reads, writes)
    }
  }

  /// What a descriptor is ready for; an error or a hang-up is both, since either call tells it.
  public struct Ready: Hashable, Sendable {
    public var descriptor: Int32
    public var isReadable: Bool
    public var isWritable: Bool

    public init(_ descriptor: Int32, isReadable: Bool = false, isWritable: Bool = false) {
      (self.descriptor, self.isReadable, self.isWritable) = (descriptor, isReadable, isWritable)
    }
  }

  /// Waits until one of them is ready.
  /// - Parameter milliseconds: the longest wait; nil waits for ever.
  /// - Returns: those that are; empty when the time is up or a signal came. poll(2)
  public static func wait(
    _ interests: [Interest], milliseconds: Int64? = nil
  ) throws(PosixError) -> [Ready] {
    var polled = interests.map { interest in
      let events = (interest.reads ? POLLIN : 0) | (interest.writes ? POLLOUT : 0)
      return pollfd(fd: interest.descriptor, events: Int16(events), revents: 0)
    }
    let ends = POLLERR | POLLHUP | POLLNVAL
    return try changed(&polled, milliseconds).map { entry in
      let found = Int32(entry.revents)
      let isOver = found & ends != 0
      return Ready(
        entry.fd, isReadable: isOver || found & POLLIN != 0,
        isWritable: isOver || found & POLLOUT != 0)
    }
  }
}

/// Clocks, in milliseconds unless said otherwise.
public enum Clock {
  /// Since 1970, UTC; may jump when it is set.
  public static func now() -> Int64 { read(CLOCK_REALTIME) }

  /// Since some moment in the past; never jumps.
  public static func monotonic() -> Int64 { read(CLOCK_MONOTONIC) }

  /// The same in microseconds, for what is measured.
  public static func microseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
  }

  /// Seconds east of UTC at a moment, by `TZ` or the host's zone. localtime_r(3)
  public static func utcOffset(at milliseconds: Int64) -> Int {
    var seconds = time_t(milliseconds / 1000)
    var parts = tm()
    return localtime_r(&seconds, &parts) == nil ? 0 : parts.tm_gmtoff
  }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}

/// Signals as something to poll for, instead of handlers that may run anywhere.
public struct Signals: Sendable {
  public let file: File

  /// Blocks these signals in this process and collects them here. signalfd(2)
  public init(_ signals: [Int32]) throws(PosixError) {
    let descriptor = try check("wait for", "signals") {
      cposix_signals(signals, Int32(signals.count))
    }
    file = File(owning: descriptor, name: "signals")
  }

  /// The next one that came, nil if there is none.
  public func next() -> Int32? {
    let signal = cposix_next_signal(file.descriptor)
    return signal > 0 ? signal : nil
  }

  /// Writing to a closed pipe, or beyond a file-size limit, becomes an error of the call instead of our end.
  public static func turnWriteFailuresIntoErrors() {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
  }
}

/// Changes in a folder as something to poll for. inotify(7)
public struct FolderWatch: Sendable {
  public let file: File

  public init(_ folder: String) throws(PosixError) {
    let descriptor = try check("watch", folder) { cposix_watch(folder) }
    file = File(owning: descriptor, name: folder)
  }

  /// Watches only which names there are and what has them; nothing that is written to a file is noticed.
  public init(namesIn folder: String) throws(PosixError) {
    let descriptor = try check("watch", folder) { cposix_watch_names(folder) }
    file = File(owning: descriptor, name: folder)
  }

  /// Watches another folder too.
  public func add(_ folder: String) throws(PosixError) {
    try check("watch", folder) { cposix_watch_more(file.descriptor, folder) }
  }

  /// Takes what has been noticed, so that polling waits for the next change.
  public func drain() {
    while let bytes = try? file.read(upTo: 16_384), !bytes.isEmpty {}
  }

  /// What has been noticed in a folder.
  public struct Notice: Equatable, Sendable {
    /// Whether it was about a name with the ending that was asked for.
    public var isWanted = false
    /// Whether the folder is gone from its place, or notices were lost: it is to be looked at and watched anew.
    public var isLost = false
  }

  /// Takes what has been noticed.
  public func drain(noticing suffix: String) -> Notice {
    var notice = Notice()
    while let bytes = try? file.read(upTo: 16_384), !bytes.isEmpty {
      bytes.withUnsafeBytes { Self.note(suffix, in: $0, &notice) }
    }
    return notice
  }

  /// `struct inotify_event`: watch, mask, cookie and length of the name, four bytes each, then the name and zeros.
  /// Without a name it is about the folder itself, or the queue.
  private static func note(
    _ suffix: String, in events: UnsafeRawBufferPointer, _ notice: inout Notice
  ) {
    let head = 16
    var start = 0
    while start + head <= events.count {
      let length = Int(events.loadUnaligned(fromByteOffset: start + 12, as: UInt32.self))
      let end = min(events.count, start + head + length)
      let name = events[(start + head)..<end].prefix { $0 != 0 }
      if name.isEmpty { notice.isLost = true }
      if name.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) { notice.isWanted = true }
      start += head + length
    }
  }
}
