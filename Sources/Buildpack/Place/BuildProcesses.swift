import Events
import Posix

/// What runs for one build, known by its folder in the environment: `BuildMark`.
struct BuildProcesses {
  /// The build's folder, as we see it.
  let folder: String

  /// Ends what a killed build has left running, and what that starts meanwhile.
  func end() {
    let sign = "\(BuildMark.variable)=\(folder)"
    for _ in 0..<100 {
      let left = ProcessTable.pids()
        .filter { $0 != Program.processID && ProcessTable.environment(of: $0).contains(sign) }
        .compactMap { ProcessIdentity(of: $0) }.filter(\.isAlive)
      if left.isEmpty { return }
      for process in left { process.signal(9) }
      for process in left {
        guard let end = process.endWatch() else { continue }
        _ = try? Poll.wait([end.descriptor], milliseconds: 1000)
      }
    }
  }
}
