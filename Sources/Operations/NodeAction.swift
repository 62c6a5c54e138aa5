import Events
import NodeModel

/// An action on a node. The requesting program carries it out over its own connection; the log
/// records the request and the outcome.
public enum NodeAction: Hashable, Sendable {
  case logLevel(NodeLogLine.Level)
  case collectGarbage
  case stopApplication(String)
  case startApplication(String)
  /// `init:restart/0`: the node stops all applications and boots again in the same process.
  case restart

  /// Writes the action into the event that requests it.
  public func describe(in data: inout EventData) {
    switch self {
    case .logLevel(let level): (data.action, data.level) = (Self.words[0], level.rawValue)
    case .collectGarbage: data.action = Self.words[1]
    case .stopApplication(let name): (data.action, data.application) = (Self.words[2], name)
    case .startApplication(let name): (data.action, data.application) = (Self.words[3], name)
    case .restart: data.action = Self.words[4]
    }
  }

  /// Reads what `describe` wrote; nil if this version does not know the action.
  public init?(_ data: EventData) {
    switch (data.action.flatMap(Self.words.firstIndex), data.application) {
    case (0, _):
      guard let level = data.level.flatMap(NodeLogLine.Level.init(rawValue:)) else { return nil }
      self = .logLevel(level)
    case (1, _): self = .collectGarbage
    case (2, let name?): self = .stopApplication(name)
    case (3, let name?): self = .startApplication(name)
    case (4, _): self = .restart
    default: return nil
    }
  }

  private static let words = EventData.nodeActions

  /// `stop of application ssl`
  public var sentence: String {
    switch self {
    case .logLevel(let level): "log level \(level.rawValue)"
    case .collectGarbage: "garbage collection"
    case .stopApplication(let name): "stop of application \(name)"
    case .startApplication(let name): "start of application \(name)"
    case .restart: "restart by init:restart/0"
    }
  }

  /// Applications without which no node runs.
  private static let essential: Set<String> = ["kernel", "stdlib"]

  /// Whether the node can do it now.
  public func check(on node: NodeReport) throws(Refusal) {
    if node.state != .up { throw .nodeNotUp(node.name, state: node.state.rawValue) }
    switch self {
    case .stopApplication(let name):
      if Self.essential.contains(name) { throw .applicationEssential(name) }
      if node.application(name)?.state == .loaded { throw .applicationNotRunning(name) }
    case .startApplication(let name):
      if node.application(name)?.state != .loaded { throw .applicationRunning(name) }
    case .logLevel, .collectGarbage, .restart: return
    }
  }

  /// What the operator must know before confirming.
  public func consequences(on node: NodeReport) -> Consequences {
    switch self {
    case .logLevel(let level):
      Consequences(
        question: "Set the log level of \(node.name) to \(level.rawValue)?",
        changes: [
          "It logs \(level.rawValue) and what is worse, and nothing below.",
          "Writing many lines may slow the node down.",
        ],
        undo: "Undo: set the level it had; a restart of the node brings its own back.")
    case .collectGarbage:
      Consequences(
        question: "Collect the garbage of every process of \(node.name)?",
        changes: ["Each process pauses while its memory is collected: a large one for some time."],
        undo: "Nothing to undo: only unused memory is freed.")
    case .restart:
      Consequences(
        question: "Restart \(node.name) with init:restart?",
        changes: [
          "All applications are stopped in order, then the node boots again in the same process.",
          "Until it has booted it serves no requests, and its data in memory is lost.",
        ],
        undo: "Nothing to undo: its release and config vars do not change.")
    case .stopApplication(let name): stopping(name, on: node)
    case .startApplication(let name): starting(name, on: node)
    }
  }

  private func stopping(_ name: String, on node: NodeReport) -> Consequences {
    let dependants = (node.snapshot?.applications ?? []).filter {
      $0.state != .loaded && $0.dependencies.contains(name)
    }
    let isPermanent = node.application(name)?.type == .permanent
    return Consequences(
      question: "Stop \(name) in \(node.name)?",
      changes: [
        "Its processes end, the newest first.",
        dependants.isEmpty
          ? "No application that runs depends on it."
          : "Its dependants keep running without it: \(Self.list(dependants.map(\.name))).",
      ]
        + (isPermanent ? ["It is permanent, but a stop from outside does not end the node."] : []),
      undo: "Undo: start it again.")
  }

  private func starting(_ name: String, on node: NodeReport) -> Consequences {
    let running = Set(
      (node.snapshot?.applications ?? []).filter { $0.state == .running }.map(\.name))
    let missing = (node.application(name)?.dependencies ?? []).filter { !running.contains($0) }
    return Consequences(
      question: "Start \(name) in \(node.name)?",
      changes: ["It is started as temporary: when it ends, the node goes on."]
        + (missing.isEmpty ? [] : ["It depends on what does not run: \(Self.list(missing))."]),
      undo: "Undo: stop it again.")
  }

  private static func list(_ names: [String]) -> String {
    let most = 8
    let more = names.count > most ? " and \(names.count - most) more" : ""
    return names.prefix(most).joined(separator: ", ") + more
  }
}

extension NodeReport {
  fileprivate func application(_ name: String) -> NodeSnapshot.Application? {
    snapshot?.applications.first { $0.name == name }
  }
}
