import NodeModel

extension Model {
  /// What of the nodes is to be watched for the screen as it is now.
  public var attention: NodeAttention {
    if setting.isPast { return NodeAttention() }
    switch view {
    case .releases: return NodeAttention(nodes: bootingRuns)
    case .nodes: return nodesAttention
    case .apps:
      guard let node = shownNode else { return NodeAttention() }
      return NodeAttention(nodes: [node.id: [.vitals, .processes]], tree: openTree)
    case .boot:
      guard let node = shownNode else { return NodeAttention() }
      return NodeAttention(nodes: [node.id: [.boot, .vitals]])
    case .logs:
      guard showsNodeLog, let node = shownNode else { return NodeAttention() }
      return NodeAttention(nodes: [node.id: [.log, .vitals]])
    case .events: return NodeAttention()
    }
  }

  /// All nodes, also those that a filter hides: what they say decides whether it hides them.
  private var nodesAttention: NodeAttention {
    var parts: [String: NodeAttention.Parts] = [:]
    for node in nodes { parts[node.id] = .vitals }
    if let openSettings {
      parts[openSettings, default: .vitals].insert(.settings)
    } else if nodeAreas.detail.height > 0, let cursor = cursorNode {
      parts[cursor.id, default: .vitals].formUnion([.processes, .happenings])
    }
    // Who names nodes wants to look at these and no others.
    return NodeAttention(nodes: parts, discovers: !setting.namesNodes)
  }

  /// Nodes of runs on their way up, to say which application they are at.
  private var bootingRuns: [String: NodeAttention.Parts] {
    var parts: [String: NodeAttention.Parts] = [:]
    for node in nodes {
      guard case .run(let app, _, let run, _) = node.origin,
        let state = board.apps[app]?.run(run)?.state, state == .starting || state == .booting
      else { continue }
      parts[node.id] = .boot
    }
    return parts
  }
}
