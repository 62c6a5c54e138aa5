import Events
import Terminal

/// The content of an event in a few words, shown beside its type.
enum EventSummary {
  /// - Parameter asked: the request that the event names, if it is known.
  static func text(of event: Event, asked: Event? = nil) -> String {
    guard let type = event.type else {
      let isShown = event.isReadable || !event.foreign.isEmpty
      return isShown ? event.summary : "cannot be read by this version"
    }
    let data = event.data
    switch type {
    case .buildStarted: return data.folder.map { "from \($0)" } ?? ""
    case .buildStep, .deploymentStep: return join(data.release?.description, data.step)
    case .buildFinished: return join(slug(data), took(data))
    case .buildFailed, .requestFailed, .requestRejected, .deploymentFailed, .deploymentReverted:
      return join(
        data.release?.description, asked.map(Wording.shortRequest).map { $0 + ":" },
        data.cause?.sentence)
    case .requestRefused: return join(data.action.map { $0 + ":" }, data.cause?.sentence)
    case .slugStored, .slugRemoved: return join(slug(data), size(data))
    case .releaseCreated: return join(data.release?.description, reason(data), slug(data))
    case .deploymentStarted, .deploymentFinished: return deployment(data)
    case .instanceStarting, .instanceBooting, .instanceReady, .instanceUnready,
      .instanceCrashed, .instanceAbandoned, .instanceOrphaned, .instanceStopping, .instanceStopped:
      return instance(data)
    case .requestAccepted, .requestFinished: return asked.map(Wording.shortRequest) ?? ""
    case .agentStarted, .agentStopped: return data.pid.map { "pid \($0)" } ?? ""
    case .nodeUp, .nodeDown: return data.node ?? ""
    case .clusterSplit: return data.cause?.sentence ?? ""
    default: return request(type, data)
    }
  }

  static func role(of event: Event) -> Role {
    switch event.type {
    case .buildFailed, .deploymentFailed, .deploymentReverted, .instanceCrashed,
      .instanceAbandoned, .instanceOrphaned, .requestFailed, .requestRejected,
      .requestRefused:
      .bad
    case .instanceUnready, .clusterSplit, .nodeDown, .agentStopped, .logRepaired: .warning
    case .buildFinished, .deploymentFinished, .instanceReady, .clusterJoined, .requestFinished:
      .ready
    case .instanceStarting, .instanceBooting, .instanceStopping, .deploymentStarted,
      .deploymentStep, .buildStarted, .buildStep:
      .busy
    default: event.type?.isRequest == true ? .logNotice : .text
    }
  }

  private static func instance(_ data: EventData) -> String {
    let name = data.instance?.description ?? ""
    if let sentence = data.cause?.sentence {
      return sentence.hasPrefix(name) ? sentence : "\(name) \(sentence)"
    }
    let ending = data.signal.map { "signal \($0)" } ?? data.exit.map { "exit \($0)" }
    return join(name, data.release.map { "(\($0))" }, data.port.map { "port \($0)" }, ending)
  }

  private static func deployment(_ data: EventData) -> String {
    guard let from = data.from else { return data.release?.description ?? "" }
    return "\(from) → \(data.release?.description ?? "?")"
  }

  private static func reason(_ data: EventData) -> String? {
    if let from = data.from { return "rollback to \(from)" }
    if let origin = data.origin { return "promote from \(origin.words)" }
    let names = (data.set ?? []).map { "set \($0)" } + (data.unset ?? []).map { "unset \($0)" }
    return names.isEmpty ? data.line.map { "\"\($0)\"" } : names.joined(separator: ", ")
  }

  private static func request(_ type: EventType, _ data: EventData) -> String {
    let target = type == .rollbackRequested ? data.from : nil
    let counts = data.formation?.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return join(
      data.instance?.description, data.release.map(\.description), target.map { "to \($0)" },
      counts?.joined(separator: " "),
      reason(
        EventData { ($0.set, $0.unset, $0.origin) = (data.set, data.unset, data.origin) }),
      slug(data))
  }

  private static func slug(_ data: EventData) -> String? {
    data.slug.map { "slug \($0.prefix(6))" }
  }

  private static func took(_ data: EventData) -> String? {
    data.milliseconds.map { max(0, $0) }.map { $0 < 10_000 ? "in \($0) ms" : "in \($0 / 1000) s" }
  }

  private static func size(_ data: EventData) -> String? {
    data.size.map { $0 < 1 << 20 ? "\($0 >> 10) kB" : "\($0 >> 20) MB" }
  }

  private static func join(_ parts: String?...) -> String {
    parts.compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: " ")
  }
}
