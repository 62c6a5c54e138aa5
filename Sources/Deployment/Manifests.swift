import Events
import ReleaseModel
import SlugStore

/// A cache of the manifests that the agent needs; each is read and checked once.
struct Manifests {
  let store: StoredSlugs
  private var known: [String: Manifest] = [:]

  init(_ store: StoredSlugs) { self.store = store }

  mutating func manifest(_ slug: String) throws(Cause) -> Manifest {
    if let manifest = known[slug] { return manifest }
    let manifest = try store.manifest(slug)
    known[slug] = manifest
    return manifest
  }

  /// Drops the manifests of all other slugs.
  mutating func keep(only slugs: Set<String>) {
    if !known.keys.allSatisfy(slugs.contains) { known = known.filter { slugs.contains($0.key) } }
  }
}
