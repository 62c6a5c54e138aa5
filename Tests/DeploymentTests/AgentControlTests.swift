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
    (written: Int64(-1), now: Int64(60_000), state: Character("S"), isSilent: false),
    (written: 21, now: 3021, state: "S", isSilent: false),
    (written: 21, now: 3022, state: "S", isSilent: true),
    // The time of the file is that of the kernel's last tick.
    (written: 20, now: 60_000, state: "S", isSilent: false),
    // An agent that computes or waits for the disk is busy, not lost.
    (written: 21, now: 30_021, state: "R", isSilent: false),
    (written: 21, now: 30_022, state: "R", isSilent: true),
    (written: 21, now: 30_021, state: "D", isSilent: false),
    // A stopped one is silent at once.
    (written: -1, now: 0, state: "T", isSilent: true),
  ])
  func silentAgentsAreReported(written: Int64, now: Int64, state: Character, isSilent: Bool) {
    let cause = AgentControl.silence(
      of: 812, state: state, woken: Self.woken, since: Self.woken + written,
      now: Self.woken + now)
    #expect(cause?.id == (isSilent ? "RT-AGENT-SILENT" : nil))
    #expect(cause?.sentence.hasSuffix("has not woken since \(Self.woken)") ?? !isSilent)
  }

  @Test func anAgentThatStampsItsHeartbeatIsNotSilent() throws {
    let folder = try TemporaryFolder("heartbeat")
    let control = AgentControl(home: Home(root: folder.path + "/home"))
    let long = Self.woken + 60_000
    #expect(control.silence(since: Self.woken + 21, now: long) == nil, "there is none")
    let lock = try control.take()
    defer { withExtendedLifetime(lock) {} }
    try Files.setModified(folder.path + "/home/agent.lock", Int(Self.woken.milliseconds / 1000))
    #expect(control.silence(since: Self.woken + 21, now: long)?.id == "RT-AGENT-SILENT")
    control.stamp()
    #expect(control.silence(since: Self.woken + 21, now: long) == nil)
  }
}
