import Events
import HomeLayout
import Posix

/// Whether a home has an agent, and whether that agent answers.
public struct AgentStatus: Hashable, Encodable, Sendable {
  public var home: String
  public var host: String
  public var running: Bool
  public var pid: Int32?
  public var since: Timestamp?
  /// When it woke last.
  public var heartbeat: Timestamp?
  public var startedBy: Starter?
  public var unit: Unit?
  /// Why there is none, or why it does not answer; nil for an agent that answers.
  public var cause: Cause?

  public enum Starter: String, Codable, Sendable { case systemd, command }

  /// The unit that is installed for the home.
  public struct Unit: Hashable, Encodable, Sendable {
    public var path: String
    /// systemd's word, such as `active` or `inactive`; nil if systemd does not answer.
    public var state: String?
    public var enabled: Bool?
  }
}

extension AgentControl {
  /// - Parameter last: when the last line of the log was written; an agent wakes for each.
  public func status(
    _ unit: AgentUnit, last: Timestamp, now: Timestamp, host: String
  ) throws(Cause) -> AgentStatus {
    let state = unit.isInCharge ? try? unit.state() : nil
    var status = AgentStatus(home: home.root, host: host, running: try isRunning())
    if unit.isInstalled {
      status.unit = AgentStatus.Unit(
        path: unit.path, state: state?.active, enabled: state?.isEnabled)
    }
    guard status.running else {
      status.cause = absence(unit)
      return status
    }
    let process = process()
    status.pid = process?.pid
    status.since = process.map {
      Timestamp(milliseconds: ProcessTable.bootMoment() + $0.sinceBoot)
    }
    status.heartbeat = Files.modified(home.agentLock).map {
      Timestamp(milliseconds: $0 / 1_000_000)
    }
    status.startedBy = process.map { $0.pid == state?.pid ? .systemd : .command }
    status.cause = silence(since: last, now: now)
    return status
  }

  private func absence(_ unit: AgentUnit) -> Cause {
    do throws(Cause) { try unit.requireNotStopped() } catch { return error }
    return Cause(.agentAbsent, "no agent serves '\(home.root)'")
  }
}
