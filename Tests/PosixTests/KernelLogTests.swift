import Testing

@testable import Posix

@Suite struct KernelLogTests {
  /// As kernels 5.10 and 6.1 write it.
  static let record =
    "3,1042,98765432,-;Out of memory: Killed process 812 (beam.smp) total-vm:4194304kB, anon-rss:1228800kB, "
    + "file-rss:0kB, shmem-rss:0kB, UID:1879048192 pgtables:2840kB oom_score_adj:0\n"

  @Test func aKilledProcessIsFound() {
    #expect(KernelLog.memoryKill(of: 812, in: Self.record) == "beam.smp used 1200 MB")
    #expect(KernelLog.memoryKill(of: 81, in: Self.record) == nil)
    #expect(KernelLog.memoryKill(of: 812, in: "6,1,2,-;Killed process 812 (x)\n") == nil)
    #expect(KernelLog.memoryKill(of: 812, in: "") == nil)
    // The limit of a group of processes is not the host's memory.
    let group = Self.record.replacing("Out of memory", with: "Memory cgroup out of memory")
    #expect(KernelLog.memoryKill(of: 812, in: group) == nil)
  }

  @Test func anEarlierProcessWithTheNumberIsAnother() {
    #expect(KernelLog.memoryKill(of: 812, since: 98_765_433, in: Self.record) == nil)
    #expect(KernelLog.memoryKill(of: 812, since: 98_765_432, in: Self.record) != nil)
  }

  /// Whether the log can be read or not, the process that asks was not killed.
  @Test func thisProcessWasNotKilled() {
    #expect(KernelLog.memoryKill(of: Program.processID, age: .max / 2000) == nil)
  }
}
