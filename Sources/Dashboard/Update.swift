import Events
import ReleaseModel
import Terminal

extension Model {
  /// Applies a message.
  /// - Returns: what is to be done outside, in this order.
  public mutating func update(_ message: Message) -> [Effect] {
    var effects: [Effect] = []
    switch message {
    case .key(let key): effects = press(key)
    case .resize(let size): self.size = size
    case .clock(let now, let utcOffset): clock = WallClock(now: now, utcOffset: utcOffset)
    case .board(let board): self.board = board
    case .agent(let isAlive): isAgentAlive = isAlive
    case .events(let events): receive(events)
    case .lines(var lines):
      for index in lines.indices { lines[index].text = lines[index].text.bounded }
      logs.output.lines.append(lines.map { .output($0) })
    case .nodes(let nodes): receive(nodes)
    case .nodeLog(let part): if view == .logs, showsNodeLog { logs.node.append(part) }
    case .manifest(let slug, let result): learn(slug, result)
    case .rollbackCheck(let rollback, let check): learn(check, of: rollback)
    case .requested(let event): noteRequest(event)
    case .failed(let cause):
      notice = Notice(text: Wording.sentence(cause), role: .bad)
    case .said(let text): notice = Notice(text: text)
    case .alert(let text): alert = text
    }
    settle()
    return effects + missingParts()
  }

  /// Selects an app by name, as an option at the start does.
  /// - Returns: false if there is none of that name.
  public mutating func select(app name: String) -> Bool {
    guard board.apps[name] != nil else { return false }
    (selection.app, selection.node) = (name, nil)
    settle()
    return true
  }

  public mutating func show(_ view: ViewName) -> [Effect] {
    if self.view == .logs, view != .logs { logs.node.isInterrupted = true }
    if view != self.view { carrySelection(to: view) }
    (self.view, isViewOpen) = (view, false)
    if view != .apps, view != .logs { selection.isInside = false }
    // The boot view opens at the application that is being started.
    if view == .boot { list.top = nil }
    settle()
    return missingParts()
  }

  private mutating func press(_ key: Key) -> [Effect] {
    (notice, isViewOpen) = (nil, false)
    if let command = KeyCommand.bound(to: key, in: self) { return perform(command) }
    if mode.isTyping, case .character(let character) = key {
      let text = typed ?? ""
      if text.count < 60 { typed = text + String(character) }
    }
    return []
  }

  /// The text that is being typed, or that was typed last.
  var typed: String? {
    get {
      if case .typing(.search, _) = mode {
        return logs.search.text.isEmpty ? nil : logs.search.text
      }
      return list.text
    }
    set {
      if case .typing(.search, _) = mode {
        logs.search.text = newValue ?? ""
      } else {
        list.text = newValue
      }
    }
  }

  /// Runs a command, or shows why it cannot run now.
  mutating func perform(_ command: KeyCommand) -> [Effect] {
    do throws(DisabledReason) {
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
    notice = Notice(text: "\(words): requested", role: .busy)
  }

  /// The slugs whose manifests the view needs: those of the shown release, or of releases that boot;
  /// no more than can be kept.
  private var wantedSlugs: [String] {
    switch view {
    case .boot, .otpApps: return [shownRelease?.slug].compactMap { $0 }
    case .apps:
      if manifests.count >= Self.mostManifests || nodes.isEmpty { return [] }
      let booting = board.apps.values.filter { bootingNode(of: $0) != nil }
      let slugs = booting.compactMap { $0.shownRelease?.slug }
      return Array(Set(slugs).sorted().prefix(Self.mostManifests - manifests.count))
    default: return []
    }
  }

  private static let mostManifests = 16

  /// Keeps a few manifests without their lists of files, which no view shows and which are their largest part.
  private mutating func learn(_ slug: String, _ result: Result<Manifest, Cause>) {
    if manifests.count > Self.mostManifests { manifests = [:] }
    switch result {
    case .success(var manifest):
      manifest.files = []
      manifests[slug] = .read(manifest)
    case .failure(let cause): manifests[slug] = .unreadable(cause)
    }
  }

  /// Asks for what the view needs and lacks.
  private mutating func missingParts() -> [Effect] {
    var effects: [Effect] = []
    for slug in wantedSlugs where manifests[slug] == nil {
      manifests[slug] = .asked
      effects.append(.readManifest(slug: slug))
    }
    if view == .logs, showsNodeLog {
      if logs.node.node != shownNode?.id {
        logs.node = NodeLog(node: shownNode?.id)
        logs.search.found = nil
      }
    } else if view == .logs, let app = shownApp {
      let source = Output.Source(app: app.name, instance: outputInstance)
      if logs.output.source != source {
        logs.output = Output(source: source)
        logs.search.found = nil
        effects.append(.readOutput(app: source.app, source.instance))
      }
    }
    return effects
  }
}
