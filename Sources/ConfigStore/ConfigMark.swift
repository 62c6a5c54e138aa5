import HomeLayout
import Posix

/// A mark that changes whenever a set of config vars is saved or an app is added or removed: the state of the folder of
/// apps, and of a file that grows by a byte with each save. Reading takes two system calls; a length needs no clock.
struct ConfigMark {
  private let home: Home

  init(_ home: Home) { self.home = home }

  /// A text that stays the same as long as no app is added or removed and no set is saved; nil if there is no mark yet.
  var state: String? {
    guard let mark = Files.trace(home.configMark), let apps = Files.trace(home.apps) else {
      return nil
    }
    return "\(mark)/\(apps)"
  }

  /// Changes the mark, so that other processes read the sets again. It is durable when this returns: after a power cut,
  /// a stored mask without the new set must not match the mark.
  func move() throws(PosixError) {
    let file = try opened()
    // In another user's home it could be a pipe, or a hard link to another file.
    let info = try file.info()
    guard info.kind == .file, info.names == 1 else {
      throw PosixError("write", home.configMark, .invalid)
    }
    try file.giveToOwner(of: home.root)
    try file.write([UInt8(ascii: "+")])
    try file.syncData()
    if info.size == 0 { try Files.syncFolder(home.root) }
  }

  private func opened() throws(PosixError) -> File {
    do throws(PosixError) { return try File.open(home.configMark, .extend) } catch {
      if error.errno != .noSuchFile { throw error }
    }
    do throws(PosixError) { _ = try File.open(home.configMark, .create) } catch {
      // Another program has made it meanwhile.
      if error.errno != .exists { throw error }
    }
    return try File.open(home.configMark, .extend)
  }
}
