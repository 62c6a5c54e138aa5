import Events
import ReleaseModel
import Terminal

extension Model {
  /// Takes a message in.
  ///
  /// - Returns: what is to be done outside, in this order.
  public mutating func update(_ message: Message) -> [Effect] {
    var effects: [Effect] = []
    switch message {
    case .key(let key): effects = press(key)
    case .resize(let size): self.size = size
    case .clock(let now, let utcOffset): (self.now, self.utcOffset) = (now, utcOffset)
    case .board(let board): self.board = board
    case .agent(let isAlive): isAgentAlive = isAlive
    case .events(let events): receive(events)
    case .lines(let lines): output.lines.append(lines.map(Self.bounded))
    case .nodes(let nodes): receive(nodes)
    case .nodeLog(let part): if view == .logs, showsNodeLog { nodeLog.append(part) }
    case .manifest(let slug, let result): learn(slug, result)
    case .requested(let event): noteRequest(event)
    case .failed(let cause):
      notice = Notice(text: Wording.sentence(cause), role: .bad)
    case .alert(let text): alert = text
    }
    settle()
    return effects + wishes()
  }

  /// Selects an app by name, as an option at the start does.
  ///
  /// - Returns: false where there is none of that name.
  public mutating func select(app name: String) -> Bool {
    guard board.apps[name] != nil else { return false }
    (app, nodeChoice) = (name, nil)
    settle()
    return true
  }

  /// Shows a view.
  public mutating func show(_ view: ViewName) -> [Effect] {
    if self.view == .logs, view != .logs { nodeLog.isInterrupted = true }
    if view != self.view { carrySelection(to: view) }
    self.view = view
    if view != .releases, view != .logs { isInside = false }
    // Whoever comes to a boot wants to see where it is.
    if view == .boot { tops[.view(.boot)] = nil }
    settle()
    return wishes()
  }

  private mutating func press(_ key: Key) -> [Effect] {
    notice = nil
    if let command = Command.bound(to: key, in: self) { return perform(command) }
    if mode.isTyping, case .character(let character) = key {
      let text = typed ?? ""
      if text.count < 60 { typed = text + String(character) }
    }
    return []
  }

  /// The text that is being typed, or that was typed last.
  var typed: String? {
    get {
      if case .typing(.find, _) = mode { return find.text.isEmpty ? nil : find.text }
      return filters[place]
    }
    set {
      if case .typing(.find, _) = mode {
        find.text = newValue ?? ""
      } else {
        filters[place] = newValue
      }
    }
  }

  /// Runs a command, or says why it cannot run now.
  mutating func perform(_ command: Command) -> [Effect] {
    do throws(Refusal) {
      if command.writes, setting.isReadOnly { throw setting.isPast ? .past : .readOnly }
      return try command.run(&self)
    } catch {
      notice = Notice(text: Wording.sentence(error), role: .warning)
      return []
    }
  }

  private mutating func receive(_ new: [Event]) {
    events.append(new)
    for event in new {
      guard let type = event.type, let id = event.data.request, let words = requests[id] else {
        continue
      }
      switch type {
      case .requestFinished: notice = Notice(text: "\(words): done", role: .ready)
      case .requestFailed, .requestRejected:
        let word = type == .requestFailed ? "failed" : "refused"
        let why = event.data.cause.map { ": " + $0.sentence } ?? ""
        notice = Notice(text: "\(words) \(word)\(why)", role: .bad)
      default: continue
      }
      requests[id] = nil
    }
  }

  private mutating func noteRequest(_ event: Event) {
    let words = Wording.request(event)
    requests[event.id] = words
    notice = Notice(text: "\(words): asked for", role: .busy)
  }

  /// The slugs whose manifests are to be shown: of the one release, or of those whose nodes tell how far they have
  /// booted, not more than are kept.
  private var wantedSlugs: [String] {
    switch view {
    case .boot, .apps: return [shownRelease?.slug].compactMap { $0 }
    case .releases:
      if manifests.count >= Self.mostManifests || nodes.isEmpty { return [] }
      let booting = board.apps.values.filter { bootingNode(of: $0) != nil }
      let slugs = booting.compactMap { $0.shownRelease?.slug }
      return Array(Set(slugs).sorted().prefix(Self.mostManifests - manifests.count))
    default: return []
    }
  }

  private static let mostManifests = 16

  /// Keeps a few manifests; files are not shown anywhere and would be most of it.
  private mutating func learn(_ slug: String, _ result: Result<Manifest, Cause>) {
    if manifests.count > Self.mostManifests { manifests = [:] }
    manifests[slug] =
      switch result {
      case .success(let manifest): .read(manifest.mainRelease)
      case .failure(let cause): .unreadable(cause)
      }
  }

  /// What the view needs and has not.
  private mutating func wishes() -> [Effect] {
    var effects: [Effect] = []
    for slug in wantedSlugs where manifests[slug] == nil {
      manifests[slug] = .asked
      effects.append(.readManifest(slug: slug))
    }
    if view == .logs, showsNodeLog {
      if nodeLog.node != shownNode?.id {
        nodeLog = NodeLog(node: shownNode?.id)
        find.found = nil
      }
    } else if view == .logs, let app = shownApp {
      let source = Output.Source(app: app.name, instance: outputInstance)
      if output.source != source {
        output = Output(source: source)
        find.found = nil
        effects.append(.readOutput(app: source.app, source.instance))
      }
    }
    return effects
  }

  /// A line longer than any screen only costs memory.
  private static func bounded(_ line: OutputLine) -> OutputLine {
    guard line.text.utf8.count > 4000 else { return line }
    var line = line
    line.text = String(line.text.prefix(2000))
    return line
  }
}
