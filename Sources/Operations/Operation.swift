import Events
import HomeLayout
import ReleaseModel

/// Something that an operator can request for an app. The command line, the dashboard, the agent's
/// admission and its reconciler use the same value, so each rule is written once. A new operation is
/// a new file here and a line in `OperationTable.standard`.
public protocol Operation: Sendable, Equatable {
  static var type: EventType { get }
  /// The operation as a noun: `restart`.
  static var verb: String { get }

  var app: String { get }

  /// Reads the operation from the event that requests it; nil if the event lacks a field.
  init?(app: String, data: EventData)
  /// Writes the operation into the event that requests it, beside `by` and `deadline`.
  func describe(in data: inout EventData)

  /// The part of the app that the operation is for: `web.1`.
  var object: String? { get }
  /// The end of the operation's sentence: `to v1`.
  var target: String? { get }

  /// Whether the board allows it.
  func check(on board: Board) throws(Refusal)
  /// The same operation with open choices made, so that the agent does what the operator saw.
  func chosen(on board: Board) -> Self
  /// What the host must have; the agent checks it before it accepts the request.
  func needs(on board: Board) -> Needs
  /// Whether the slug and the config vars that it will run with allow it.
  func check(_ manifest: Manifest, config: [String: String]) throws(Refusal)

  /// What the operator must know before confirming.
  func consequences(on app: Board.App) -> Consequences

  /// The progress of an accepted request.
  func progress(of request: Board.Request, on app: Board.App) -> Progress
  /// Whether an older open request for `other` is given up when this one arrives.
  func goesBefore(_ other: any Operation, of request: Board.Request) -> Bool
  /// The cause with which such a request fails.
  func precedenceCause(by user: String) -> Cause
  /// Whether the request is given up at its deadline.
  static var isGivenUp: Bool { get }
  /// Whether it is done as soon as it is accepted, so that it waits for no other request.
  static var isImmediate: Bool { get }
  /// Whether it is done when the router has read it.
  static var changesRouter: Bool { get }
}

/// What an operation needs on the host.
public struct Needs: Hashable, Sendable {
  /// A slug that must be stored and fit this host.
  public var slug: String?
  /// The digest of a set of config vars that must be readable.
  public var config: String?
  /// Whether a release is made of them, which is then started.
  public var areForRelease: Bool

  public init(slug: String? = nil, config: String? = nil, areForRelease: Bool = true) {
    (self.slug, self.config, self.areForRelease) = (slug, config, areForRelease)
  }
}

/// What an operator must know before confirming an operation.
public struct Consequences: Hashable, Sendable {
  public var question: String
  /// What is known for and against it, for an operation that is checked first.
  public var judgement: [String] = []
  /// Nil for an operation that is not checked, or not yet.
  public var verdict: RollbackCheck.Verdict?
  /// What will change or be lost.
  public var changes: [String]
  public var undo: String

  public init(question: String, changes: [String], undo: String) {
    (self.question, self.changes, self.undo) = (question, changes, undo)
  }
}

/// The progress of an accepted request.
public enum Progress: Hashable, Sendable {
  /// The agent must reach this goal next.
  case wants(Goal)
  case finished
  /// The request has failed; these runs, which were started for it, must be stopped.
  case failed(Cause, stopping: [Board.Run] = [])
}

/// A state that the agent must reach for a request.
public enum Goal: Hashable, Sendable {
  /// The app's formation runs, and no other run of the app.
  case formation
  /// Each of the instances has a ready run, started after the request was accepted, and no other.
  case newRuns([InstanceName])
  case release(NewRelease)
  case current(ReleaseNumber)
  /// The app's first release will have the config vars with this digest.
  case firstConfig(String)
  /// The preview has its add-ons and its config vars.
  case prepared(slug: String)
  /// The preview's script `postdeploy` has run.
  case opened
  /// Nothing of the preview is left.
  case closed
}

