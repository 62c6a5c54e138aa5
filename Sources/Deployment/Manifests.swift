import Events
import ReleaseModel
import SlugStore

/// The manifests of the slugs that the agent works with, each read and checked once.
struct Manifests {
  let store: SlugStore
  private var known: [String: Manifest] = [:]

  init(_ store: SlugStore) { self.store = store }

  mutating func manifest(_ slug: String) throws(Cause) -> Manifest {
    if let manifest = known[slug] { return manifest }
    let manifest = try store.manifest(slug)
    known[slug] = manifest
    return manifest
  }

  /// Lets go of those that are not needed any more.
  mutating func keep(only slugs: Set<String>) {
    if known.count > slugs.count { known = known.filter { slugs.contains($0.key) } }
  }
}
