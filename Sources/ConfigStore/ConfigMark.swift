import HomeLayout
import Posix

/// What tells in two system calls whether the sets of config vars of a home are those that were read: the folder of the
/// apps, and a file that grows by a byte whenever a set has been saved. A length needs no clock.
struct ConfigMark {
  private let home: Home

  init(_ home: Home) { self.home = home }

  /// The same for as long as no app comes or goes and no set is saved; nil while there is no mark.
  var state: String? {
    guard let mark = Files.trace(home.configMark), let apps = Files.trace(home.apps) else {
      return nil
    }
    return "\(mark)/\(apps)"
  }

  /// Tells all who have read the sets to look again. When this returns it is durable: a stored mask that lacks a set
  /// must not fit after a power cut.
  func move() throws(PosixError) {
    let file = try opened()
    // In another user's home it could be a pipe, or have a second name elsewhere.
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
