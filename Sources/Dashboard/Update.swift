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
    app = name
    settle()
    return true
  }

  /// Shows a view.
  public mutating func show(_ view: ViewName) -> [Effect] {
    self.view = view
    if view != .releases, view != .logs { isInside = false }
    settle()
    return wishes()
  }

  private mutating func press(_ key: Key) -> [Effect] {
    notice = nil
    if let command = Command.bound(to: key, in: self) { return perform(command) }
    if case .filter = mode, case .character(let character) = key {
      let text = filters[view] ?? ""
      if text.count < 60 { filters[view] = text + String(character) }
    }
    return []
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

  /// Keeps a few manifests; files are not shown anywhere and would be most of it.
  private mutating func learn(_ slug: String, _ result: Result<Manifest, Cause>) {
    if manifests.count > 16 { manifests = [:] }
    manifests[slug] =
      switch result {
      case .success(let manifest): .read(manifest.mainRelease)
      case .failure(let cause): .unreadable(cause)
      }
  }

  /// What the view needs and has not.
  private mutating func wishes() -> [Effect] {
    var effects: [Effect] = []
    if view == .boot || view == .apps, let slug = selectedApp?.shownRelease?.slug,
      manifests[slug] == nil
    {
      manifests[slug] = .asked
      effects.append(.readManifest(slug: slug))
    }
    if view == .logs, let app = selectedApp {
      let source = Output.Source(app: app.name, instance: isInside ? run?.instance : nil)
      if output.source != source {
        output = Output(source: source)
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
