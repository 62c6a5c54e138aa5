import Events

/// What the home's router does, as a value: for each app, to which ports its requests go.
///
/// HAProxy reads it as a file when it starts. Afterwards each difference between two values is a few commands for its
/// admin socket, as long as no app is added and no backend needs more slots.
public struct RouterConfig: Hashable, Codable, Sendable {
  /// A place for one run. HAProxy cannot add servers to a backend without losing some of their settings, so that a
  /// backend has spare ones from the start, which get an address when they are needed.
  public struct Slot: Hashable, Codable, Sendable {
    public enum State: String, Codable, Sendable {
      /// It takes requests.
      case open
      /// It finishes those that it has, and gets others only if no open one can take them.
      case draining
      case off
    }
    public var state = State.off
    public var port: UInt16?
    /// The greater, the later it became free; 0 if it was never used.
    var freed = 0
  }

  /// Whether requests wait for an instance.
  public enum Hold: String, Codable, Sendable {
    /// Without an instance they are answered with 503.
    case never
    /// An instance serves, and its successor starts only when it has ended.
    case ready
    /// No instance serves, and one is on its way.
    case now
    /// No instance serves, and the first request asks for one.
    case asleep

    /// Whether requests wait now.
    var isHolding: Bool { self == .now || self == .asleep }
  }

  /// What HAProxy itself asks the instances that take requests. It only withholds requests from those that fail, unless
  /// all do: whether an instance is ready is the agent's business.
  public struct Check: Hashable, Codable, Sendable {
    public var path: String
    /// Names and values.
    public var headers: [[String]]
    /// The least and the greatest status of an answer that passes.
    public var least: Int
    public var greatest: Int

    public init(path: String, headers: [[String]], status: ClosedRange<Int>) {
      (self.path, self.headers) = (path, headers)
      (least, greatest) = (status.lowerBound, status.upperBound)
    }
  }

  public struct Backend: Hashable, Codable, Sendable {
    public let app: String
    public internal(set) var slots: [Slot] = []
    /// Its host below localhost; nil for its name.
    public internal(set) var localHost: String?
    /// Whether search engines are to leave it out.
    public internal(set) var isHidden: Bool?
    /// What is answered in place of the app, during maintenance.
    public internal(set) var notice: String?
    /// Where it is reached beside its name below localhost.
    public internal(set) var domains: [Domain] = []
    public internal(set) var options = RouteOptions()
    public internal(set) var hold = Hold.never
    public internal(set) var check: Check?
  }

  /// In the order of their names.
  public private(set) var backends: [Backend] = []
  /// The uid of HAProxy, if root starts it.
  public var user: UInt32?
  public private(set) var settings = RouterSettings()
  /// Those whose files are there.
  public private(set) var certificates: [Certificate] = []
  private var turns = 0

  public init() {}

  private static let fewestSlots = 8

  /// Whether an app can have a name of its own: a label of a host's name. RFC 1123, 2.1
  public static func hasAddress(_ app: String) -> Bool {
    (1...63).contains(app.utf8.count) && app.first != "-" && app.last != "-"
      && app.utf8.allSatisfy { (48...57).contains($0) || (97...122).contains($0) || $0 == 45 }
  }

  /// Gives each target a slot, and frees those of others.
  /// - Parameter routes: of each app that is to be reached; an app without any target answers with 503.
  public mutating func route(
    _ routes: [String: AppRoute], settings: RouterSettings = RouterSettings(),
    certificates: [Certificate] = []
  ) {
    (self.settings, self.certificates) = (settings, certificates)
    let known = Dictionary(backends.map { ($0.app, $0) }) { first, _ in first }
    backends = routes.filter { Self.hasAddress($0.key) }.sorted { $0.key < $1.key }.map {
      var backend = known[$0.key] ?? Backend(app: $0.key)
      let route = $0.value
      (backend.notice, backend.domains) = (route.notice, route.domains)
      (backend.options, backend.hold) = (route.options, route.hold)
      backend.check = route.check
      (backend.localHost, backend.isHidden) = (route.localHost, route.isHidden ? true : nil)
      place(route.targets, in: &backend)
      return backend
    }
  }

