import DiskReserve
import Events
import HomeLayout
import Posix

/// Takes slugs out of the store, and the objects that only they had.
///
/// It may be killed at any moment. A slug goes in one step, by a rename, so that none is ever there in part; what the
/// rename left is removed after it, by the next removal at the latest. An object is not needed when its name in
/// `objects/` is its only one: every slug has its own name for each of its files (a hard link), so that not even a
/// mistake here could take a file from a slug, and nothing has to be counted or marked. All of it is done under the
/// lock under which slugs are stored, as an object that is being stored has one name for a moment.
public struct SlugRemoval: Sendable {
  /// What went.
  public struct Freed: Hashable, Encodable, Sendable {
    /// Ids.
    public var removed: [String] = []
    /// Bytes on the disk, those of leftovers too.
    public var bytes = 0

    public init() {}
  }

  let store: SlugStore
  private var home: Home { store.home }

  public init(_ store: SlugStore) { self.store = store }

  private static let gone = ".gone-"
  private static let new = ".new-"

  /// - Parameters:
  ///   - choose: gives the slugs that are to go; nobody stores one meanwhile.
  ///   - isUnused: asked again of each that was put aside, as somebody may have come to need it meanwhile.
  ///   - tell: says that a slug is gone; of one whose removal was killed it may be said twice.
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
      // The folder that is put aside keeps the moment of its last use.
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

  /// Of removals and of storings that were killed.
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
        // It was stored again meanwhile.
        freed.bytes += remove(path)
      } else {
        try finish(id, isUnused: try isUnused(id), &freed, tell)
      }
    }
  }

  /// - Returns: the bytes of what lay under no other name; the manifest has two, both in the folder.
  private func remove(_ folder: String) -> Int {
    let files = (try? FileTree.entries(of: folder)) ?? []
    let own = files.filter {
      $0.info.kind == .file && ($0.info.names == 1 || $0.path == "manifest.json")
    }
    do throws(PosixError) { try Files.remove(folder) } catch { return 0 }
    return own.reduce(0) { $0 + $1.info.size }
  }

  /// Those that no slug has, and what was to become one.
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

  /// What removing these would free, by their manifests.
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

extension SlugStore {
  /// When a slug was last stored, or about to be used, in nanoseconds since 1970; nil where it is gone.
  func used(_ id: String) -> Int64? { Files.modified(folder(id)) }

  /// When a slug was last stored, or about to be used.
  public func lastUse(_ id: String) -> Timestamp? {
    used(id).map { Timestamp(milliseconds: $0 / 1_000_000) }
  }
}
