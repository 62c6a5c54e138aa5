import Posix

/// The right to use a folder that all builds of a user share, for one of them at a time.
///
/// The folder lies where every user can make one, so it counts only if it is ours: a link, or a folder of another user,
/// could be changed under our hands.
final class PlaceClaim {
  enum Result {
    case taken(PlaceClaim)
    case refused(String)
  }

  private let folder: String
  private let lock: Lock

  private init(_ folder: String, _ lock: Lock) { (self.folder, self.lock) = (folder, lock) }

  private static func lockFile(_ folder: String) -> String { folder + "/lock" }

  /// How often it says that it waits, in milliseconds.
  private static let patience: Int64 = 10_000

  /// Makes the folder, or takes it over from a build that has ended; waits while one is at work in it.
  static func take(_ folder: String, _ build: Build) throws(BuildFailure) -> Result {
    var next = Clock.monotonic()
    while true {
      if let reason = refusal(folder) { return .refused(reason) }
      do throws(PosixError) {
        if let claim = try claim(folder) {
          claim.clean()
          return .taken(claim)
        }
      } catch { return .refused("\(error)") }
      if Clock.monotonic() >= next {
        build.output.detail("Waiting for another build in \(folder) to end")
        next = Clock.monotonic() + patience
      }
      try build.wait(milliseconds: 250)
    }
  }

  /// Why it cannot be ours; nil where it is.
  private static func refusal(_ folder: String) -> String? {
    let parent = Files.parent(of: folder)
    if !Files.isFolder(parent) { return "there is no '\(parent)'" }
    if Files.isRestricted(parent) { return "'\(parent)' is mounted noexec or read-only" }
    do throws(PosixError) {
      if try Files.info(folder) == nil { try Files.makeFolder(folder) }
      guard let info = try Files.info(folder) else { return nil }
      if info.kind != .folder { return "'\(folder)' is no folder" }
      if info.owner != User.id { return "'\(folder)' belongs to user \(info.owner)" }
      // A build makes its lock first: a folder without one holds what no build has made.
      let names = try Files.list(folder, skippingOthers: true)
      if !names.isEmpty, !names.contains("lock") { return "'\(folder)' holds files of no build" }
      if info.mode != 0o700 { try Files.setMode(folder, 0o700) }
      return nil
    } catch { return "\(error)" }
  }

  /// Nil while another build has it, or has just removed it.
  private static func claim(_ folder: String) throws(PosixError) -> PlaceClaim? {
    do throws(PosixError) {
      // A build that ends removes the file that it has locked; a lock on that one is worth nothing.
      guard let lock = try Lock.take(lockFile(folder)), try lock.file.info().names > 0 else {
        return nil
      }
      return PlaceClaim(folder, lock)
    } catch {
      if error.errno == .noSuchFile { return nil }
      throw error
    }
  }

  /// Ends and removes what a build has left.
  private func clean() {
    BuildProcesses(folder: folder).end()
    for name in (try? Files.list(folder, skippingOthers: true)) ?? [] where name != "lock" {
      try? Files.remove(folder + "/" + name)
    }
  }

  /// Removes the folder, if no other build has begun to claim it by then.
  func release() {
    clean()
    try? Files.remove(Self.lockFile(folder))
    try? Files.removeFolder(folder)
  }
}