/// The contents of a release to be made.
public struct NewRelease: Hashable, Sendable {
  public var slug: String
  /// The digest of its config vars; nil for the app's own with the defaults of app.json.
  public var config: String?
  /// Whether secrets that changed since keep their present values.
  public var keepsSecrets = false
  public var from: ReleaseNumber?
  public var origin: AppRelease?
  public var set: [String]?
  public var unset: [String]?
  /// The commit of the source; nil if the slug has it.
  public var commit: String?
  public var line: String?
}

extension Operation {
  public var object: String? { nil }
  public var target: String? { nil }
  public func describe(in data: inout EventData) {}
  public func chosen(on board: Board) -> Self { self }
  public func needs(on board: Board) -> Needs { Needs() }
  public func check(_ manifest: Manifest, config: [String: String]) throws(Refusal) {}
  public func goesBefore(_ other: any Operation, of request: Board.Request) -> Bool { false }
  public func precedenceCause(by user: String) -> Cause {
    Cause(.requestGivenUp, "given up for the \(sentence) by \(user)")
  }
  public static var isGivenUp: Bool { true }
  public static var isImmediate: Bool { false }
  public static var changesRouter: Bool { false }

  /// `restart of web.1 of greeter`, `rollback of greeter to v1`.
  public var sentence: String { Self.sentence(verb: Self.verb, [object, app], target) }

  /// The sentence without the app: `restart of web.1`, `rollback to v1`.
  public var shortSentence: String { Self.sentence(verb: Self.verb, [object], target) }

  private static func sentence(verb: String, _ objects: [String?], _ target: String?) -> String {
    let named = objects.compactMap { $0 }.filter { !$0.isEmpty }
    let end = target.map { $0.hasPrefix(":") ? $0 : " " + $0 } ?? ""
    return verb + named.map { " of \($0)" }.joined() + end
  }

  /// Milliseconds from the request to its deadline.
  public static var limit: Int64 { 15 * 60 * 1000 }

  public func request(by: String, now: Timestamp) -> EventData {
    EventData {
      describe(in: &$0)
      ($0.by, $0.deadline) = (by, now + Self.limit)
    }
  }

  /// Whether the same operation is requested already and not done yet. A request for all instances
  /// counts for each of them.
  public func isOpen(on board: Board, in table: OperationTable = .standard) -> Bool {
    board.requests.contains { request in
      guard request.app == app, let other = table.operation(request) as? Self else { return false }
      return other.object == nil || other.object == object
    }
  }

  /// The app, if it exists.
  func knownApp(on board: Board) throws(Refusal) -> Board.App {
    guard let app = board.apps[app] else { throw .noApp(app) }
    return app
  }

  /// The app, if it exists and has a current release.
  func deployedApp(on board: Board) throws(Refusal) -> Board.App {
    let app = try knownApp(on: board)
    if app.current == nil { throw .noRelease(app: app.name) }
    return app
  }
}

/// All operations, by the type of the event that requests them.
public struct OperationTable: Sendable {
  private let types: [any Operation.Type]

  public init(_ types: [any Operation.Type]) { self.types = types }

  public static let standard = OperationTable([
    Deploy.self, Restart.self, Rollback.self, Scale.self, Stop.self, ChangeConfig.self,
    Cancel.self, Promote.self, ChangeLimits.self, ChangeMaintenance.self,
    ChangeDomains.self, ChangeRoute.self, ChangeRouter.self, ChangeCertificates.self,
    OpenPreview.self, ClosePreview.self, RenewPreview.self, ChangePreviews.self,
    ChangePreviewConfig.self,
  ])

  /// The operation that an event requests; nil if this version does not know it.
  public func operation(_ type: EventType?, app: String, _ data: EventData) -> (any Operation)? {
    types.first { $0.type == type }?.init(app: app, data: data)
  }

  public func operation(_ request: Board.Request) -> (any Operation)? {
    operation(request.type, app: request.app, request.data)
  }
}
