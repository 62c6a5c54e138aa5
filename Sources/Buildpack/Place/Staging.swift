import Posix

/// The hidden folder inside the source in which a slug waits for its exchange with the source.
///
/// The source is not touched before. A build that was killed leaves such a folder; the next build of the source removes
/// it, and brings the source back where the exchange had begun.
struct Staging {
  let source: String
  let name: String
  private let lock: Lock

  private static let prefix = ".relpack-"

  /// Whether something at the top of a source may be such a folder.
  static func isName(_ path: String) -> Bool {
    path.hasPrefix(prefix) && path.utf8.count == 17
      && path.utf8.dropFirst(9).allSatisfy { "0123456789abcdef".utf8.contains($0) }
  }

  var folder: String { source + "/" + name }
  var slug: String { folder + "/slug" }
  /// Where the tools keep what they fetch for themselves, if there is no cache.
  var tools: String { folder + "/tools" }
  var scratch: String { folder + "/scratch" }
  var temporary: String { folder + "/tmp" }

  init(_ source: String) throws(BuildFailure) {
    self.source = source
    name = Self.prefix + Random.hex(4)
    let folder = source + "/" + name
    do throws(PosixError) {
      try Files.makeFolder(folder)
      guard let lock = try Lock.take(folder + "/lock") else {
        throw PosixError("lock", folder, .again)
      }
      self.lock = lock
    } catch { throw .unwritable(error) }
  }

  // MARK: - What a killed build has left

  /// Makes of a source what it was before builds that were killed, and ends what they left running.
  /// - Throws: `busy` where another build is at work in it.
  static func heal(_ source: String) throws(BuildFailure) {
    let names = ((try? Files.list(source, skippingOthers: true)) ?? []).filter(isName)
    for folder in names.map({ source + "/" + $0 }) where Files.isFolder(folder) {
      if (try? Lock.isHeld(folder + "/lock")) == true { throw .busy(source) }
      BuildProcesses(folder: folder + "/work").end()
      do throws(PosixError) {
        try Exchange(source: source, folder: folder).undo()
        try remove(folder)
      } catch { throw .unwritable(error) }
    }
  }

  // MARK: - The exchange

  /// Puts the slug in the place of the source. Where a file cannot be moved all are moved back.
  func exchange() throws(PosixError) { try Exchange(source: source, folder: folder).perform() }

  /// Removes the source and all else that the slug does not hold. There is no way back from here.
  func clear() throws(PosixError) { try Self.remove(folder) }

  private static func remove(_ path: String) throws(PosixError) {
    do throws(PosixError) { try Files.remove(path) } catch {
      // A name that is no UTF-8 is beyond us, not beyond rm.
      let remover = Invocation(["rm", "-rf", "--", path], environment: ["PATH": "/usr/bin:/bin"])
      _ = try? remover.run(errors: .null)
      if try Files.info(path) != nil { throw error }
    }
  }
}
