import Events

/// Gives an app a name under which clients reach it, or takes one away.
public struct ChangeDomains: Operation {
  public static let type = EventType.domainsRequested
  public static let verb = "change of the domains"

  public enum Action: String, Sendable {
    case add
    /// To add a domain although requests for it belong to a domain of another app, too.
    case share
    case remove = "rm"
  }

  public let app: String
  public let action: Action
  public let domain: Domain

  public init(app: String, _ action: Action, _ domain: Domain) {
    (self.app, self.action, self.domain) = (app, action, domain)
  }

  public init?(app: String, data: EventData) {
    guard let action = data.action.flatMap(Action.init(rawValue:)),
      let domain = data.domain.flatMap({ Domain($0) })
    else { return nil }
    self.init(app: app, action, domain)
  }

  public func describe(in data: inout EventData) {
    (data.action, data.domain) = (action.rawValue, domain.description)
  }

  public var target: String? { ": \(action == .remove ? "without" : "with") \(domain)" }

  public func check(on board: Board) throws(Refusal) {
    let own = try knownApp(on: board).domains ?? []
    if action == .remove {
      if !own.contains(domain) { throw .noDomain(domain, app: app, has: own) }
      return
    }
    if own.contains(domain) { return }
    if let (parent, host) = board.previews(near: domain) {
      throw .domainOfPreviews(domain, host: host, of: parent)
    }
    if own.count >= Self.most { throw .domains(most: Self.most) }
    for other in board.apps.values.sorted(by: { $0.name < $1.name }) where other.name != app {
      for taken in other.domains ?? [] where taken == domain || taken.overlaps(domain) {
        if taken == domain || action == .add {
          throw .domainTaken(domain, by: taken, of: other.name)
        }
      }
    }
  }

  /// What a line of the log may make the router hold.
  static let most = 1000

  /// The board has it since the request was accepted, and the agent tells the router before it looks further.
  public static var isImmediate: Bool { true }
  public static var changesRouter: Bool { true }

  public func progress(of request: Board.Request, on app: Board.App) -> Progress { .finished }

  public func consequences(on app: Board.App) -> Consequences {
    let isAdded = action != .remove
    return Consequences(
      question: isAdded
        ? "Send requests for \(domain) to \(app.name)?" : "Take \(domain) from \(app.name)?",
      changes: [
        isAdded
          ? "Requests for \(domain) go to \(app.name)."
          : "Requests for \(domain) get 404, or go to another app that has a domain for them."
      ],
      undo: "Undo: relctl domains \(app.name) \(isAdded ? "rm" : "add") \(domain)")
  }
}
