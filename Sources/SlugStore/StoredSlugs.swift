import Events
import HomeLayout
import Posix
import ReleaseModel

/// The slugs of a home. Equal files of all slugs are one object on the disk, which is hard-linked into each tree.
public struct StoredSlugs: Sendable {
  let home: Home

  public init(home: Home) { self.home = home }

  public func folder(_ id: String) -> String { home.slugs + "/" + id }
  public func tree(_ id: String) -> String { folder(id) + "/tree" }

  public struct Stored: Hashable, Sendable {
    public let id: String
    public let isNew: Bool
  }

  /// Stores a tree, whose files must match its manifest; the same tree stored twice is one slug.
  /// - Parameter finish: the last step, called under the store's lock.
  @discardableResult
  public func store(
    _ tree: SlugTree, provenance: Provenance,
    then finish: (Stored) throws(Cause) -> Void = { _ in }
  ) throws(Cause) -> Stored {
    let lock: Lock
    do throws(PosixError) {
      try Files.makeFolder(home.slugs)
      lock = try Lock.wait(home.slugs + "/.lock")
    } catch { throw Cause(error, as: .homeUnwritable) }
    defer { withExtendedLifetime(lock) {} }
    do {
      let stored = Stored(id: tree.id, isNew: !Files.isFolder(folder(tree.id)))
      if stored.isNew {
        try put(tree, provenance)
      } else {
        // The stored slug is valid. The tree is still checked, so that the operator learns of its faults.
        for entry in tree.manifest.files { try tree.checkWhole(entry) }
        // The project's own code has given the same slug as a fork's.
        if mayBeOfFork(tree.id), provenance.fork != true {
          let file = folder(tree.id) + "/provenance.json"
          try Files.replace(file, with: provenance.bytes, mode: 0o444)
        }
        try Files.touch(folder(tree.id))
      }
      try finish(stored)
      return stored
    } catch let error as PosixError {
      throw Cause(error)
    } catch { throw (error as? Cause) ?? Cause(.system, "\(error)") }
  }

  private func put(_ tree: SlugTree, _ provenance: Provenance) throws {
    let new = home.slugs + "/.new-" + Random.hex(8)
    defer { try? Files.remove(new) }
    var objects: [String] = []
    do {
      try build(new, from: tree, provenance, &objects)
      try Files.syncFileSystem(of: home.slugs)
      try Files.rename(new, to: folder(tree.id))
    } catch {
      // No other process has linked them, since this one holds the lock; on a full disk they would take space.
      for object in objects { try? Files.remove(object) }
      throw error
    }
    try Files.syncFolder(home.slugs)
  }

  private func build(
    _ new: String, from tree: SlugTree, _ provenance: Provenance, _ objects: inout [String]
  ) throws {
    try SlugLinks(tree.manifest).check()
    let target = new + "/tree"
    try Files.makeFolder(target, mode: 0o755)
    for entry in tree.manifest.files {
      let path = target + "/" + entry.path
      try tree.check(entry)
      switch entry.kind {
      case .folder: try Files.makeFolder(path, mode: 0o755)
      case .link: try Files.symbolicLink(to: entry.target ?? "", at: path)
      case .file: try Files.hardLink(try object(entry, from: tree.path, &objects), at: path)
      }
    }
    let own = Files.parent(of: target + "/" + Manifest.path)
    try Files.makeFolder(own, mode: 0o755)
    try Files.replace(target + "/" + Manifest.path, with: tree.manifestBytes, mode: 0o444)
    try Files.hardLink(target + "/" + Manifest.path, at: new + "/manifest.json")
    try Files.replace(new + "/provenance.json", with: provenance.bytes, mode: 0o444)
    for entry in tree.manifest.files.reversed() where entry.kind == .folder {
      try Files.setMode(target + "/" + entry.path, 0o555)
    }
    // A manifest that another program has made may leave it out.
    try Files.setMode(own, 0o555)
    try Files.setMode(target, 0o555)
  }

