import Events
import NodeModel

extension Model {
  /// The node that the views of one node show: the chosen one, else that of the selected app. If no
  /// app is selected, it is a node in trouble, else the first node.
  var shownNode: NodeReport? {
    if let choice = selection.node { return nodes.first { $0.id == choice.id } }
    guard let app = selectedApp else { return Self.mostUrgent(nodes) }
    if selection.isInside, let run = selection.run { return node(run: run.id, of: app.name) }
    return node(of: app)
  }

  /// The node that the cursor of the Nodes view is on.
  var cursorNode: NodeReport? {
    let listed = listedNodes
    if let shown = shownNode, listed.contains(where: { $0.id == shown.id }) { return shown }
    return Self.mostUrgent(listed)
  }

  private static func mostUrgent(_ nodes: [NodeReport]) -> NodeReport? {
    nodes.first { $0.isInTrouble && !$0.isShut } ?? nodes.first
  }

  /// The node that a key of this view acts on.
  var actedNode: NodeReport? { view == .nodes ? cursorNode : shownNode }

  var listedNodes: [NodeReport] {
    let filter = position(of: .view(.nodes)).filter
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
    guard let choice = selection.node else { return selectedApp }
    return choice.app.flatMap { board.apps[$0] }
  }

  /// The release that the views of one app show: the node's own, else the one being deployed or the current one.
  var shownRelease: Board.Release? {
    guard let app = shownApp else { return nil }
    if case .run(app.name, _, _, let number)? = shownNode?.origin, let own = app.release(number) {
      return own
    }
    return app.shownRelease
  }

  /// The process type that the views of one app show: that of the chosen node or run, else the first one of the app.
  var shownProcess: String {
    if case .run(_, let instance, _, _)? = shownNode?.origin { return instance.process }
    let instance = selection.node?.instance ?? selection.run?.instance
    if let instance { return instance.process }
    let processes = shownApp?.formation.filter { $0.value > 0 }.keys.map { InstanceName($0, 1) }
    return processes?.min()?.process ?? ProcessType.web
  }

  /// The node of the first instance's newest run of the shown release, else of any release.
  private func node(of app: Board.App) -> NodeReport? {
    let release = app.shownRelease?.number
    let own = nodes.compactMap { node in
      if case .run(app.name, let instance, let run, let number) = node.origin {
        (node: node, isShown: number == release, instance: instance, run: run)
      } else {
        nil
      }
    }
    return own.min { left, right in
      if left.isShown != right.isShown { return left.isShown }
      return left.instance == right.instance
        ? left.run > right.run : left.instance < right.instance
    }?.node
  }

  /// A node of the app that is booting and reports its progress.
  func bootingNode(of app: Board.App) -> NodeReport? {
    let state = app.summary.state
    guard state == .booting || state == .starting else { return nil }
    let runs = Set(app.liveRuns.filter { $0.state != .ready }.map(\.id))
    return nodes.first { node in
      guard case .run(app.name, _, let run, _) = node.origin, let boot = node.boot else {
        return false
      }
      return runs.contains(run) && !boot.isFinished
    }
  }

  func node(run: UInt64, of app: String) -> NodeReport? {
    nodes.first { node in
      if case .run(app, _, run, _) = node.origin { true } else { false }
    }
  }

  /// Replaces the known nodes. The first time, a node that was named at the start is chosen. Nodes
  /// take the place of an empty list of apps.
  mutating func receive(_ nodes: [NodeReport]) {
    if self.nodes.isEmpty, setting.namesNodes, view != .apps, selection.node == nil {
      let given = nodes.filter { $0.origin == .given }
      selection.node = Self.mostUrgent(given).map(NodeChoice.init)
    }
    self.nodes = nodes
    if isViewOpen, board.apps.isEmpty, !nodes.isEmpty { (view, isViewOpen) = (.nodes, false) }
  }

  /// Chooses for the next view the node that the cursor of this view is on.
  mutating func carrySelection(to next: ViewName) {
    switch view {
    case .nodes where next != .apps:
      if let cursor = cursorNode, cursor.id != shownNode?.id { selection.node = NodeChoice(cursor) }
    case .apps where selection.isInside && next != .logs:
      let own = selection.run.flatMap { run in app.flatMap { node(run: run.id, of: $0) } }
      if let own { selection.node = NodeChoice(own) }
    default: break
    }
    // The list of apps has a cursor of its own.
    if next == .apps { selection.node = nil }
  }

  /// Replaces a chosen node that is gone, and closes the pages of nodes that are gone.
  mutating func settleNodes() {
    if let choice = selection.node, !nodes.contains(where: { $0.id == choice.id }) {
      let next = nodes.last { node in
        guard case .run(let app, let instance, _, _) = node.origin else { return false }
        return app == choice.app && instance == choice.instance
      }
      let isKnown = choice.app.map { board.apps[$0] != nil } ?? false
      // Between two runs an instance has no node. No other node is chosen in its place.
      if next != nil || !isKnown { selection.node = next.map(NodeChoice.init) }
    }
    if let open = selection.openSettings, !nodes.contains(where: { $0.id == open }) {
      selection.openSettings = nil
    }
    if let open = selection.openTree, open.node != shownNode?.id { selection.openTree = nil }
  }

  mutating func moveNode(by count: Int) {
    let listed = listedNodes
    guard let cursor = cursorNode, let index = listed.firstIndex(where: { $0.id == cursor.id })
    else { return }
    selection.node = NodeChoice(listed[min(max(0, index.clampedAdding(count)), listed.count - 1)])
  }

  // MARK: - Applications

  /// Whether the applications are those of the node, rather than those of the manifest.
  var showsLiveApplications: Bool {
    guard let node = shownNode, node.snapshot != nil else { return false }
    return node.state != .down || shownApp == nil
  }

  var listedApplications: [NodeSnapshot.Application] {
    let all = shownNode?.snapshot?.applications ?? []
    let filter = position(of: .view(.otpApps)).filter
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
    return listed.first { $0.name == selection.application } ?? listed.first
  }

  mutating func moveApplication(by count: Int) {
    let listed = listedApplications
    if listed.isEmpty { return }
    let index = listed.firstIndex { $0.name == selection.application } ?? 0
    selection.application = listed[min(max(0, index.clampedAdding(count)), listed.count - 1)].name
  }
}

extension NodeReport {
  var isInTrouble: Bool { state == .down || state == .silent }

  /// Whether the node is down only for this dashboard, which has no access to it.
  var isShut: Bool {
    let ids: [ProblemID] = [.nodeHidden, .cookieFile, .nodeCookie, .nodeRefused, .nodeName]
    return state == .down && ids.contains { $0.rawValue == cause?.id }
  }

  /// Whether it has booted, as far as is known.
  var isReady: Bool {
    if snapshot?.isReady ?? false { return true }
    // An application that is started by hand later does not count as a boot.
    return boot?.isFinished ?? (snapshot?.status == "started")
  }

  /// Whether it is known to be booting.
  var isBooting: Bool {
    if state == .down || isReady { return false }
    return boot != nil || snapshot != nil
  }
}
