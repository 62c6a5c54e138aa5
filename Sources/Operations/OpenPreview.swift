import Events
import HomeLayout
import ReleaseModel

/// Opens a preview of a pull request, or updates the one that there is: the slug becomes its next release, and its lease
/// begins anew.
public struct OpenPreview: Operation {
  public static let type = EventType.previewOpenRequested
  public static let verb = "opening"
  public let app: String
  public let parent: String
  public let pull: Int
  public let slug: String
  /// Whether the slug holds code of a fork.
  public let isFork: Bool
  /// Milliseconds; nil for those of the last push.
  public let lease: Int64?

  public init(parent: String, pull: Int, slug: String, isFork: Bool = false, lease: Int64? = nil) {
    app = PreviewName.of(parent, pull)
    (self.parent, self.pull, self.slug) = (parent, pull, slug)
    (self.isFork, self.lease) = (isFork, lease)
  }

  public init?(app: String, data: EventData) {
    guard let parent = data.parent, let pull = data.pull, let slug = data.slug,
      PreviewName.of(parent, pull) == app
    else { return nil }
    self.init(
      parent: parent, pull: pull, slug: slug, isFork: data.fork == true, lease: data.lease)
  }

  public func describe(in data: inout EventData) {
    (data.parent, data.pull, data.slug, data.lease) = (parent, pull, slug, lease)
    data.fork = isFork ? true : nil
  }

  public func check(on board: Board) throws(Refusal) {
    guard (1...PreviewName.greatest).contains(pull) else { throw .pull(pull) }
    if let lease, !Board.Preview.leases.contains(lease) { throw .lease }
    guard let parent = board.apps[parent] else { throw .noApp(parent) }
    if parent.preview != nil { throw .previewOfPreview(parent.name) }
    if let known = board.apps[app] {
      guard let preview = known.preview, preview.parent == self.parent, preview.pull == pull else {
        throw .previewName(app)
      }
      if preview.isFork != isFork, !preview.isClosing {
        throw .previewFork(app, isFork: preview.isFork)
      }
      return
    }
    let most = parent.mostPreviews ?? Board.Preview.mostOfApp
    if board.previews(of: self.parent).count >= most {
      throw .previews(most: most, app: self.parent)
    }
    if board.previews().count >= Board.Preview.mostOfHost {
      throw .previews(most: Board.Preview.mostOfHost, app: nil)
    }
  }

  /// Its config vars are made later, so the slug alone is looked at.
  public func needs(on board: Board) -> Needs { Needs(slug: slug, areForRelease: false) }

  public func progress(of request: Board.Request, on app: Board.App) -> Progress {
    guard let preview = app.preview else { return .failed(Refusal.noPreview(app.name).cause) }
    if preview.prepared != request.id { return .wants(.prepared(slug: slug)) }
    let made = releaseProgress(of: request, on: app) { NewRelease(slug: slug) }
    guard made == .finished, preview.opened == nil else { return made }
    return .wants(.opened)
  }

  /// The newest commit wins.
  public func goesBefore(_ other: any Operation, of request: Board.Request) -> Bool {
    other is OpenPreview
  }

  public func consequences(on app: Board.App) -> Consequences {
    Consequences(
      question: "Open \(app.name) with slug \(slug.prefix(12))?",
      changes: ["It is updated when all new instances are ready, and its lease begins anew."],
      undo: "Undo: close it.")
  }
}
