import Events
import HomeLayout
import Posix
import TestSupport
import Testing

@testable import Deployment

/// Whether an agent wakes after a line was appended to the log.
struct AgentControlTests {
  private static let woken = Timestamp(milliseconds: 1_700_000_000_000)

  @Test(arguments: [
    (written: Int64(-1), now: Int64(60_000), isSilent: false),
    (written: 21, now: 3021, isSilent: false),
    (written: 21, now: 3022, isSilent: true),
    // The time of the file is that of the kernel's last tick.
    (written: 20, now: 60_000, isSilent: false),
  ])
  func silentAgentsAreReported(written: Int64, now: Int64, isSilent: Bool) throws {
    let folder = try TemporaryFolder("heartbeat")
    let control = AgentControl(home: Home(root: folder.path + "/home"))
    #expect(control.silence(since: Self.woken, now: Self.woken + 60_000) == nil, "there is none")
    let lock = try control.take()
    defer { withExtendedLifetime(lock) {} }
    try Files.setModified(folder.path + "/home/agent.lock", Int(Self.woken.milliseconds / 1000))
    let cause = control.silence(since: Self.woken + written, now: Self.woken + now)
    #expect(cause?.id == (isSilent ? "RT-AGENT-SILENT" : nil))
    #expect(cause?.sentence.hasSuffix("has not woken since \(Self.woken)") ?? !isSilent)
    control.stamp()
    #expect(control.silence(since: Self.woken + written, now: Self.woken + now) == nil)
  }
}