  /// The path of the object with a file's content, made if it is new.
  private func object(
    _ entry: Manifest.Entry, from tree: String, _ made: inout [String]
  ) throws -> String {
    guard let digest = entry.sha256, let path = objectPath(entry) else {
      throw Cause(.manifestFormat, "the manifest has no SHA-256 for '\(entry.path)'")
    }
    if Files.exists(path) {
      try SlugTree.check(entry, in: tree)
      // An object that the disk has damaged is replaced; slugs that use it keep their damaged file.
      if Hex.encode(try SHA256.digest(ofFile: path)) == digest { return path }
    }
    try Files.makeFolder(Files.parent(of: path))
    try SlugTree.requireFile(entry, in: tree)
    let new = home.objects + "/.new-" + Random.hex(8)
    defer { try? Files.remove(new) }
    try FileTree.copyFile(
      tree + "/" + entry.path, to: new, mode: entry.isExecutable ? 0o555 : 0o444)
    guard Hex.encode(try SHA256.digest(ofFile: new)) == digest else {
      throw Cause(.slugDamaged, "'\(entry.path)' is not what the manifest says")
    }
    try Files.rename(new, to: path)
    made.append(path)
    return path
  }

  /// The path of a file's content; nil if the manifest has no digest for it.
  func objectPath(_ entry: Manifest.Entry) -> String? {
    guard let digest = entry.sha256, digest.utf8.count == 64,
      digest.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
    else { return nil }
    let name = digest.dropFirst(2) + (entry.isExecutable ? ".x" : "")
    return "\(home.objects)/\(digest.prefix(2))/\(name)"
  }

  /// Announces the use of a slug: for an hour it is not removed as unused.
  /// - Throws: `RT-SLUG-UNKNOWN` if it was removed meanwhile.
  public func touch(_ id: String) throws(Cause) {
    do throws(PosixError) { try Files.touch(folder(id)) } catch {
      if error.errno == .noSuchFile { throw Cause(.slugUnknown, "there is no slug '\(id)'") }
      throw Cause(error)
    }
  }

  /// The slug whose id begins with the text, which needs at least 4 digits and must match only one slug.
  public func find(_ text: String) throws(Cause) -> String {
    let matches =
      text.utf8.count < 4 || text.contains("/") ? [] : try list().filter { $0.hasPrefix(text) }
    switch matches.count {
    case 1: return matches[0]
    case 0: throw Cause(.slugUnknown, "there is no slug '\(text)'")
    default:
      throw Cause(
        .slugUnknown, "\(matches.count) slugs begin with '\(text)'", remedy: "Give more of its id.")
    }
  }

  public func list() throws(Cause) -> [String] {
    do throws(PosixError) { return try Files.list(home.slugs).filter { !$0.contains(".") } } catch {
      if error.errno == .noSuchFile { return [] }
      throw Cause(error)
    }
  }

  public func manifest(_ id: String) throws(Cause) -> Manifest {
    let bytes: [UInt8]
    do throws(PosixError) {
      bytes = try Files.read(folder(id) + "/manifest.json", limit: 64 << 20)
    } catch {
      if error.errno == .noSuchFile { throw Cause(.slugUnknown, "there is no slug '\(id)'") }
      throw Cause(error)
    }
    guard Hex.encode(SHA256.digest(bytes)) == id else {
      throw Cause(
        .slugDamaged, "the manifest of slug \(id.prefix(12)) is not the one it was stored with",
        remedy: "Build it again.")
    }
    return try Manifest(bytes: bytes)
  }

  /// Whether the log holds the build's events that came with the slug.
  public func hasRecord(_ id: String) -> Bool { Files.exists(record(id)) }

  public func keepRecord(_ bytes: [UInt8], of id: String) throws(Cause) {
    try Cause.explaining(Files.replace(record(id), with: bytes, mode: 0o444))
  }

  private func record(_ id: String) -> String { folder(id) + "/events.jsonl" }

  /// Whether a slug was built from code of a fork, also if its provenance cannot be read.
  public func mayBeOfFork(_ id: String) -> Bool {
    let bytes = try? Files.readIfThere(
      folder(id) + "/provenance.json", limit: Provenance.greatestSize)
    guard let bytes = bytes ?? nil else { return Files.exists(folder(id) + "/provenance.json") }
    return (try? Provenance(bytes: bytes)).map { $0.fork == true } ?? true
  }

  public func provenance(_ id: String) -> Provenance? {
    (try? Files.read(folder(id) + "/provenance.json", limit: Provenance.greatestSize))
      .flatMap { try? Provenance(bytes: $0) }
  }
}
