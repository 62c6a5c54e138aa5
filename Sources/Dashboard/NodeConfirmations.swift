import NodeModel

/// The questions that are asked before something is done to a node.
extension Wording {
  static func logLevelQuestion(
    _ level: NodeLogLine.Level, _ node: NodeReport, effects: [Effect]
  ) -> Confirmation {
    Confirmation(
      question: "Set the log level of \(node.name) to \(level.rawValue)?",
      consequences: [
        "It logs \(level.rawValue) and what is worse, and nothing below.",
        "Writing many lines may slow the node down.",
      ],
      undo: "Undo: L again with the level it had; a restart of the node brings its own back.",
      effects: effects)
  }

  static func collectQuestion(_ node: NodeReport, effects: [Effect]) -> Confirmation {
    Confirmation(
      question: "Collect the garbage of every process of \(node.name)?",
      consequences: [
        "Each process pauses while its memory is collected: a large one for some time."
      ],
      undo: "Nothing to undo: only unused memory is freed.", effects: effects)
  }

  static func nodeRestartQuestion(_ node: NodeReport, effects: [Effect]) -> Confirmation {
    Confirmation(
      question: "Restart \(node.name) with init:restart?",
      consequences: [
        "All applications are stopped in order, then the node boots again in the same process.",
        "Until it has booted it serves no requests, and its data in memory is lost.",
      ],
      undo: "Nothing to undo: its release and config vars do not change.", effects: effects)
  }

  static func stopQuestion(
    _ application: NodeSnapshot.Application, _ node: NodeReport, effects: [Effect]
  ) -> Confirmation {
    let name = application.name
    let dependants = (node.snapshot?.applications ?? []).filter {
      $0.state != .loaded && $0.dependencies.contains(name)
    }
    var lines = ["Its processes end, the newest first."]
    if dependants.isEmpty {
      lines.append("No application that runs depends on it.")
    } else {
      lines.append("Its dependants keep running without it: \(list(dependants.map(\.name))).")
    }
    if application.type == .permanent {
      lines.append("It is permanent, but a stop from outside does not end the node.")
    }
    return Confirmation(
      question: "Stop \(name) in \(node.name)?", consequences: lines,
      undo: "Undo: S starts it again.", effects: effects)
  }

  static func startQuestion(
    _ application: NodeSnapshot.Application, _ node: NodeReport, effects: [Effect]
  ) -> Confirmation {
    let running = Set(
      (node.snapshot?.applications ?? []).filter { $0.state == .running }.map(\.name))
    let missing = application.dependencies.filter { !running.contains($0) }
    var lines = ["It is started as temporary: when it ends, the node goes on."]
    if !missing.isEmpty { lines.append("It depends on what does not run: \(list(missing)).") }
    return Confirmation(
      question: "Start \(application.name) in \(node.name)?", consequences: lines,
      undo: "Undo: X stops it again.", effects: effects)
  }

  /// The first of many names.
  private static func list(_ names: [String]) -> String {
    let most = 8
    let more = names.count > most ? " and \(names.count - most) more" : ""
    return names.prefix(most).joined(separator: ", ") + more
  }
}
