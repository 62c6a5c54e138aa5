import EventLog
import Events
import HomeLayout
import JSONText
import Posix

/// The log of a home as it is after years: 20 apps, deployed once and then restarted again and again.
struct History {
  private var sequence: UInt64 = 0
  private var events: [NewEvent] = []
  /// The run of each app's instance.
  private var runs: [String: UInt64] = [:]
  private let log: DurableLog

  static let apps = (1...20).map { "customer-\($0)" }
  /// An app with few events: it was deployed first, and restarted once in the middle.
  static let rareApp = "seldom"

  private init(_ log: DurableLog) { self.log = log }

  static func write(_ count: Int, to log: DurableLog) throws {
    var history = History(log)
    for app in [rareApp] + apps { try history.deploy(app) }
    try history.restart(until: count / 2)
    try history.restart(rareApp)
    try history.restart(until: count)
    try history.flush()
  }

  private mutating func restart(until count: Int) throws {
    while sequence < count {
      for app in Self.apps where sequence < count { try restart(app) }
    }
  }

  private mutating func add(_ type: EventType, _ app: String, _ fill: (inout EventData) -> Void)
    throws -> String
  {
    let program = type.isRequest ? "relctl" : "agent"
    let event = NewEvent(
      source: "bench.example.org/\(program)", type: type.rawValue, subject: app,
      data: JSON.encode(EventData(fill)))
    events.append(event)
    sequence += 1
    if events.count == 1000 { try flush() }
    return event.id
  }

  private mutating func flush() throws {
    try log.append(events)
    events = []
  }

  private mutating func deploy(_ app: String) throws {
    let (slug, config) = (Random.hex(32), Random.hex(32))
    let request = try ask(.deployRequested, app) { $0.slug = slug }
    _ = try add(.releaseCreated, app) {
      ($0.release, $0.slug, $0.config) = (ReleaseNumber(1), slug, config)
      ($0.by, $0.request, $0.line) = ("ana", request, "Say hello")
    }
    _ = try add(.deploymentStarted, app) {
      ($0.release, $0.request, $0.formation) = (ReleaseNumber(1), request, ["web": 1])
    }
    try start(app)
    _ = try add(.deploymentStep, app) {
      ($0.release, $0.step) = (ReleaseNumber(1), Board.Deployment.Step.switchOver.rawValue)
    }
    _ = try add(.deploymentFinished, app) { $0.release = ReleaseNumber(1) }
    _ = try add(.requestFinished, app) { $0.request = request }
  }

  private mutating func restart(_ app: String) throws {
    let old = runs[app]
    let request = try ask(.restartRequested, app) { _ in }
    try start(app)
    for type in [EventType.instanceStopping, .instanceStopped] {
      _ = try add(type, app) { data in
        (data.instance, data.run, data.request) = (Self.instance, old, request)
        if type == .instanceStopped { (data.exit, data.milliseconds) = (0, 231) }
      }
    }
    _ = try add(.requestFinished, app) { $0.request = request }
  }

  private static let instance = InstanceName(ProcessType.web, 1)

  private mutating func ask(_ type: EventType, _ app: String, _ fill: (inout EventData) -> Void)
    throws -> String
  {
    let request = try add(type, app) {
      ($0.by, $0.deadline) = ("ana", Timestamp(milliseconds: Clock.now() + 900_000))
      fill(&$0)
    }
    _ = try add(.requestAccepted, app) { $0.request = request }
    return request
  }

  private mutating func start(_ app: String) throws {
    let run = sequence + 1
    runs[app] = run
    let node = "\(app)-web-1-\(run)@bench.example.org"
    _ = try add(.instanceStarting, app) {
      ($0.instance, $0.release, $0.node) = (Self.instance, ReleaseNumber(1), node)
      $0.port = 40_000
    }
    for type in [EventType.instanceBooting, .instanceReady] {
      _ = try add(type, app) {
        ($0.instance, $0.run, $0.node) = (Self.instance, run, node)
        ($0.pid, $0.port, $0.milliseconds) = (471_123, 40_000, 812)
      }
    }
  }
}
