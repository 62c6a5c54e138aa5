import Events

/// Changes how the router treats the requests of an app.
public struct ChangeRoute: Operation {
  public static let type = EventType.routeRequested
  public static let verb = "change of the route"
  public let app: String
  /// Words as the operator writes them, by the name of the option.
  public let changes: [RouteOptions.Name: String]

  public init?(app: String, data: EventData) {
    guard let settings = data.settings, !settings.isEmpty else { return nil }
    var changes: [RouteOptions.Name: String] = [:]
    for (word, text) in settings {
      guard let name = RouteOptions.Name(rawValue: word) else { return nil }
      changes[name] = text
    }
    (self.app, self.changes) = (app, changes)
  }

  /// Reads words such as `body=10M`.
  public init(app: String, words: some Sequence<String>) throws(Refusal) {
    var changes: [RouteOptions.Name: String] = [:]
    for word in words {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, let name = RouteOptions.Name(rawValue: String(parts[0])) else {
        throw .noRouteOption(String(parts[0]))
      }
      changes[name] = String(parts[1])
    }
    (self.app, self.changes) = (app, changes)
  }

  public func describe(in data: inout EventData) {
    data.settings = Dictionary(uniqueKeysWithValues: changes.map { ($0.key.rawValue, $0.value) })
  }

  public var target: String? { "to " + Self.words { changes[$0] } }

  /// `body=10M log=on`
  private static func words(_ text: (RouteOptions.Name) -> String?) -> String {
    RouteOptions.Name.allCases.compactMap { name in text(name).map { "\(name.rawValue)=\($0)" } }
      .joined(separator: " ")
  }

  public func check(on board: Board) throws(Refusal) {
    _ = try knownApp(on: board)
    for (name, text) in changes where name.value(text) == nil { throw .routeOption(name, text) }
  }

  /// The board has it since the request was accepted, and the agent tells the router before it looks further.
  public static var isImmediate: Bool { true }
  public static var changesRouter: Bool { true }

  public func progress(of request: Board.Request, on app: Board.App) -> Progress { .finished }

  public func consequences(on app: Board.App) -> Consequences {
    let now = app.routing ?? RouteOptions()
    return Consequences(
      question: "Change the route of \(app.name)?",
      changes: RouteOptions.Name.allCases.compactMap { name in
        changes[name].map { "\(name.rawValue): \($0); now: \(name.text(now[name]))" }
      },
      undo: "Undo: relctl router set \(app.name) "
        + Self.words { changes[$0] == nil ? nil : $0.text(now[$0]) })
  }
}
