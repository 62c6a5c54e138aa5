import Posix

/// The right of one build to use the folder that all builds of a user share.
///
/// Every user can make a folder at that path, so a link or a folder of another user is refused: its owner could change it
/// during the build.
final class PlaceClaim {
  enum Result {
    case taken(PlaceClaim)
    case refused(String)
  }

  private let folder: String
  private let lock: Lock

  private init(_ folder: String, _ lock: Lock) { (self.folder, self.lock) = (folder, lock) }

  private static func lockFile(_ folder: String) -> String { folder + "/lock" }

  /// Milliseconds between two messages about the wait.
  private static let patience: Int64 = 10_000

  /// Makes the folder, or takes it over from a build that has ended. Waits while another build works in it.
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

  private static func refusal(_ folder: String) -> String? {
    let parent = Files.parent(of: folder)
    if !Files.isFolder(parent) { return "there is no '\(parent)'" }
    if Files.isRestricted(parent) { return "'\(parent)' is mounted noexec or read-only" }
    do throws(PosixError) {
      if try Files.info(folder) == nil { try Files.makeFolder(folder) }
      guard let info = try Files.info(folder) else { return nil }
      if info.kind != .folder { return "'\(folder)' is not a folder" }
      if info.owner != User.id { return "'\(folder)' belongs to user \(info.owner)" }
      // A build makes its lock first, so a folder with files and without a lock is not a build's.
      let names = try Files.list(folder, skippingOthers: true)
      if !names.isEmpty, !names.contains("lock") {
        return "'\(folder)' holds files that no build has made"
      }
      if info.mode != 0o700 { try Files.setMode(folder, 0o700) }
      return nil
    } catch { return "\(error)" }
  }

  /// Nil while another build holds the folder, or if a build has just removed it.
  private static func claim(_ folder: String) throws(PosixError) -> PlaceClaim? {
    do throws(PosixError) {
      // A build that ends removes its lock file. A lock on a removed file does not keep other builds out.
      guard let lock = try Lock.take(lockFile(folder)), try lock.file.info().names > 0 else {
        return nil
      }
      return PlaceClaim(folder, lock)
    } catch {
      if error.errno == .noSuchFile { return nil }
      throw error
    }
  }

  /// Ends the processes and removes the files that a build has left.
  private func clean() {
    BuildProcesses.end(in: folder)
    for name in (try? Files.list(folder, skippingOthers: true)) ?? [] where name != "lock" {
      try? Files.remove(folder + "/" + name)
    }
  }

  /// Removes the folder unless another build has begun to claim it.
  func release() {
    clean()
    try? Files.remove(Self.lockFile(folder))
    try? Files.removeFolder(folder)
  }
}
