import HomeLayout
import Posix

/// Room for a run's last status, taken while there was some: how it ended must not be lost on a full disk.
struct SpareStatus {
  private let folder: RunFolder

  init(_ folder: RunFolder) { self.folder = folder }

  /// Longer than any status.
  func make() throws(PosixError) {
    try File.open(folder.spareStatus, .create).write([UInt8](repeating: 0, count: 1024))
  }

  /// Makes it the status.
  func use(_ text: [UInt8]) throws(PosixError) {
    let file = try File.open(folder.spareStatus, .change)
    try file.write(text, at: 0)
    try file.truncate(to: text.count)
    try file.sync()
    try Files.rename(folder.spareStatus, to: folder.status)
    try Files.syncFolder(folder.path)
  }

  func remove() { try? Files.remove(folder.spareStatus) }
}
