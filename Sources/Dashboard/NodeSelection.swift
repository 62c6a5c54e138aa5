import Events
import HomeLayout
import NodeModel

extension Model {
  /// The node that the views of one node show: the chosen one, else that of the selected app; where no app is
  /// selected, one that is in trouble, else the first.
  var shownNode: NodeReport? {
    if let nodeChoice { return nodes.first { $0.id == nodeChoice.id } }
    guard let app = selectedApp else { return Self.mostWanted(nodes) }
    if isInside, let run { return node(run: run.id, of: app.name) }
    return node(of: app)
  }

  /// The node that the cursor of the Nodes view is on.
  var cursorNode: NodeReport? {
    let listed = listedNodes
    if let shown = shownNode, listed.contains(where: { $0.id == shown.id }) { return shown }
    return Self.mostWanted(listed)
  }

  private static func mostWanted(_ nodes: [NodeReport]) -> NodeReport? {
    nodes.first { $0.isInTrouble && !$0.isShut } ?? nodes.first
  }

  /// The node that a key of this view acts on.
  var actedNode: NodeReport? { view == .nodes ? cursorNode : shownNode }

  var listedNodes: [NodeReport] {
    let filter = Filter(filters[.view(.nodes)])
    if filter.isEmpty { return nodes }
    return nodes.filter { node in
      filter.passes([
        node.name, Wording.state(of: node), Wording.origin(of: node), node.snapshot?.otp ?? "",
        node.cause?.sentence ?? "",
      ])
    }
  }

  /// The app that the views of one app show: that of a chosen node, else the selected one.
  var shownApp: Board.App? {
    guard let nodeChoice else { return selectedApp }
    return nodeChoice.app.flatMap { board.apps[$0] }
  }

  /// The release that the views of one app show: the node's own, else that on its way or the current one.
  var shownRelease: Board.Release? {
    guard let app = shownApp else { return nil }
    if case .run(app.name, _, _, let number)? = shownNode?.origin, let own = app.release(number) {
      return own
    }
    return app.shownRelease
  }

  /// The node of the release that is on its way or current; among those the first instance's newest.
  private func node(of app: Board.App) -> NodeReport? {
    let release = app.shownRelease?.number
    var best: (node: NodeReport, isShown: Bool, instance: InstanceName, run: UInt64)?
    for node in nodes {
      guard case .run(app.name, let instance, let run, let number) = node.origin else { continue }
      let isShown = number == release
      if let best {
        let isWorse =
          best.isShown && !isShown || best.isShown == isShown && best.instance < instance
        let isOlder = best.isShown == isShown && best.instance == instance && run < best.run
        if isWorse || isOlder { continue }
      }
      best = (node, isShown, instance, run)
    }
    return best?.node
  }

  /// The node of a run.
  func node(run: UInt64, of app: String) -> NodeReport? {
    nodes.first { node in
      if case .run(app, _, run, _) = node.origin { true } else { false }
    }
  }

  /// Takes in all nodes that are known. Of the first ones a node that was named is what is looked at.
  mutating func receive(_ nodes: [NodeReport]) {
    if self.nodes.isEmpty, setting.namesNodes, view != .releases, nodeChoice == nil {
      let given = nodes.filter { $0.origin == .given }
      nodeChoice = Self.mostWanted(given).map(NodeChoice.init)
    }
    self.nodes = nodes
  }

  /// Takes along to another view what the cursor is on in this one.
  mutating func carrySelection(to next: ViewName) {
    switch view {
    case .nodes where next != .releases:
      if let cursor = cursorNode, cursor.id != shownNode?.id { nodeChoice = NodeChoice(cursor) }
    case .releases where isInside && next != .logs:
      let own = run.flatMap { run in app.flatMap { node(run: run.id, of: $0) } }
      if let own { nodeChoice = NodeChoice(own) }
    default: break
    }
    // In the list of apps the app is chosen anew.
    if next == .releases { nodeChoice = nil }
  }

  /// Holds what was chosen against the nodes there are now, and closes pages of nodes that are gone.
  mutating func settleNodes() {
    if let choice = nodeChoice, !nodes.contains(where: { $0.id == choice.id }) {
      let next = nodes.last { node in
        guard case .run(let app, let instance, _, _) = node.origin else { return false }
        return app == choice.app && instance == choice.instance
      }
      let isKnown = choice.app.map { board.apps[$0] != nil } ?? false
      // Between two runs of an instance there is none, and nothing else takes its place.
      if next != nil || !isKnown { nodeChoice = next.map(NodeChoice.init) }
    }
    if let openSettings, !nodes.contains(where: { $0.id == openSettings }) {
      self.openSettings = nil
    }
    if let openTree, openTree.node != shownNode?.id { self.openTree = nil }
  }

  mutating func moveNode(by count: Int) {
    let listed = listedNodes
    guard let cursor = cursorNode, let index = listed.firstIndex(where: { $0.id == cursor.id })
    else { return }
    nodeChoice = NodeChoice(listed[min(max(0, index.clampedAdding(count)), listed.count - 1)])
  }
}

// MARK: - Applications

extension Model {
  /// Whether what the node says is shown, rather than what the manifest plans.
  var showsLiveApplications: Bool {
    guard let node = shownNode, node.snapshot != nil else { return false }
    return node.state != .down || shownApp == nil
  }

  var listedApplications: [NodeSnapshot.Application] {
    let all = shownNode?.snapshot?.applications ?? []
    let filter = Filter(filters[.view(.apps)])
    if filter.isEmpty { return all }
    return all.filter { application in
      filter.passes([
        application.name, application.version, application.state.rawValue,
        application.type?.rawValue ?? "", application.dependencies.joined(separator: " "),
      ])
    }
  }

  /// The application that the cursor of the OTP apps view is on.
  var cursorApplication: NodeSnapshot.Application? {
    guard showsLiveApplications else { return nil }
    let listed = listedApplications
    return listed.first { $0.name == application } ?? listed.first
  }

  mutating func moveApplication(by count: Int) {
    let listed = listedApplications
    if listed.isEmpty { return }
    let index = listed.firstIndex { $0.name == application } ?? 0
    application = listed[min(max(0, index.clampedAdding(count)), listed.count - 1)].name
  }
}

extension NodeReport {
  var isInTrouble: Bool { state == .down || state == .silent }

  /// Whether it is us that it does not let in: it may be as well as can be.
  var isShut: Bool {
    let ids: [ProblemID] = [.nodeHidden, .cookieFile, .nodeCookie, .nodeRefused, .nodeName]
    return state == .down && ids.contains { $0.rawValue == cause?.id }
  }

  /// Whether it has booted, as far as is known.
  var isReady: Bool {
    if snapshot?.isReady ?? false { return true }
    // An application that is started by hand later is no boot.
    return boot?.isFinished ?? (snapshot?.status == "started")
  }

  /// Whether it is known to be on its way up.
  var isBooting: Bool {
    if state == .down || isReady { return false }
    return boot != nil || snapshot != nil
  }
}
