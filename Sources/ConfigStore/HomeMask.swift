import HomeLayout
import Posix
import Redaction
import Synchronization

/// Masks the values of all config vars of a home, of old sets too, and of those that are set while it is used.
public final class HomeMask: Sendable {
  private struct Known {
    /// What the mark was when the folders were listed last; nil where they must be listed again.
    var state: String?
    var sets: Set<SetID> = []
    /// Those that could not be read: they are tried again each time, as they may be mended.
    var unread: Set<Place> = []
    /// What could be read of those that are not as they were stored.
    var damaged: Set<ConfigSet> = []
    var mask: Redactor
    /// Of the mask that lies in the home.
    var stored: String?
  }

  private struct Place: Hashable {
    var app: String
    var digest: String
    var id: SetID
  }

  private let home: Home
  private let app: String?
  private let more: ConfigSet
  private let known: Mutex<Known>

  /// Reads nothing yet.
  /// - Parameters:
  ///   - app: only this app's; nil for all.
  ///   - more: values that are not of the home and masked with them.
  public init(home: Home, app: String? = nil, and more: ConfigSet = ConfigSet()) {
    self.home = home
    self.app = app
    self.more = more
    known = Mutex(Known(mask: Redactor(more)))
  }

  /// The mask as it must be now. A set never changes under its digest, so only new ones are read.
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
    // A home of an older version has none.
    guard Files.exists(home.apps) else { return nil }
    try? mark.move()
    return mark.state
  }

  /// Finds out which sets there are.
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
    var places: Set<Place> = []
    do throws(PosixError) {
      let apps = if let app { [app] } else { try list(home.apps) }
      for app in apps {
        for name in try list(home.app(app).configs) {
          guard let id = ConfigStore.id(of: name) else { continue }
          places.insert(Place(app: app, digest: name, id: id))
        }
      }
      if !known.sets.isSubset(of: places.map(\.id)) { forget(&known) }
      known.state = state
    } catch {
      // What cannot be listed now may be there all the same.
      known.state = nil
    }
    known.unread.formUnion(places.filter { !known.sets.contains($0.id) })
  }

  /// What is not there counts as empty.
  private func list(_ folder: String) throws(PosixError) -> [String] {
    do throws(PosixError) { return try Files.list(folder, skippingOthers: true) } catch {
      if error.errno == .noSuchFile || error.errno == .notADirectory { return [] }
      throw error
    }
  }

  /// Values of an app that was removed stay nowhere.
  private func forget(_ known: inout Known) {
    known = Known(mask: Redactor(more))
    if mayStore { try? Files.remove(home.configMask) }
  }

  private func read(_ known: inout Known) {
    var new: [ConfigSet] = []
    for place in known.unread {
      let store = ConfigStore(home: home, app: place.app)
      if let set = try? store.load(place.digest) {
        known.unread.remove(place)
        known.sets.insert(place.id)
        new.append(set)
      } else if let set = store.unchecked(place.digest), known.damaged.insert(set).inserted {
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

  /// Only what holds the values of all apps and no others is stored.
  private var mayStore: Bool { app == nil && more.values.isEmpty }
}
