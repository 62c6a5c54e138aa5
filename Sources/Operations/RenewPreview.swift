import Events
import HomeLayout

/// Begins a preview's lease anew, or pins the preview, which then stays until it is closed.
public struct RenewPreview: Operation {
  public static let type = EventType.previewRenewRequested
  public static let verb = "renewal"
  public let app: String
  /// Milliseconds; 0 pins it.
  public let lease: Int64

  public init(app: String, lease: Int64) { (self.app, self.lease) = (app, lease) }

  public init?(app: String, data: EventData) {
    guard let lease = data.lease else { return nil }
    self.init(app: app, lease: lease)
  }

  public func describe(in data: inout EventData) { data.lease = lease }

  public var target: String? { lease == 0 ? "until it is closed" : "for \(LeaseText.text(lease))" }

  public func check(on board: Board) throws(Refusal) {
    guard let preview = board.apps[app]?.preview else { throw .noPreview(app) }
    if preview.isClosing { throw .previewClosing(app) }
    if lease != 0, !Board.Preview.leases.contains(lease) { throw .lease }
  }

  public static var isImmediate: Bool { true }

  public func progress(of request: Board.Request, on app: Board.App) -> Progress { .finished }

  public func consequences(on app: Board.App) -> Consequences {
    Consequences(
      question: lease == 0
        ? "Keep \(app.name) until it is closed?" : "Renew the lease of \(app.name)?",
      changes: [
        lease == 0
          ? "It is not closed by itself."
          : "It is closed by itself \(LeaseText.text(lease)) from now."
      ],
      undo: "Undo: renew it, or close it.")
  }
}
