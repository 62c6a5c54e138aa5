import Posix

/// The hidden folder inside the source in which the slug grows, and the exchange of the two.
struct Staging {
  let source: String
  let name = ".relpack-" + Random.hex(4)
  /// What lay at the top of the source before the build.
  private let before: Set<String>

  var folder: String { source + "/" + name }
  var build: String { folder + "/build" }
  var tools: String { folder + "/tools" }
  /// Relative to the source, as `mix release` is told.
  var relativeSlug: String { name + "/rel/slug" }
  var slug: String { source + "/" + relativeSlug }
  private var old: String { folder + "/old" }

  init(source: String) throws(BuildFailure) {
    self.source = source
    do throws(PosixError) { before = Set(try Files.list(source)) } catch {
      throw .unreadable(error)
    }
    do throws(PosixError) { try Files.makeFolder(folder) } catch { throw .unwritable(error) }
  }

  /// Takes away what a build that failed has added at the top of the source. Not to be called after an exchange.
  func restore() {
    for name in (try? Files.list(source)) ?? [] where !before.contains(name) {
      try? remove(source + "/" + name)
    }
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

/// The files beside the code that belong into the slug.
struct KeptFiles {
  static let names = ["Procfile", "app.json"]
  static let profile = ".profile.d"
  /// Content by name.
  let files: [(name: String, bytes: [UInt8])]
  let hasProfile: Bool
  private let source: String

  /// Reads them and holds them against their formats.
  init(source: String) throws(BuildFailure) {
    self.source = source
    var files: [(name: String, bytes: [UInt8])] = []
    for name in Self.names {
      guard let bytes = try Self.read(name, in: source) else { continue }
      files.append((name, bytes))
    }
    self.files = files
    hasProfile = Files.isFolder(source + "/" + Self.profile)
    if hasProfile { try Self.requireInside(Self.profile, in: source) }
    do throws(Cause) {
      for file in files {
        if file.name == "Procfile" {
          _ = try Procfile(text: String(decoding: file.bytes, as: UTF8.self))
        } else {
          _ = try AppJSON(bytes: file.bytes)
        }
      }
    } catch { throw .file(error) }
  }

  private static func read(_ name: String, in source: String) throws(BuildFailure) -> [UInt8]? {
    let path = source + "/" + name
    guard Files.exists(path) else { return nil }
    try requireInside(name, in: source)
    do throws(PosixError) { return try Files.read(path, limit: 1 << 20) } catch {
      throw .unreadable(error)
    }
  }

  /// A link may not bring a file of the build host into the slug.
  private static func requireInside(_ name: String, in source: String) throws(BuildFailure) {
    let resolved: String
    do throws(PosixError) { resolved = try Files.resolve(source + "/" + name) } catch {
      throw .unreadable(error)
    }
    guard resolved.hasPrefix(source == "/" ? "/" : source + "/") else { throw .outside(path: name) }
  }

  func write(to slug: String) throws(PosixError) {
    for file in files {
      try Files.remove(slug + "/" + file.name)
      try File.open(slug + "/" + file.name, .create, mode: 0o644).write(file.bytes)
    }
    if hasProfile {
      try Files.remove(slug + "/" + Self.profile)
      try FileTree.copy(
        try Files.resolve(source + "/" + Self.profile), to: slug + "/" + Self.profile)
    }
  }
}
