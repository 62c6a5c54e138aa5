import CPosix
import Glibc

/// A process with its start time, so that it is never mistaken for a later one with the same number.
public struct ProcessIdentity: Hashable, Sendable {
  public let pid: pid_t
  /// Clock ticks since boot, field 22 of `/proc/PID/stat` (proc(5)).
  public let started: UInt64

  public init(pid: pid_t, started: UInt64) { (self.pid, self.started) = (pid, started) }

  /// The process that has this number now.
  public init?(of pid: pid_t) {
    guard let stat = ProcessTable.stat(pid) else { return nil }
    self.init(pid: pid, started: stat.started)
  }

  /// Milliseconds from the boot of the host to the start of the process.
  public var sinceBoot: Int64 {
    let rate = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
    return Int64(clamping: min(started / rate, 1 << 40)) * 1000
      + Int64(started % rate * 1000 / rate)
  }

  /// Whether this very process still runs; a zombie does not.
  public var isAlive: Bool {
    ProcessTable.stat(pid).map { $0.identity == self && !$0.hasEnded } ?? false
  }

  /// Sends a signal to this very process, never to a later one with its number. pidfd_send_signal(2)
  /// - Returns: false if it has ended.
  @discardableResult
  public func signal(_ signal: Signal) -> Bool {
    if let watch = endWatch() {
      return cposix_signal_process(watch.descriptor, signal.rawValue) == 0
    }
    // The process may have ended, too many files may be open, or the kernel may have no pidfd.
    return isAlive && kill(pid, signal.rawValue) == 0
  }

  /// A descriptor that becomes readable when the process ends; nil if it has ended already. pidfd_open(2)
  public func endWatch() -> File? {
    let descriptor = cposix_process_descriptor(pid)
    guard descriptor != -1 else { return nil }
    let file = File(owning: descriptor, name: "process \(pid)")
    // The descriptor was opened by pid. Only a check after that shows that it belongs to this process.
    return isAlive ? file : nil
  }
}

/// The processes of the host, read from `/proc`. proc(5)
public enum ProcessTable {
  public struct Stat: Hashable, Sendable {
    public var pid: pid_t
    public var state: Character
    public var parent: pid_t
    /// Clock ticks since boot.
    public var started: UInt64
    public var threads: Int
    /// Resident memory in bytes.
    public var resident: Int

    public var identity: ProcessIdentity { ProcessIdentity(pid: pid, started: started) }

    /// Whether all its threads have ended. The kernel calls a process a zombie as soon as its first thread has ended.
    public var hasEnded: Bool { state == "X" || state == "Z" && threads <= 1 }
  }

  public static func stat(_ pid: pid_t) -> Stat? {
    guard let bytes = try? Files.read("/proc/\(pid)/stat", limit: 4096),
      // The second field is the program's name in brackets and may hold anything.
      let bracket = bytes.lastIndex(of: UInt8(ascii: ")"))
    else { return nil }
    let fields = String(decoding: bytes[(bracket + 1)...], as: UTF8.self).split(separator: " ")
    guard fields.count > 21, let state = fields[0].first, let parent = pid_t(fields[1]),
      let threads = Int(fields[17]), let started = UInt64(fields[19]), let pages = Int(fields[21])
    else { return nil }
    return Stat(
      pid: pid, state: state, parent: parent, started: started, threads: threads,
      resident: pages * Int(sysconf(Int32(_SC_PAGESIZE))))
  }

  public static func all() -> [Stat] { (try? list()) ?? [] }

  private static func list() throws(PosixError) -> [Stat] {
    try Files.list("/proc", skippingOthers: true).compactMap { pid_t($0) }.compactMap(stat)
  }

  public static func pids() -> [pid_t] {
    ((try? Files.list("/proc", skippingOthers: true)) ?? []).compactMap { pid_t($0) }
  }

  /// The name of the program that a process runs, at most 15 bytes of it; empty if the process has ended.
  public static func name(of pid: pid_t) -> String {
    let bytes = (try? File.open("/proc/\(pid)/comm", .read).read(upTo: 64)) ?? []
    return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }

