import Events

/// Changes where the home's router listens, or whose X-Forwarded headers it keeps. It belongs to no app.
public struct ChangeRouter: Operation {
  public static let type = EventType.routerRequested
  public static let verb = "change of the router"

  public enum Action: String, Sendable { case listen, trust }

  public var app: String { "" }
  public let action: Action
  /// As `RouterSettings` reads them.
  public let words: [String: String]

  /// Listens on these ports, and on the loopback address as always.
  public init(listen settings: RouterSettings) {
    (action, words) = (.listen, settings.listenWords)
  }

  public init(trust ranges: [AddressRange]) {
    action = .trust
    words = ["trust": ranges.map(\.description).joined(separator: " ")]
  }

  public init?(app: String, data: EventData) {
    guard let action = data.action.flatMap(Action.init(rawValue:)) else { return nil }
    (self.action, words) = (action, data.settings ?? [:])
  }

  public func describe(in data: inout EventData) {
    (data.action, data.settings) = (action.rawValue, words)
  }

  public var target: String? {
    let text = ["http", "https", "metrics", "on"].compactMap { name in
      words[name].map { "\(name)=\($0)" }
    }
    switch action {
    case .listen:
      return text.isEmpty
        ? ": listen on the loopback address only" : ": listen on \(text.joined(separator: " "))"
    case .trust: return ": trust \(words["trust"].flatMap { $0.isEmpty ? nil : $0 } ?? "no proxy")"
    }
  }

  public func check(on board: Board) throws(Refusal) {
    var settings = RouterSettings()
    settings.apply(action: action.rawValue, words)
    let read =
      action == .listen
      ? settings.listenWords : ["trust": settings.trusted.map(\.description).joined(separator: " ")]
    let ports = [settings.http, settings.https, settings.metrics].compactMap { $0 }
    if read != words || Set(ports).count != ports.count || ports.contains(0) {
      throw .router(words.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
    }
  }

  /// The board has it since the request was accepted, and the agent tells the router before it looks further.
  public static var isImmediate: Bool { true }
  public static var changesRouter: Bool { true }

  public func progress(of request: Board.Request, on app: Board.App) -> Progress { .finished }

  public func consequences(on app: Board.App) -> Consequences {
    Consequences(
      question: "Change the router?", changes: ["Requests that are under way end as they are."],
      undo: "Undo: relctl router listen, or relctl router trust, with the values of before.")
  }
}