  /// Does what can be done for the same apps by commands alone.
  public mutating func routeRuns(_ routes: [String: AppRoute]) {
    for index in backends.indices {
      var backend = backends[index]
      guard let route = routes[backend.app] else { continue }
      place(route.targets, in: &backend)
      if backend.hold != .never, route.hold != .never { backend.hold = route.hold }
      backends[index] = backend
    }
  }

  /// Sends no more requests to a port, whose run has ended.
  public mutating func close(_ port: UInt16, of app: String) {
    guard let index = backends.firstIndex(where: { $0.app == app }) else { return }
    turns += 1
    for slot in backends[index].slots.indices where backends[index].slots[slot].port == port {
      backends[index].slots[slot] = Slot(freed: turns)
    }
  }

  /// What the ports of an app's runs do.
  public func states(of app: String) -> [UInt16: Slot.State] {
    let slots = backends.first { $0.app == app }?.slots ?? []
    return slots.reduce(into: [:]) { states, slot in
      if let port = slot.port { states[port] = slot.state }
    }
  }

  /// Whether requests wait in it for an instance. Another HAProxy would not get them.
  public var holdsRequests: Bool { backends.contains { $0.hold == .now } }

  private mutating func place(_ targets: [RouteTarget], in backend: inout Backend) {
    turns += 1
    let ports = Set(targets.map(\.port))
    for index in backend.slots.indices {
      guard let port = backend.slots[index].port, !ports.contains(port) else { continue }
      backend.slots[index] = Slot(freed: turns)
    }
    for target in targets {
      let state: Slot.State = target.isOpen ? .open : .draining
      if let index = backend.slots.firstIndex(where: { $0.port == target.port }) {
        backend.slots[index].state = state
      } else if target.isOpen {
        backend.slots[freeSlot(in: &backend)] = Slot(state: state, port: target.port)
      }
    }
    let wanted = max(Self.fewestSlots, backend.slots.count)
    backend.slots += Array(repeating: Slot(), count: wanted - backend.slots.count)
  }

  /// The slot that has been free for the longest time, so that no connection to its former address is left.
  private func freeSlot(in backend: inout Backend) -> Int {
    let free = backend.slots.indices.filter { backend.slots[$0].port == nil }
    if let index = free.min(by: { backend.slots[$0].freed < backend.slots[$1].freed }) {
      return index
    }
    let count = max(Self.fewestSlots, backend.slots.count)
    backend.slots += Array(repeating: Slot(), count: count)
    return backend.slots.count - count
  }

  /// The servers of a run's port: the one for its requests, and the one for those that no other run can take.
  public func servers(of app: String, port: UInt16) -> [String] {
    let slots = backends.first { $0.app == app }?.slots ?? []
    guard let index = slots.firstIndex(where: { $0.port == port }) else { return [] }
    return ["s\(index + 1)", "b\(index + 1)"]
  }
}

/// What the router is to do for an app.
public struct AppRoute: Hashable, Sendable {
  public var targets: [RouteTarget]
  /// What is answered in place of the app; nil if the app answers.
  public var notice: String?
  public var domains: [Domain]
  public var options: RouteOptions
  public var hold: RouterConfig.Hold
  /// Nil if the app is not asked by HTTP.
  public var check: RouterConfig.Check?
  /// The host below localhost, if that is not the app's name.
  public var localHost: String?
  /// Whether search engines are to leave it out.
  public var isHidden = false

  public init(
    _ targets: [RouteTarget], notice: String? = nil, domains: [Domain] = [],
    options: RouteOptions = RouteOptions(), hold: RouterConfig.Hold = .never,
    check: RouterConfig.Check? = nil
  ) {
    (self.targets, self.notice) = (targets, notice)
    (self.domains, self.options, self.hold) = (domains, options, hold)
    self.check = check
  }
}

