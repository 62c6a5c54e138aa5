import Posix

/// The hidden folder inside the source in which the slug grows, and the exchange of the two.
struct Staging {
  let source: String
  let name = ".relpack-" + Random.hex(4)
  /// What lay before the build in the folders that tools add to.
  private var before: [String: Set<String>] = [:]
  /// The lock file as it was: tools rewrite one that does not fit.
  private let lock: (path: String, bytes: [UInt8])?

  /// Whether something at the top of a source may be such a folder.
  static func isName(_ path: String) -> Bool {
    path.hasPrefix(".relpack-") && path.utf8.count == 17
      && path.utf8.dropFirst(9).allSatisfy { "0123456789abcdef".utf8.contains($0) }
  }

  var folder: String { source + "/" + name }
  var build: String { folder + "/build" }
  var tools: String { folder + "/tools" }
  var scratch: String { folder + "/scratch" }
  /// Where rebar3 puts releases, each in a folder of its name.
  var releases: String { folder + "/rel" }
  var slug: String { releases + "/slug" }
  private var old: String { folder + "/old" }

  init(_ project: Project) throws(BuildFailure) {
    source = project.source
    let path = project.folder + (project.builder == .mix ? "/mix.lock" : "/rebar.lock")
    do throws(PosixError) {
      lock = try Files.readIfThere(path, limit: 16 << 20).map { (path, $0) }
      for folder in [source, project.folder, project.folder + "/deps"] where Files.isFolder(folder)
      {
        before[folder] = Set(try Files.list(folder, skippingOthers: true))
      }
    } catch { throw .unreadable(error) }
    do throws(PosixError) { try Files.makeFolder(releases) } catch { throw .unwritable(error) }
  }

  /// Takes away what a build that failed has added to the source. Not to be called after an exchange.
  func restore() {
    for (folder, names) in before {
      for name in (try? Files.list(folder, skippingOthers: true)) ?? [] where !names.contains(name)
      {
        try? remove(folder + "/" + name)
      }
    }
    guard let lock, (try? Files.readIfThere(lock.path)) != lock.bytes else { return }
    try? File.open(lock.path, .replace).write(lock.bytes)
  }

  /// Puts the slug in the place of the source. Where a file cannot be moved all are moved back.
  func exchange() throws(PosixError) {
    try Files.makeFolder(old)
    var moves: [(from: String, to: String)] = []
    func move(_ from: String, _ to: String) throws(PosixError) {
      try Files.rename(from, to: to)
      moves.append((from, to))
    }
    do throws(PosixError) {
      for name in try Files.list(source) where name != self.name {
        try makeMovable(source + "/" + name)
        try move(source + "/" + name, old + "/" + name)
      }
      for name in try Files.list(slug) { try move(slug + "/" + name, source + "/" + name) }
    } catch {
      for (from, to) in moves.reversed() { try? Files.rename(to, to: from) }
      throw error
    }
  }

  /// A folder gets another parent, which takes the right to write in the folder itself.
  private func makeMovable(_ path: String) throws(PosixError) {
    guard let info = try Files.info(path), info.kind == .folder, info.mode & 0o200 == 0 else {
      return
    }
    try Files.setMode(path, info.mode | 0o700)
  }

  /// Removes the source and all else that the slug does not hold. There is no way back from here.
  func clear() throws(PosixError) { try remove(folder) }

  private func remove(_ path: String) throws(PosixError) {
    do throws(PosixError) { try Files.remove(path) } catch {
      // A name that is no UTF-8 is beyond us, not beyond rm.
      let remover = Invocation(["rm", "-rf", "--", path], environment: ["PATH": "/usr/bin:/bin"])
      _ = try? remover.run(errors: .null)
      if try Files.info(path) != nil { throw error }
    }
  }
}
