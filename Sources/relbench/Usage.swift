import Glibc
import Posix

/// The resources that processes have used.
enum Usage {
  /// The greatest memory of an ended child, in bytes. It counts from the fork, when the child is as large as this
  /// process. getrusage(2)
  static var mostMemoryOfChildren: Int64 {
    var usage = rusage()
    getrusage(RUSAGE_CHILDREN.rawValue, &usage)
    return Int64(usage.ru_maxrss) * 1024
  }

  /// Nanoseconds that a process has computed. proc(5), schedstat
  static func nanoseconds(of pid: pid_t) throws(PosixError) -> Int {
    let text = String(decoding: try Files.read("/proc/\(pid)/schedstat"), as: UTF8.self)
    return text.split(separator: " ").first.flatMap { Int($0) } ?? 0
  }

  /// Clock ticks that a process has computed, and how often it slept. proc(5)
  static func work(of pid: pid_t) throws(PosixError) -> (ticks: Int, sleeps: Int) {
    let stat = String(decoding: try Files.read("/proc/\(pid)/stat"), as: UTF8.self)
    // The program's name, in brackets, may hold blanks; ours does not.
    let ticks = stat.split(separator: " ").dropFirst(13).prefix(2).compactMap { Int($0) }
    let status = String(decoding: try Files.read("/proc/\(pid)/status"), as: UTF8.self)
    let sleeps = status.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches") }
    return (ticks.reduce(0, +), Int(sleeps?.split(separator: "\t").last ?? "") ?? 0)
  }
}
