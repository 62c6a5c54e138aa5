import Events

/// Gives the home's router a certificate, or takes one away. Its key is in the home already and never in the log.
public struct ChangeCertificates: Operation {
  public static let type = EventType.certificatesRequested
  public static let verb = "change of the certificates"

  public enum Action: String, Sendable {
    case add
    case remove = "rm"
  }

  public var app: String { "" }
  public let action: Action
  public let certificate: Certificate

  public init(_ action: Action, _ certificate: Certificate) {
    (self.action, self.certificate) = (action, certificate)
  }

  public init?(app: String, data: EventData) {
    guard let action = data.action.flatMap(Action.init(rawValue:)),
      let certificate = Certificate(name: data.domain, data.settings ?? [:])
    else { return nil }
    self.init(action, certificate)
  }

  public func describe(in data: inout EventData) {
    (data.action, data.domain) = (action.rawValue, certificate.name)
    data.settings = action == .remove ? nil : certificate.words
  }

  public var target: String? {
    ": \(action == .remove ? "without" : "with") that of \(certificate.name)"
  }

  public func check(on board: Board) throws(Refusal) {
    let known = board.certificates ?? []
    if action == .remove, !known.contains(where: { $0.name == certificate.name }) {
      throw .noCertificate(certificate.name, has: known.map(\.name))
    }
  }

  /// The board has it since the request was accepted, and the agent tells the router before it looks further.
  public static var isImmediate: Bool { true }
  public static var changesRouter: Bool { true }

  public func progress(of request: Board.Request, on app: Board.App) -> Progress { .finished }

  public func consequences(on app: Board.App) -> Consequences {
    Consequences(
      question: action == .add
        ? "Use the certificate of \(certificate.name)?"
        : "Take the certificate of \(certificate.name) away?",
      changes: [
        action == .add
          ? "Clients of \(certificate.hosts.joined(separator: ", ")) get it."
          : "Clients of its hosts get another one that names them, or one that they do not believe."
      ],
      undo: action == .add
        ? "Undo: relctl certs rm \(certificate.name)" : "Undo: add it again with relctl certs add.")
  }
}
