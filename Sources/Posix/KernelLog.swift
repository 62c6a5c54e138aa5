import Glibc

/// The kernel's log. Source: "Documentation/ABI/testing/dev-kmsg" of the kernel
public enum KernelLog {
  /// More records than the kernel keeps by default.
  private static let mostRecords = 50_000

  /// What the log says of a process that the kernel killed because the host had no memory left, such as
  /// `beam.smp used 1200 MB`; nil if it says nothing, or may not be read.
  /// - Parameter age: milliseconds for which the process can have been dead at most. Before, another process may have had
  ///   its number.
  public static func memoryKill(of process: pid_t, age: Int64) -> String? {
    guard let file = try? File.open("/dev/kmsg", .read) else { return nil }
    let start = (Clock.monotonic() - age) * 1000
    var found: String?
    for _ in 0..<mostRecords {
      do throws(PosixError) {
        // Each read gives one record.
        let record = String(decoding: try file.read(upTo: 8192), as: UTF8.self)
        found = memoryKill(of: process, since: start, in: record) ?? found
      } catch {
        // The record was overwritten, and the next one can be read. Any other error is the end of the log (EAGAIN).
        if error.errno != .brokenPipe { break }
      }
    }
    return found
  }

  /// The same for one record: `3,1042,98765432,-;Out of memory: Killed process 812 (beam.smp) total-vm:…kB,
  /// anon-rss:1228800kB, …`. A limit of a cgroup begins with `Memory cgroup out of memory`. Source: `oom_kill_process` in
  /// the kernel's source
  /// - Parameter start: microseconds of the host's clock; older records do not count.
  static func memoryKill(of process: pid_t, since start: Int64 = 0, in record: String) -> String? {
    let time = record.split(separator: ",", maxSplits: 3).dropFirst(2).first.flatMap { Int64($0) }
    guard let time, time >= start,
      let start = record.firstRange(of: ";Out of memory: Killed process \(process) (")
    else { return nil }
    let name = record[start.upperBound...].prefix { $0 != ")" }
    let size = record.firstRange(of: "anon-rss:").flatMap {
      Int(record[$0.upperBound...].prefix { $0.isNumber })
    }
    return name + (size.map { " used \($0 >> 10) MB" } ?? "")
  }
}
