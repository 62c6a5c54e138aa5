import DiskReserve
import Events
import HomeLayout
import Posix

/// The state of a run as its folder shows it.
public enum RunObservation: Hashable, Sendable {
  /// No `relshim` has started the run.
  case absent
  /// The run's `relshim` is alive; nil if its status cannot be read.
  case live(RunStatus?)
  case ended(RunStatus)
  /// The run's `relshim` is gone without having recorded an end.
  case lost(RunStatus?)

  public init(_ folder: RunFolder) throws(Cause) {
    do throws(PosixError) {
      // The lock is read first: if the shim ends in between, the status has its last report.
      let isLocked = try Lock.isHeld(folder.lock)
      guard let bytes = try Files.readIfThere(folder.status, limit: 4096) else {
        self = .absent
        return
      }
      var status = try? RunStatus(text: String(decoding: bytes, as: UTF8.self))
      if status?.boot != ProcessTable.bootID { status?.forgetProcesses() }
      if let status, status.exit != nil, !isLocked {
        self = .ended(status)
      } else {
        self = isLocked ? .live(status) : .lost(status)
      }
    } catch { throw Cause(error) }
  }

  public var isLost: Bool { if case .lost = self { true } else { false } }

  public var status: RunStatus? {
    switch self {
    case .absent: nil
    case .live(let status), .lost(let status): status
    case .ended(let status): status
    }
  }
}

extension RunStatus {
  public var shimIdentity: ProcessIdentity { ProcessIdentity(pid: shim.pid, started: shim.started) }

  public var processIdentity: ProcessIdentity? {
    process.map { ProcessIdentity(pid: $0.pid, started: $0.started) }
  }

  /// Clears the pids after a reboot of the host, because they belong to other processes now.
  fileprivate mutating func forgetProcesses() {
    shim = Process(pid: 0, started: 0)
    process = nil
  }
}

/// Processes of a run whose `relshim` is gone.
public enum Orphans {
  /// Kills every process that was started for a run: they carry the run's HOME and number in their environment.
  /// - Returns: whether there was none. A process may have started another meanwhile: call this until there is none.
  public static func end(_ folder: RunFolder, run: UInt64) -> Bool {
    let left = processes(of: folder, run: run)
    for process in left { process.signal(.kill) }
    return left.isEmpty
  }

  /// The processes that were started for a run.
  public static func processes(of folder: RunFolder, run: UInt64) -> [ProcessIdentity] {
    let marks: Set<String> = ["HOME=" + folder.home, "RELTUI_RUN=\(run)"]
    return ProcessTable.all().filter {
      !$0.hasEnded && marks.isSubset(of: ProcessTable.environment(of: $0.pid))
    }.map(\.identity)
  }

  /// Records in the run's folder that the run has ended, so that no `relshim` can start it any more.
  /// - Returns: false if the run's `relshim` is alive after all.
  public static func bury(_ folder: RunFolder) throws(Cause) -> Bool {
    do throws(PosixError) {
      try Files.makeFolder(folder.path)
      guard let lock = try Lock.take(folder.lock) else { return false }
      defer { withExtendedLifetime(lock) {} }
      if Files.exists(folder.status) { return true }
      var status = RunStatus(
        boot: ProcessTable.bootID, shim: RunStatus.Process(pid: Program.processID, started: 0))
      status.wasAsked = true
      status.exit = .signal(Signal.term.rawValue)
      status.ended = Timestamp(milliseconds: Clock.now())
      try Files.replace(folder.status, with: Array(status.text.utf8))
      return true
    } catch { throw Cause(error) }
  }
}
