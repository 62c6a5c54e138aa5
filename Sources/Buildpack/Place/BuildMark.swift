import Posix

/// How the processes of a build are known: by a variable in the environment that they were started with.
struct BuildMark {
  static let variable = "RELTUI_BUILD"
  /// The build's folder, as we see it.
  let folder: String

  init(_ folder: String) { self.folder = folder }

  /// Ends what a killed build has left running, and what that starts meanwhile.
  func endProcesses() {
    let sign = "\(Self.variable)=\(folder)"
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
