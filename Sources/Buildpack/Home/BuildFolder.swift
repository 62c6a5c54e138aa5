import Events
import HomeLayout
import Posix

/// A folder in the home for one build or import.
///
/// The program that uses it holds a lock in it. The next build or import removes the folders of killed programs.
public enum BuildFolder {
  private static let lock = "/.lock"

  /// Makes the folder, works in it and removes it.
  public static func use<Made>(
    in home: Home, _ build: String, _ work: (String) throws(Cause) -> Made
  ) throws(Cause) -> Made {
    let folder = home.builds + "/" + build
    let lock = try make(folder, in: home)
    defer { withExtendedLifetime(lock) { try? Files.remove(folder) } }
    return try work(folder)
  }

  /// One program at a time makes a folder, so that a folder whose lock is not taken yet is not removed.
  private static func make(_ folder: String, in home: Home) throws(Cause) -> Lock {
    do throws(PosixError) {
      try Files.makeFolder(home.builds)
      let gate = try Lock.wait(home.builds + lock)
      defer { withExtendedLifetime(gate) {} }
      removeDead(in: home.builds)
      try Files.makeFolder(folder)
      return try Lock.wait(folder + lock)
    } catch { throw Cause(error, as: .homeUnwritable) }
  }

  /// A folder in which a process still works stays, because a build's tools may outlive relctl for a moment.
  private static func removeDead(in builds: String) {
    for name in (try? Files.list(builds, skippingOthers: true)) ?? [] where BuildID.isValid(name) {
      let folder = builds + "/" + name
      if (try? Lock.isHeld(folder + lock)) == false, !ProcessTable.isWorkedIn(folder) {
        try? Files.remove(folder)
      }
    }
  }
}

extension ProcessTable {
  fileprivate static func isWorkedIn(_ folder: String) -> Bool {
    let place = (try? Files.resolve(folder)) ?? folder
    return pids().contains { ((workingFolder(of: $0) ?? "") + "/").hasPrefix(place + "/") }
  }
}
