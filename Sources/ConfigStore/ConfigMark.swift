import Posix
import ReleaseModel

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
    let isNew = !Files.exists(home.configMark)
    let file = try File.open(home.configMark, .append)
    if isNew { try file.giveToOwner(of: home.root) }
    try file.write([UInt8(ascii: "+")])
    try file.syncData()
    if isNew { try Files.syncFolder(home.root) }
  }
}
