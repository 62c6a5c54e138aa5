import Events

/// Changes what holds for all previews of an app: the host below which they have addresses, and how many there may be.
public struct ChangePreviews: Operation {
  public static let type = EventType.previewsRequested
  public static let verb = "change of the previews"
  public let app: String
  /// As `PreviewSetting` reads them.
  public let settings: [String: String]

  public init(app: String, _ settings: [String: String]) {
    (self.app, self.settings) = (app, settings)
  }

  public init?(app: String, data: EventData) {
    guard let settings = data.settings else { return nil }
    self.init(app: app, settings)
  }

  public func describe(in data: inout EventData) { data.settings = settings }

  public var target: String? {
    ": "
      + settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
  }

  public func check(on board: Board) throws(Refusal) {
    if try knownApp(on: board).preview != nil { throw .previewOfPreview(app) }
    for (word, text) in settings.sorted(by: { $0.key < $1.key }) {
      guard let setting = PreviewSetting(rawValue: word) else { throw .noPreviewSetting(word) }
      guard setting.isValid(text) else { throw .previewSetting(setting, text) }
      if setting == .host, text != "none", let (owner, domain) = board.domain(near: text) {
        throw .previewHost(text, domain, of: owner)
      }
    }
  }

  public static var isImmediate: Bool { true }
  public static var changesRouter: Bool { true }

  public func progress(of request: Board.Request, on app: Board.App) -> Progress { .finished }

  public func consequences(on app: Board.App) -> Consequences {
    Consequences(
      question: "Change the previews of \(app.name)?",
      changes: ["It holds for the previews that there are, and for new ones."],
      undo: "Undo: change it again.")
  }
}

extension Board {
  /// A domain of an app that shares cookies with hosts below this one, or could get some of them: the host lies below the
  /// domain, is the domain, or the domain lies below the host. RFC 6265, 5.1.3
  func domain(near host: String) -> (app: String, domain: Domain)? {
    for app in apps.values.sorted(by: { $0.name < $1.name }) {
      if let domain = app.domains?.first(where: { $0.isNear(host) }) { return (app.name, domain) }
    }
    return nil
  }

  /// The app whose previews have addresses near this domain.
  func previews(near domain: Domain) -> (app: String, host: String)? {
    previewHosts.first { domain.isNear($0.host) }
  }
}

extension Domain {
  fileprivate func isNear(_ host: String) -> Bool {
    if isDefault { return false }
    let own = isWildcard ? String(self.host.dropFirst(2)) : self.host
    return own == host || host.hasSuffix("." + own) || own.hasSuffix("." + host)
  }
}
