import Glibc

/// What the host has of memory and processors.
public enum HostLimits {
  /// Bytes of memory; `available` is what programs can get without swapping. proc(5), `/proc/meminfo`
  public static var memory: (total: Int, available: Int)? {
    let text = String(
      decoding: (try? Files.read("/proc/meminfo", limit: 65_536)) ?? [], as: UTF8.self)
    func bytes(_ name: String) -> Int? {
      let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
      return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }
    guard let total = bytes("MemTotal"), let available = bytes("MemAvailable") else { return nil }
    return (total, available)
  }

  /// Processors that are online. sysconf(3)
  public static var processors: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}