  /// The words that a process was started with, the program first; at most `limit` bytes of them.
  public static func words(of pid: pid_t, limit: Int = 1 << 20) -> [String] {
    guard let file = try? File.open("/proc/\(pid)/cmdline", .read) else { return [] }
    var bytes: [UInt8] = []
    while bytes.count < limit, let part = try? file.read(upTo: 65_536), !part.isEmpty {
      bytes += part
    }
    // Each word ends with a zero, an empty one too.
    if bytes.last == 0 { bytes.removeLast() }
    if bytes.isEmpty { return [] }
    return bytes.prefix(limit).split(separator: 0, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
  }

  /// The processes that were started with these words behind the program's name.
  public static func processes(withArguments arguments: [String]) -> [ProcessIdentity] {
    pids().filter { words(of: $0).dropFirst().elementsEqual(arguments) }.compactMap {
      ProcessIdentity(of: $0)
    }
  }

  /// The user of a process. It is nil for a process of several users: a setuid program runs as one user with arguments
  /// and environment of another. It is found for a hidden process too, whose folder in `/proc` belongs to root.
  public static func user(of pid: pid_t) -> uid_t? {
    let bytes = (try? Files.read("/proc/\(pid)/status", limit: 65_536)) ?? []
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let fields = line.split(whereSeparator: \.isWhitespace)
      // The real, effective, saved and file system user.
      guard fields.count == 5, fields[0] == "Uid:" else { continue }
      return Set(fields[1...]).count == 1 ? uid_t(fields[1]) : nil
    }
    return nil
  }

  /// The time of the host's boot, in milliseconds since 1970. It changes when the clock is set. proc(5), `/proc/stat`
  public static func bootMoment() -> Int64 {
    let bytes = (try? Files.read("/proc/stat", limit: 1 << 20)) ?? []
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      guard line.hasPrefix("btime "), let seconds = Int32(line.dropFirst(6)) else { continue }
      return Int64(seconds) * 1000
    }
    return 0
  }

  /// The inodes of the sockets that a process has open; nil if this process may not see them.
  public static func sockets(of pid: pid_t) -> Set<UInt64>? {
    guard let names = try? Files.list("/proc/\(pid)/fd") else { return nil }
    var found: Set<UInt64> = []
    for name in names {
      guard let target = try? Files.target(ofLink: "/proc/\(pid)/fd/\(name)"),
        target.hasPrefix("socket:["), let inode = UInt64(target.dropFirst(8).dropLast())
      else { continue }
      found.insert(inode)
    }
    return found
  }

  /// The id of this boot of the host. Pids and start times of another boot mean other processes. random(4)
  public static var bootID: String {
    let bytes = (try? Files.read("/proc/sys/kernel/random/boot_id", limit: 256)) ?? []
    return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }

  /// The environment that a process was started with, as `NAME=value`; empty if this process may not see it.
  public static func environment(of pid: pid_t) -> Set<String> {
    let bytes = (try? Files.read("/proc/\(pid)/environ", limit: 4 << 20)) ?? []
    return Set(bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
  }

  /// The working folder of a process; nil if this process may not see it, or the other one has ended.
  public static func workingFolder(of pid: pid_t) -> String? {
    try? Files.target(ofLink: "/proc/\(pid)/cwd")
  }

  /// The children of a process, their children and so on, at this moment.
  public static func descendants(of pid: pid_t) -> [Stat] { descendants(of: pid, in: all()) }

  private static func descendants(of pid: pid_t, in all: [Stat]) -> [Stat] {
    let children = Dictionary(grouping: all, by: \.parent)
    var found: [Stat] = []
    var waiting = [pid]
    while let next = waiting.popLast() {
      for child in children[next] ?? [] {
        found.append(child)
        waiting.append(child.pid)
      }
    }
    return found
  }

  /// Kills all descendants of a process, and those that appear meanwhile, as `endAll` does.
  @discardableResult
  public static func endDescendants(
    of pid: pid_t, within milliseconds: Int64 = 5000, reaping reap: () -> Void = {}
  ) -> Bool {
    end(within: milliseconds, reap) { descendants(of: pid, in: $0) }
  }

  /// Kills every process for which `isMeant` is true, and those that appear meanwhile, until none is left.
  ///
  /// This process itself is never killed. A killed process stays a zombie until its parent waits for it.
  /// - Parameters:
  ///   - milliseconds: after which it gives up: a process in uninterruptible sleep does not end.
  ///   - reap: called after each round, to wait for children of this process.
  /// - Returns: false if some are left.
  @discardableResult
  public static func endAll(
    within milliseconds: Int64 = 5000, reaping reap: () -> Void = {}, where isMeant: (Stat) -> Bool
  ) -> Bool {
    end(within: milliseconds, reap) { $0.filter(isMeant) }
  }

  private static func end(
    within milliseconds: Int64, _ reap: () -> Void, _ find: ([Stat]) -> [Stat]
  ) -> Bool {
    let deadline = Clock.monotonic() + milliseconds
    while true {
      let all = try? list()
      let left = find(all ?? []).filter { !$0.hasEnded && $0.pid != Program.processID }
        .map(\.identity)
      if left.isEmpty, all != nil { return true }
      // All are stopped before the first is killed, so that none starts another process meanwhile.
      for signal: Signal in [.stop, .kill] { for process in left { process.signal(signal) } }
      if let end = left.first?.endWatch() {
        _ = try? Poll.wait([end.descriptor], milliseconds: 20)
      }
      reap()
      if Clock.monotonic() > deadline { return false }
    }
  }
}
