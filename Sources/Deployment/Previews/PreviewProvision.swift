import Events
import HomeLayout
import SlugStore

/// The provision of a preview with the add-ons that its app.json asks for. A helper program does it, since hooks take time.
public struct PreviewProvision {
  let home: Home
  let app: String
  let preview: Board.Preview

  public init(home: Home, app: String, preview: Board.Preview) {
    (self.home, self.app, self.preview) = (home, app, preview)
  }

  public func run(slug: String) -> PreviewOutcome {
    do throws(Cause) {
      let manifest = try StoredSlugs(home: home).manifest(slug).forPreview
      let hooks = AddOnHooks(home: home, app: app, preview: preview)
      try hooks.provide(manifest.appJSON?.addons ?? [])
      return PreviewOutcome()
    } catch { return PreviewOutcome(cause: error) }
  }
}
