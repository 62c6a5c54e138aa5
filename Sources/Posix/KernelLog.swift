import Glibc

/// The kernel's log. Source: "Documentation/ABI/testing/dev-kmsg" of the kernel
public enum KernelLog {
  /// More records than the kernel keeps by default.
  private static let mostRecords = 50_000

  /// What the log says of a process that the kernel killed because the host had no memory left, such as
  /// `beam.smp used 1200 MB`; nil if it says nothing, or may not be read.
  public static func memoryKill(of process: pid_t) -> String? {
    guard let file = try? File.open("/dev/kmsg", .read) else { return nil }
    var found: String?
    for _ in 0..<mostRecords {
      // Each read gives one record. At the end of the log it fails (EAGAIN).
      guard let bytes = try? file.read(upTo: 8192), !bytes.isEmpty else { break }
      found = memoryKill(of: process, in: String(decoding: bytes, as: UTF8.self)) ?? found
    }
    return found
  }

  /// The same for one record: `Out of memory: Killed process 812 (beam.smp) total-vm:…kB, anon-rss:1228800kB, …`. Source:
  /// `oom_kill_process` in the kernel's source
  static func memoryKill(of process: pid_t, in record: String) -> String? {
    guard record.contains("ut of memory"),
      let start = record.firstRange(of: "Killed process \(process) (")
    else { return nil }
    let name = record[start.upperBound...].prefix { $0 != ")" }
    let size = record.firstRange(of: "anon-rss:").flatMap {
      Int(record[$0.upperBound...].prefix { $0.isNumber })
    }
    return name + (size.map { " used \($0 >> 10) MB" } ?? "")
  }
}
