import NodeModel

extension Model {
  /// What is to be watched of the nodes for the screen as it is now.
  public var attention: NodeAttention {
    if setting.isPast { return NodeAttention() }
    switch view {
    case .apps:
      return NodeAttention(nodes: bootingRuns, discovers: isViewOpen && board.apps.isEmpty)
    case .nodes: return nodesAttention
    case .otpApps:
      guard let node = shownNode else { return NodeAttention() }
      return NodeAttention(nodes: [node.id: [.vitals, .processes]], tree: selection.openTree)
    case .boot:
      guard let node = shownNode else { return NodeAttention() }
      return NodeAttention(nodes: [node.id: [.boot, .vitals]])
    case .logs:
      guard showsNodeLog, let node = shownNode else { return NodeAttention() }
      return NodeAttention(nodes: [node.id: [.log, .vitals]])
    case .events: return NodeAttention()
    }
  }

  /// All nodes, also those that a filter hides: the filter looks at what they say.
  private var nodesAttention: NodeAttention {
    var parts: [String: NodeAttention.Parts] = [:]
    for node in nodes { parts[node.id] = .vitals }
    if let open = selection.openSettings {
      parts[open, default: .vitals].insert(.settings)
    } else if nodesView.hasPane(in: geometry.body),
      let cursor = cursorNode
    {
      parts[cursor.id, default: .vitals].formUnion([.processes, .happenings])
    }
    // Named nodes are watched alone.
    return NodeAttention(nodes: parts, discovers: !setting.namesNodes)
  }

  /// Nodes of runs that boot, to say which application they are at.
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
