import Events

/// A change of the config vars that all previews of an app get when they are opened or updated.
public struct ChangePreviewConfig: Operation {
  public static let type = EventType.previewConfigRequested
  public static let verb = "change of the config vars of previews"
  public let app: String
  public let config: String
  /// The digest of the set that the change started from; nil if there was none.
  public let base: String?
  public let set: [String]?
  public let unset: [String]?

  public init(app: String, config: String, base: String?, set: [String], unset: [String]) {
    (self.app, self.config, self.base) = (app, config, base)
    self.set = set.isEmpty ? nil : set.sorted()
    self.unset = unset.isEmpty ? nil : unset
  }

  public init?(app: String, data: EventData) {
    guard let config = data.config else { return nil }
    self.init(
      app: app, config: config, base: data.base, set: data.set ?? [], unset: data.unset ?? [])
  }

  public func describe(in data: inout EventData) {
    (data.config, data.base, data.set, data.unset) = (config, base, set, unset)
  }

  public func check(on board: Board) throws(Refusal) {
    let app = try knownApp(on: board)
    if app.preview != nil { throw .previewOfPreview(app.name) }
    if app.previewConfig != base { throw .configChanged(app: app.name) }
  }

  public func needs(on board: Board) -> Needs { Needs(config: config) }

  public static var isImmediate: Bool { true }

  public func progress(of request: Board.Request, on app: Board.App) -> Progress { .finished }

  public func consequences(on app: Board.App) -> Consequences {
    let names = ((set ?? []) + (unset ?? [])).joined(separator: ", ")
    return Consequences(
      question: "Change the config vars of the previews of \(app.name)?",
      changes: [
        "Config vars that change: \(names).",
        "A preview gets them when it is opened or updated the next time.",
      ],
      undo: "Undo: change them again.")
  }
}
