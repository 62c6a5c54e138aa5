import Events
import Posix

/// The folders and processes that killed builds of root have left.
///
/// Only a program that holds the build user's lock may use this: no other build is under way then.
enum DeadBuilds {
  static let prefix = "reltui-build-"

  private static func isBelow(_ path: String) -> Bool {
    path.split(separator: "/").contains { isFolder(String($0)) }
  }

  private static func isFolder(_ name: String) -> Bool {
    name.hasPrefix(prefix) && BuildID.isValid(String(name.dropFirst(prefix.count)))
  }

  /// Ends the processes of dead builds. A process of the build user that belongs to no known build is not ended; the
  /// operator has to look at it.
  static func endProcesses() {
    ProcessTable.endAll { BuildUser.mayBeRunning($0) && isOfBuild($0.pid) }
  }

  private static func isOfBuild(_ pid: Int32) -> Bool {
    let environment = ProcessTable.environment(of: pid)
    // relpack marks the processes that it starts. relpack itself has its TMPDIR in the build's folder.
    return environment.contains { $0.hasPrefix(BuildMark.variable + "=") }
      || environment.contains { $0.hasPrefix("TMPDIR=") && isBelow(String($0.dropFirst(7))) }
      || ProcessTable.workingFolder(of: pid).map(isBelow) == true
  }

  /// Removes the folders of dead builds. No process of the build user may run any more, because it could replace a folder
  /// by a link.
  static func removeFolders(in parents: Set<String>) {
    for parent in parents {
      for name in (try? Files.list(parent, skippingOthers: true)) ?? [] where isFolder(name) {
        let folder = parent + "/" + name
        guard let info = try? Files.info(folder), info.kind == .folder,
          info.owner == User.id || BuildUser.mayBe(info.owner)
        else { continue }
        try? Files.remove(folder)
      }
    }
  }
}
