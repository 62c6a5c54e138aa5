import HomeLayout
import Posix

/// A file that reserves space for a run's last status, so that its end is recorded on a full disk, too.
struct SpareStatus {
  private let folder: RunFolder

  init(_ folder: RunFolder) { self.folder = folder }

  /// Makes the file, longer than any status.
  func make() throws(PosixError) {
    try File.open(folder.spareStatus, .create).write([UInt8](repeating: 0, count: 1024))
  }

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
