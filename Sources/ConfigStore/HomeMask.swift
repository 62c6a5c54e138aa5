import HomeLayout
import Posix
import Redaction
import Synchronization

/// The mask of all config vars of a home, old sets included. It stays current while new sets are stored.
public final class HomeMask: Sendable {
  private struct Known {
    /// The mark at the last listing of the folders; nil if they must be listed again.
    var state: String?
    var sets: Set<SetID> = []
    /// Sets that could not be read. They are tried again each time, since they may have been repaired.
    var unread: Set<StoredSet> = []
    /// The readable values of sets whose files are damaged.
    var damaged: Set<ConfigSet> = []
    var mask: Redactor
    var stored: String?
  }

  private struct StoredSet: Hashable {
    var app: String
    var digest: String
    var id: SetID
  }

  private let home: Home
  private let app: String?
  private let more: ConfigSet
  private let known: Mutex<Known>

  /// Nothing is read before `current`.
  /// - Parameters:
  ///   - app: the app whose values are masked; nil for all apps.
  ///   - more: values from elsewhere that are masked, too.
  public init(home: Home, app: String? = nil, and more: ConfigSet = ConfigSet()) {
    (self.home, self.app, self.more) = (home, app, more)
    known = Mutex(Known(mask: Redactor(more)))
  }

  /// The mask of the sets that are stored now. A set never changes under its digest, so only new ones are read.
  public func current() -> Redactor {
    known.withLock { known in
      let state = mark()
      if state == nil || state != known.state { look(state, &known) }
      if !known.unread.isEmpty { read(&known) }
      store(&known)
      return known.mask
    }
  }

  private func mark() -> String? {
    let mark = ConfigMark(home)
    if let state = mark.state { return state }
    // A home of an older version has no mark.
    guard Files.exists(home.apps) else { return nil }
    try? mark.move()
    return mark.state
  }

  private func look(_ state: String?, _ known: inout Known) {
    if app == nil, known.state == nil, known.sets.isEmpty, let file = MaskFile.load(home) {
      known.sets = file.sets
      known.mask = more.values.isEmpty ? file.mask : Redactor(all: [more], and: file.mask)
      known.stored = file.state
      if file.state == state {
        known.state = state
        return
      }
    }
    var stored: Set<StoredSet> = []
    do throws(PosixError) {
      let apps = if let app { [app] } else { try list(home.apps) }
      for app in apps {
        for name in try list(home.app(app).configs) {
          guard let id = ConfigSets.id(of: name) else { continue }
          stored.insert(StoredSet(app: app, digest: name, id: id))
        }
      }
      if !known.sets.isSubset(of: stored.map(\.id)) { forget(&known) }
      known.state = state
    } catch {
      // There may be sets although they cannot be listed.
      known.state = nil
    }
    known.unread.formUnion(stored.filter { !known.sets.contains($0.id) })
  }

  /// A folder that is not there has no names.
  private func list(_ folder: String) throws(PosixError) -> [String] {
    do throws(PosixError) { return try Files.list(folder, skippingOthers: true) } catch {
      if error.errno == .noSuchFile || error.errno == .notADirectory { return [] }
      throw error
    }
  }

  /// Forgets everything, so that no value of a removed app is kept.
  private func forget(_ known: inout Known) {
    known = Known(mask: Redactor(more))
    if mayStore { try? Files.remove(home.configMask) }
  }

  private func read(_ known: inout Known) {
    var new: [ConfigSet] = []
    for unread in known.unread {
      let store = ConfigSets(home: home, app: unread.app)
      if let set = try? store.load(unread.digest) {
        known.unread.remove(unread)
        known.sets.insert(unread.id)
        new.append(set)
      } else if let set = store.unchecked(unread.digest), known.damaged.insert(set).inserted {
        new.append(set)
      }
    }
    if !new.isEmpty { known.mask = Redactor(all: new, and: known.mask) }
  }

  private func store(_ known: inout Known) {
    guard mayStore, known.unread.isEmpty, let state = known.state, state != known.stored else {
      return
    }
    known.stored = state
    MaskFile(state: state, sets: known.sets, mask: known.mask).store(home)
  }

  /// Only a mask of exactly the values of all apps is stored.
  private var mayStore: Bool { app == nil && more.values.isEmpty }
}
