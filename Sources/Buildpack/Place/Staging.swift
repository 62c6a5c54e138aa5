import Posix

/// The hidden folder inside the source in which a slug waits until it replaces the source.
///
/// Until then the source is not changed. A killed build leaves its hidden folder; the next build of the source removes
/// the folder, and restores the source if the exchange had begun.
struct Staging {
  let source: String
  let name: String
  /// Holds the lock on the source as long as this value lives.
  private let lock: File

  private static let prefix = ".relpack-"

  /// Whether a name at the top of a source may be such a folder.
  static func isName(_ path: String) -> Bool {
    path.hasPrefix(prefix) && path.utf8.count == 17
      && path.utf8.dropFirst(9).allSatisfy { "0123456789abcdef".utf8.contains($0) }
  }

  var folder: String { source + "/" + name }
  var slug: String { folder + "/slug" }
  /// The tools' own downloads, if there is no cache.
  var tools: String { folder + "/tools" }
  var scratch: String { folder + "/scratch" }
  var temporary: String { folder + "/tmp" }

  private static let patience: Int64 = 1000

  /// Restores the source after killed builds, and makes a new folder in it.
  /// - Parameter source: absolute, links resolved.
  /// - Throws: `busy` if another build works in the source.
  init(_ source: String) throws(BuildFailure) {
    self.source = source
    name = Self.prefix + Random.hex(4)
    do throws(PosixError) {
      // A program that a killed build was just starting holds its lock for a moment longer.
      let end = Clock.monotonic() + Self.patience
      var lock = try Lock.take(folder: source)
      while lock == nil, Clock.monotonic() < end {
        Clock.pause(milliseconds: 20)
        lock = try Lock.take(folder: source)
      }
      guard let lock else { throw PosixError("lock", source, .again) }
      self.lock = lock
    } catch {
      if error.errno == .again { throw .busy(source) }
      throw .unreadable(error)
    }
    try Self.heal(source)
    try BuildFailure.writing(Files.makeFolder(source + "/" + name))
  }

  /// Removes the folders of killed builds. This build holds the source's lock, so no other build uses them.
  private static func heal(_ source: String) throws(BuildFailure) {
    let names = ((try? Files.list(source, skippingOthers: true)) ?? []).filter(isName)
    for folder in names.map({ source + "/" + $0 }) {
      // A link, or a folder of another user, was not made by this user's builds.
      guard let info = try? Files.info(folder), info.kind == .folder, info.owner == User.id else {
        continue
      }
      BuildProcesses.end(in: folder + "/work")
      do throws(PosixError) { try Exchange(source: source, folder: folder).undo() } catch {
        throw .halfway(folder, error)
      }
      try BuildFailure.writing(Files.remove(folder))
    }
  }

  /// Replaces the source with the slug. If a file cannot be moved, all are moved back.
  func exchange() throws(BuildFailure) {
    let exchange = Exchange(source: source, folder: folder)
    do throws(PosixError) { try exchange.perform() } catch {
      do throws(PosixError) { try exchange.undo() } catch { throw .halfway(folder, error) }
      throw .unwritable(error)
    }
  }

  /// Removes the folder, unless an exchange is not finished.
  func clear() throws(PosixError) {
    if Exchange(source: source, folder: folder).isUnderWay { return }
    try Files.remove(folder)
  }
}
