import Posix
import ReleaseModel
import Synchronization

/// Masks the values of all config vars of a home, of old sets too, and of those that are set while it is used.
public final class HomeMask: Sendable {
  private struct Known {
    var apps = Listing()
    /// By app: the files that are still to be read.
    var files: [String: Listing] = [:]
    var digests: Set<String> = []
    var sets: [ConfigSet]
    var mask: Mask
  }

  private let home: Home
  private let app: String?
  private let known: Mutex<Known>

  /// Reads nothing yet.
  /// - Parameters:
  ///   - app: only this app's; nil for all.
  ///   - more: values that are not of the home and masked with them.
  public init(home: Home, app: String? = nil, and more: ConfigSet = ConfigSet()) {
    self.home = home
    self.app = app
    known = Mutex(Known(sets: [more], mask: Mask(more)))
  }

  /// The mask as it must be now. A set never changes under its digest, so only new ones are read; what cannot be
  /// read is passed over and tried again the next time.
  public func current() -> Mask {
    known.withLock { known in
      let before = known.sets.count
      known.apps.look(at: home.apps)
      for name in app.map({ [$0] }) ?? known.apps.names { read(name, into: &known) }
      if known.sets.count > before { known.mask = Mask(all: known.sets) }
      return known.mask
    }
  }

  private func read(_ name: String, into known: inout Known) {
    let store = ConfigStore(home: home, app: name)
    var files = known.files[name] ?? Listing()
    files.look(at: home.app(name).configs)
    files.names.removeAll { digest in
      if known.digests.contains(digest) { return true }
      if let set = try? store.load(digest) {
        known.digests.insert(digest)
        known.sets.append(set)
        return true
      }
      // Damaged: it may be mended, so it is looked at again.
      if let set = store.unchecked(digest), !known.sets.contains(set) { known.sets.append(set) }
      return false
    }
    known.files[name] = files
  }
}

/// The names in a folder, listed again only if they may have changed.
private struct Listing {
  var names: [String] = []
  private var modified: Int64?

  mutating func look(at folder: String) {
    let changed = Files.modified(folder)
    if changed == modified { return }
    names = (try? Files.list(folder)) ?? []
    // What changed a moment ago may change again in the same tick of the file system's clock.
    modified = changed.flatMap { Clock.now() - $0 / 1_000_000 > 1000 ? $0 : nil }
  }
}
