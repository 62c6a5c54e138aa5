import Events
import HomeLayout

/// Closes a preview: everything that belongs to it is removed.
public struct ClosePreview: Operation {
  public static let type = EventType.previewCloseRequested
  public static let verb = "closing"
  public let app: String

  public init(app: String) { self.app = app }
  public init?(app: String, data: EventData) { self.init(app: app) }

  public func check(on board: Board) throws(Refusal) {
    if board.apps[app]?.preview == nil { throw .noPreview(app) }
  }

  public func progress(of request: Board.Request, on app: Board.App) -> Progress {
    app.preview == nil ? .finished : .wants(.closed)
  }

  public func goesBefore(_ other: any Operation, of request: Board.Request) -> Bool {
    !(other is ClosePreview)
  }

  public func consequences(on app: Board.App) -> Consequences {
    Consequences(
      question: "Close \(app.name)?",
      changes: [
        "Its runs are stopped. Its config vars, add-ons, files and addresses are removed, and its slug if no "
          + "release of another app needs it."
      ],
      undo: "Undo: open it again; what its database held is lost.")
  }
}