/// A run to which requests can go.
public struct RouteTarget: Hashable, Sendable {
  public var run: UInt64
  public var port: UInt16
  /// Whether it takes new requests; otherwise it finishes those that it has.
  public var isOpen: Bool

  public init(run: UInt64, port: UInt16, isOpen: Bool) {
    (self.run, self.port, self.isOpen) = (run, port, isOpen)
  }
}

// MARK: - Changes at run time

extension RouterConfig {
  /// The commands after which each slot is as it should be, whatever it was.
  public var allCommands: [String] {
    var blank = self
    for index in blank.backends.indices {
      switch blank.backends[index].hold {
      case .never: break
      case .ready: blank.backends[index].hold = .now
      case .now, .asleep: blank.backends[index].hold = .ready
      }
      blank.backends[index].slots = blank.backends[index].slots.map { slot in
        Slot(state: slot.state == .off ? .draining : .off)
      }
    }
    // An entry that is there already would be added a second time.
    let held = backends.filter(\.hold.isHolding).map { "del map \(Self.heldMap) \($0.app)" }
    return held + (commands(from: blank) ?? [])
  }

  /// The commands that make the router do this instead of `old`; nil if it must read the file again. What takes requests
  /// is opened before anything is closed.
  public func commands(from old: RouterConfig) -> [String]? {
    guard withoutRuns == old.withoutRuns else { return nil }
    var (opening, closing): ([String], [String]) = ([], [])
    for (backend, before) in zip(backends, old.backends) {
      for (index, (slot, former)) in zip(backend.slots, before.slots).enumerated()
      where slot.state != former.state || slot.port != former.port {
        for name in [Self.name(of: backend.app), Self.socketName(of: backend.app)] {
          let (server, backup) = ("\(name)/s\(index + 1)", "\(name)/b\(index + 1)")
          func open(_ server: String) {
            // A HAProxy that was started meanwhile may not know the address.
            if let port = slot.port {
              opening.append("set server \(server) addr 127.0.0.1 port \(port)")
            }
            opening.append("set server \(server) state ready")
          }
          switch slot.state {
          case .open:
            open(server)
            closing.append("set server \(backup) state maint")
          case .draining:
            open(backup)
            closing.append("set server \(server) state drain")
          case .off: closing += [server, backup].map { "set server \($0) state maint" }
          }
        }
      }
    }
    // Requests are held before the last instance leaves, and until the next one is there.
    let held = zip(backends, old.backends).filter { $0.hold != $1.hold }.map(\.0)
    opening += held.filter { $0.hold == .ready }.map { "del map \(Self.heldMap) \($0.app)" }
    for (backend, before) in zip(backends, old.backends)
    where backend.hold != before.hold && backend.hold.isHolding {
      // No moment without an entry: a request of that moment would find no instance.
      let verb = before.hold.isHolding ? "set" : "add"
      opening.append("\(verb) map \(Self.heldMap) \(Self.held(backend))")
    }
    return opening + closing
  }

  /// What cannot be changed by a command.
  private var withoutRuns: RouterConfig {
    var config = self
    config.turns = 0
    for index in config.backends.indices {
      config.backends[index].slots = config.backends[index].slots.map { _ in Slot() }
      if config.backends[index].hold != .never { config.backends[index].hold = .ready }
    }
    return config
  }

  /// The backends of an app: one for requests, one for websockets, so that they can be counted apart.
  public static func name(of app: String) -> String { "app.\(app)" }
  static func socketName(of app: String) -> String { "ws.\(app)" }

  /// The app of a backend; nil if the backend is that of no app.
  static func app(of backend: String) -> String? {
    ["app.", "ws."].first { backend.hasPrefix($0) }.map { String(backend.dropFirst($0.count)) }
  }
}
