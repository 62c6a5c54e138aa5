import Events
import HomeLayout
import ReleaseModel

/// Something that an operator asks of an app. The command line, the dashboard, the agent's admission and its reconciler
/// use the same value, so each rule stands once. A new operation is a new file here and a line in
/// `OperationTable.standard`.
public protocol Operation: Sendable, Equatable {
  /// The type of the event that asks for it.
  static var type: EventType { get }
  /// What is done, as a noun: `restart`.
  static var verb: String { get }

  var app: String { get }

  /// Reads it from the event that asks for it; nil where that lacks what the operation needs.
  init?(app: String, data: EventData)
  /// Writes it into the event that asks for it, where `by` and `deadline` stand too.
  func describe(in data: inout EventData)

  /// What it is done to within the app, behind the verb: `web.1`.
  var object: String? { get }
  /// Where it leads, at the end of its sentence: `to v1`.
  var target: String? { get }

  /// Whether the board lets it happen.
  func check(on board: Board) throws(Refusal)
  /// The same, with what it leaves open chosen by the board as it is now, so that the agent does what the operator saw.
  func chosen(on board: Board) -> Self
  /// What must be there on the host; the agent looks for it before it accepts the request.
  func needs(on board: Board) -> Needs
  /// Whether the slug, and the config vars that it is to run with, let it happen.
  func check(_ manifest: Manifest, config: [String: String]) throws(Refusal)

  /// What an operator should know before it is requested.
  func consequences(on app: Board.App) -> Consequences

  /// How far its request is, from the moment that it was accepted.
  func progress(of request: Board.Request, on app: Board.App) -> Progress
  /// Whether an open request for `other` is given up for it.
  func goesBefore(_ other: any Operation) -> Bool
  /// Whether it is given up at its deadline.
  static var isGivenUp: Bool { get }
}

/// What an operation needs of the host.
public struct Needs: Hashable, Sendable {
  /// A slug that is stored and fits this host.
  public var slug: String?
  /// The digest of a set of config vars that can be read.
  public var config: String?

  public init(slug: String? = nil, config: String? = nil) {
    (self.slug, self.config) = (slug, config)
  }
}

/// What an operator is told before an operation is requested.
public struct Consequences: Hashable, Sendable {
  public var question: String
  /// What will change, and what is lost.
  public var changes: [String]
  public var undo: String

  public init(question: String, changes: [String], undo: String) {
    (self.question, self.changes, self.undo) = (question, changes, undo)
  }
}

/// How far an accepted request is.
public enum Progress: Hashable, Sendable {
  /// What is to be made true next.
  case wants(Goal)
  case finished
  /// These runs, which were started for it, are stopped.
  case failed(Cause, stopping: [Board.Run] = [])
}

/// What the agent makes true for a request.
public enum Goal: Hashable, Sendable {
  /// The app's formation runs, and nothing else of the app.
  case formation
  /// The instance has a ready run that was started after the request was accepted, and no older one.
  case newRun(InstanceName)
  /// The release is in the app's ledger.
  case release(NewRelease)
  /// The release in the ledger is current.
  case current(ReleaseNumber)
  /// The app's first release will have the config vars with this digest.
  case firstConfig(String)
}

/// What a release is made of.
public struct NewRelease: Hashable, Sendable {
  public var slug: String
  /// The digest of its config vars; nil for the app's own with the defaults of app.json.
  public var config: String?
  /// The release that is brought back.
  public var from: ReleaseNumber?
  public var set: [String]?
  public var unset: [String]?
  /// Of the source; nil where the slug tells.
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
  public func goesBefore(_ other: any Operation) -> Bool { false }
  public static var isGivenUp: Bool { true }

  /// `restart of web.1 of greeter`, `rollback of greeter to v1`.
  public var sentence: String { Self.sentence(verb: Self.verb, [object, app], target) }

  /// The same where the app stands beside it: `restart of web.1`, `rollback to v1`.
  public var shortSentence: String { Self.sentence(verb: Self.verb, [object], target) }

  private static func sentence(verb: String, _ objects: [String?], _ target: String?) -> String {
    verb + objects.compactMap { $0 }.map { " of \($0)" }.joined() + (target.map { " \($0)" } ?? "")
  }

  /// Milliseconds that it may wait for an agent and be worked on.
  public static var limit: Int64 { 15 * 60 * 1000 }

  /// The data of the event that asks for it.
  public func request(by: String, now: Timestamp) -> EventData {
    EventData {
      describe(in: &$0)
      ($0.by, $0.deadline) = (by, now + Self.limit)
    }
  }

  /// Whether the same is requested and not done yet. A request for all instances counts for each of them.
  public func isOpen(on board: Board, in table: OperationTable = .standard) -> Bool {
    board.requests.contains { request in
      guard request.app == app, let other = table.operation(request) as? Self else { return false }
      return other.object == nil || other.object == object
    }
  }

  /// The app, if it is there.
  func knownApp(on board: Board) throws(Refusal) -> Board.App {
    guard let app = board.apps[app] else { throw .noApp(app) }
    return app
  }

  /// The app, if it is there and has a release that runs.
  func deployedApp(on board: Board) throws(Refusal) -> Board.App {
    let app = try knownApp(on: board)
    if app.current == nil { throw .noRelease(app: app.name) }
    return app
  }
}

/// All operations by the event that asks for them.
public struct OperationTable: Sendable {
  private let types: [any Operation.Type]

  public init(_ types: [any Operation.Type]) { self.types = types }

  public static let standard = OperationTable([
    Deploy.self, Restart.self, Rollback.self, Scale.self, Stop.self, ChangeConfig.self,
  ])

  /// The operation that an event asks for; nil where this version knows none.
  public func operation(_ type: EventType?, app: String, _ data: EventData) -> (any Operation)? {
    types.first { $0.type == type }?.init(app: app, data: data)
  }

  public func operation(_ request: Board.Request) -> (any Operation)? {
    operation(request.type, app: request.app, request.data)
  }
}
