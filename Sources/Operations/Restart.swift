import Events

/// A restart of all instances of an app, a quarter of them at a time, or of one of them. If a new run does not become
/// ready, the old one keeps running.
public struct Restart: Operation {
  public static let type = EventType.restartRequested
  public static let verb = "restart"
  public let app: String
  /// The instance; nil for all.
  public let instance: InstanceName?

  public init(app: String, instance: InstanceName? = nil) {
    (self.app, self.instance) = (app, instance)
  }

  public init?(app: String, data: EventData) { self.init(app: app, instance: data.instance) }
  public func describe(in data: inout EventData) { data.instance = instance }
  public var object: String? { instance?.description }

  public func check(on board: Board) throws(Refusal) {
    let app = try deployedApp(on: board)
    if let instance, !Board.App.instances(of: app.formation).contains(instance) {
      throw .noInstance(instance, app: app.name)
    }
  }

  public func progress(of request: Board.Request, on app: Board.App) -> Progress {
    let instances = instance.map { [$0] } ?? Board.App.instances(of: app.formation)
    let size = app.batch(of: instances.count)
    for start in stride(from: 0, to: instances.count, by: size) {
      var missing: [InstanceName] = []
      for instance in instances[start..<min(start + size, instances.count)] {
        let runs = app.runs.filter { $0.instance == instance && $0.state != .stopped }
        let new = runs.filter { $0.id > request.accepted && $0.release == app.current }
        if let failed = new.last, failed.state == .crashed || failed.state == .unready {
          let cause = failed.cause ?? Cause(.bootFailed, "\(instance) did not come back")
          return .failed(cause, stopping: new)
        }
        let isReady = new.contains { $0.state == .ready }
        let isAlone = !runs.contains {
          $0.id < request.accepted && $0.release == app.current && $0.state.isLive
        }
        if !isReady || !isAlone { missing.append(instance) }
      }
      if !missing.isEmpty { return .wants(.newRuns(missing)) }
    }
    return .finished
  }

  public func consequences(on app: Board.App) -> Consequences {
    let instances = Board.App.instances(of: app.formation)
    let release = app.current.map { " (\($0))" } ?? ""
    let what =
      instance?.description
      ?? (instances.count == 1 ? "the instance" : "all \(instances.count) instances")
    let live = app.liveRuns.filter { instance == nil || $0.instance == instance }
    return Consequences(
      question: "Restart \(what) of \(self.app)\(release)?",
      changes: live.isEmpty
        ? ["None of its instances runs now; they are started."]
        : changes(instance.map { [$0] } ?? instances, app),
      undo: "Nothing to undo: its release and config vars do not change.")
  }

  private func changes(_ instances: [InstanceName], _ app: Board.App) -> [String] {
    let batch = app.batch(of: instances.count)
    let pace = batch == 1 ? "One at a time; the next waits" : "\(batch) at a time; the next wait"
    var lines =
      instances.count > 1
      ? ["\(pace) until \(batch == 1 ? "this one is" : "these are") ready."] : []
    let processes = Set(instances.map(\.process))
    let alone = processes.filter { !app.mayRunTwice($0, app.current) }.sorted()
    if alone.count < processes.count {
      lines.append("A new run starts beside the old one; when it is ready the old one is stopped.")
    }
    if alone.isEmpty { return lines }
    let inTurn = "The old run is stopped first; then a new one starts."
    let isOnly = alone.count == processes.count
    return lines + [isOnly ? inTurn : "For \(alone.joined(separator: ", ")): \(inTurn)"]
  }
}
