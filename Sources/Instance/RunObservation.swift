import DiskReserve
import Events
import HomeLayout
import Posix

/// What is known of a run by looking at its folder.
public enum RunObservation: Hashable, Sendable {
  /// No relshim has started it.
  case absent
  /// Its shim lives; what it says of itself cannot be read where that is nil.
  case live(RunStatus?)
  case ended(RunStatus)
  /// Its `relshim` is gone without a word.
  case lost(RunStatus?)

  public init(_ folder: RunFolder) throws(Cause) {
    do throws(PosixError) {
      // The lock is looked at first: a shim that ends between the two looks leaves its last word in the status.
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

  /// The host has booted since: other processes have these pids now.
  fileprivate mutating func forgetProcesses() {
    shim = Process(pid: 0, started: 0)
    process = nil
  }
}

/// Runs without a shim.
public enum Orphans {
  /// Kills every process that was started for a run: they carry the run's HOME and number in their environment.
  /// - Returns: whether there was none. A process may have started another meanwhile: call it until there is none.
  public static func end(_ folder: RunFolder, run: UInt64) -> Bool {
    let marks: Set<String> = ["HOME=" + folder.home, "RELTUI_RUN=\(run)"]
    let left = ProcessTable.all().filter {
      !$0.hasEnded && marks.isSubset(of: ProcessTable.environment(of: $0.pid))
    }
    for process in left { process.identity.signal(.kill) }
    return left.isEmpty
  }

  /// Makes sure that no relshim can start the run any more: its folder says that it has ended.
  /// - Returns: false where its shim lives after all.
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
