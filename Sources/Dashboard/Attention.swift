import NodeModel

extension Model {
  /// Whether the view shows the requests of apps.
  public var showsTraffic: Bool { view == .apps }

  /// The parts of the nodes that must be watched for the present screen.
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
    case .events, .previews: return NodeAttention()
    }
  }

  /// All nodes, also those that a filter hides, because the filter compares what they report.
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
    // If nodes were named, no others are looked for.
    return NodeAttention(nodes: parts, discovers: !setting.namesNodes)
  }

  /// Nodes of runs that boot, to show which application each of them is starting.
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
