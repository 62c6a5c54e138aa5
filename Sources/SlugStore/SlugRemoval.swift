import Events
import HomeLayout
import Posix

/// A removal of slugs from the store, with the objects that only these slugs use.
///
/// It may be killed at any moment. A slug is removed in one step, by a rename, so that none is ever there in part. The
/// renamed folder is removed after that, by the next removal at the latest. An object is unused when its name in
/// `objects/` is its only one: every slug has a hard link of its own to each of its files, so no mistake here could
/// remove a file of a slug, and nothing has to be counted or marked. The removal holds the lock under which slugs are
/// stored, since an object that is being stored has only one name for a moment.
public struct SlugRemoval: Sendable {
  /// The slugs that were removed.
  public struct Freed: Hashable, Encodable, Sendable {
    public var removed: [String] = []
    /// Bytes that were freed on the disk, including those of earlier removals.
    public var bytes = 0

    public init() {}
  }

  let store: StoredSlugs
  private var home: Home { store.home }

  public init(_ store: StoredSlugs) { self.store = store }

  private static let gone = ".gone-"
  private static let new = ".new-"

  /// - Parameters:
  ///   - choose: returns the slugs to remove; it is called under the lock, so that none is stored meanwhile.
  ///   - isUnused: asked again for each slug after its rename, since a release may have begun to use it meanwhile.
  ///   - tell: called when a slug is gone. After a removal that was killed it may be called twice for the same slug.
  public func run(
    choose: () throws(Cause) -> [String], isUnused: (String) throws(Cause) -> Bool,
    tell: (String) throws(Cause) -> Void
  ) throws(Cause) -> Freed {
    var freed = Freed()
    guard Files.isFolder(home.slugs) else {
      _ = try choose()
      return freed
    }
    do {
      let lock = try Lock.wait(home.slugs + "/.lock")
      defer { withExtendedLifetime(lock) {} }
      // The renamed folder keeps the time of its last use.
      for id in try choose() {
        let used = store.used(id)
        try Files.rename(store.folder(id), to: aside(id))
        let isStill = try Files.modified(aside(id)) == used && isUnused(id)
        try finish(id, isUnused: isStill, &freed, tell)
      }
      try removeLeftovers(&freed, isUnused, tell)
      try removeObjects(&freed)
      return freed
    } catch let error as PosixError {
      throw Cause(error)
    } catch { throw (error as? Cause) ?? Cause(.system, "\(error)") }
  }

  private func aside(_ id: String) -> String { home.slugs + "/" + Self.gone + id }

  private func finish(
    _ id: String, isUnused: Bool, _ freed: inout Freed, _ tell: (String) throws(Cause) -> Void
  ) throws {
    guard isUnused else { return try Files.rename(aside(id), to: store.folder(id)) }
    try Files.syncFolder(home.slugs)
    try tell(id)
    freed.bytes += remove(aside(id))
    freed.removed.append(id)
  }

  /// The folders that killed removals and killed storings have left.
  private func removeLeftovers(
    _ freed: inout Freed, _ isUnused: (String) throws(Cause) -> Bool,
    _ tell: (String) throws(Cause) -> Void
  ) throws {
    for name in try Files.list(home.slugs, skippingOthers: true) {
      let path = home.slugs + "/" + name
      if name.hasPrefix(Self.new) { freed.bytes += remove(path) }
      guard name.hasPrefix(Self.gone) else { continue }
      let id = String(name.dropFirst(Self.gone.count))
      if Files.exists(store.folder(id)) {
        // The slug was stored again meanwhile.
        freed.bytes += remove(path)
      } else {
        try finish(id, isUnused: try isUnused(id), &freed, tell)
      }
    }
  }

  /// - Returns: the bytes of files without another name. The manifest has two names, both in the folder.
  private func remove(_ folder: String) -> Int {
    let files = (try? FileTree.entries(of: folder)) ?? []
    let own = files.filter {
      $0.info.kind == .file && ($0.info.names == 1 || $0.path == "manifest.json")
    }
    do throws(PosixError) { try Files.remove(folder) } catch { return 0 }
    return own.reduce(0) { $0 + $1.info.size }
  }

  /// Removes objects that no slug uses, and files that were to become objects.
  private func removeObjects(_ freed: inout Freed) throws {
    for object in objects() where object.names == 1 {
      try Files.remove(object.path)
      freed.bytes += object.size
    }
  }

  private func objects() -> [(path: String, names: Int, size: Int)] {
    ((try? FileTree.entries(of: home.objects)) ?? []).filter { $0.info.kind == .file }
      .map { (home.objects + "/" + $0.path, $0.info.names, $0.info.size) }
  }

  /// How many bytes removing these would free, by their manifests.
  public func estimate(_ ids: [String]) -> Freed {
    var freed = Freed()
    freed.removed = ids
    var names: [String: Int] = [:]
    for id in ids {
      for file in ["manifest.json", "provenance.json", "events.jsonl"] {
        freed.bytes += (try? Files.info(store.folder(id) + "/" + file))??.size ?? 0
      }
      for entry in (try? store.manifest(id))?.files ?? [] where entry.kind == .file {
        if let path = store.objectPath(entry) { names[path, default: 0] += 1 }
      }
    }
    for object in objects() where object.names == 1 + names[object.path, default: 0] {
      freed.bytes += object.size
    }
    return freed
  }
}

extension StoredSlugs {
  /// When a slug was last stored or announced for use, in nanoseconds since 1970; nil if it is gone.
  func used(_ id: String) -> Int64? { Files.modified(folder(id)) }

  public func lastUse(_ id: String) -> Timestamp? {
    used(id).map { Timestamp(milliseconds: $0 / 1_000_000) }
  }
}
