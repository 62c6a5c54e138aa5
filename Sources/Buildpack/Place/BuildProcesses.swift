import Events
import Posix

/// The processes of one build, which have the build's folder in their environment: `BuildMark`.
enum BuildProcesses {
  /// Ends the processes that a killed build has left running.
  /// - Parameter folder: the build's folder, with the path that this process sees.
  static func end(in folder: String) {
    let mark = "\(BuildMark.variable)=\(folder)"
    ProcessTable.endAll { ProcessTable.environment(of: $0.pid).contains(mark) }
  }
}
