import Events
import Posix

/// What root's builds have left that were killed: folders, and processes of the build user's.
///
/// Only for the holder of the build user's lock: no other build is under way on the host, so all of these are dead.
enum DeadBuild {
  static let prefix = "reltui-build-"

  /// Whether a path is such a folder or lies below one.
  private static func isBelow(_ path: String) -> Bool {
    path.split(separator: "/").contains { isFolder(String($0)) }
  }

  private static func isFolder(_ name: String) -> Bool {
    name.hasPrefix(prefix) && BuildID.isValid(String(name.dropFirst(prefix.count)))
  }

  /// Ends the processes of dead builds. One that does not show where it is from is left for a person to judge.
  static func endProcesses() {
    ProcessTable.endAll { ProcessTable.user(of: $0.pid) == BuildUser.id && isOfBuild($0.pid) }
  }

  private static func isOfBuild(_ pid: Int32) -> Bool {
    let environment = ProcessTable.environment(of: pid)
    // relpack marks all that it runs; what it is run by has the build's own folder for temporary files.
    return environment.contains { $0.hasPrefix(BuildMark.variable + "=") }
      || environment.contains { $0.hasPrefix("TMPDIR=") && isBelow(String($0.dropFirst(7))) }
      || ProcessTable.workingFolder(of: pid).map(isBelow) == true
  }

  /// Removes the folders of dead builds. No process of the build user's may be there any more: it could put a link in
  /// the way.
  static func removeFolders(in parents: Set<String>) {
    for parent in parents {
      for name in (try? Files.list(parent, skippingOthers: true)) ?? [] where isFolder(name) {
        let folder = parent + "/" + name
        guard let info = try? Files.info(folder), info.kind == .folder,
          [User.id, BuildUser.id].contains(info.owner)
        else { continue }
        try? Files.remove(folder)
      }
    }
  }
}
