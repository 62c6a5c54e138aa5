import Events
import Posix

/// What runs for one build, known by its folder in the environment: `BuildMark`.
struct BuildProcesses {
  /// The build's folder, as we see it.
  let folder: String

  /// Ends what a killed build has left running, and what that starts meanwhile.
  func end() {
    let sign = "\(BuildMark.variable)=\(folder)"
    ProcessTable.endAll { ProcessTable.environment(of: $0.pid).contains(sign) }
  }
}
