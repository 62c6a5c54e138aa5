import Events
import ReleaseModel

/// A change of the number of instances of process types.
public struct Scale: Operation {
  public static let type = EventType.scaleRequested
  public static let verb = "scale"
  public let app: String
  /// Instances by process type; types that are not named keep their number.
  public let formation: [String: Int]

  public init(app: String, to formation: [String: Int]) {
    (self.app, self.formation) = (app, formation)
  }

  public init?(app: String, data: EventData) {
    guard let formation = data.formation else { return nil }
    self.init(app: app, to: formation)
  }

  public func describe(in data: inout EventData) { data.formation = formation }

  public var target: String? {
    "to "
      + formation.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
      .joined(separator: " ")
  }

  public func check(on board: Board) throws(Refusal) {
    _ = try deployedApp(on: board)
    for (process, count) in formation where !(0...Board.App.mostInstances).contains(count) {
      throw .count(count, process: process)
    }
  }

  public func needs(on board: Board) -> Needs {
    Needs(slug: board.apps[app]?.currentRelease?.slug, areForRelease: false)
  }

  public func check(_ manifest: Manifest, config: [String: String]) throws(Refusal) {
    let processes = manifest.processes.map(\.process).filter { $0 != ProcessType.release }
    for process in formation.keys.sorted() where !processes.contains(process) {
      throw .noProcess(process, app: app, has: processes)
    }
  }

  public func progress(of request: Board.Request, on app: Board.App) -> Progress {
    let failed = app.runs.last {
      $0.id > request.accepted && ($0.state == .crashed || $0.state == .unready)
    }
    if let failed {
      return .failed(failed.cause ?? Cause(.bootFailed, "\(failed.instance) did not start"))
    }
    return app.hasItsFormation ? .finished : .wants(.formation)
  }

  public func consequences(on app: Board.App) -> Consequences {
    let changes = formation.sorted { $0.key < $1.key }.map { process, count in
      let now = app.formation[process] ?? 0
      return count < now
        ? "\(now - count) of \(now) instances of \(process) are stopped."
        : "\(count - now) more of \(process) start, beside \(now)."
    }
    let before = formation.keys.sorted().map { "\($0)=\(app.formation[$0] ?? 0)" }
    return Consequences(
      question: "Scale \(app.name) \(target ?? "")?", changes: changes,
      undo: "Undo: scale to \(before.joined(separator: " ")).")
  }
}

extension Board.App {
  /// Whether each instance has a ready run of the current release, and no other run is live.
  var hasItsFormation: Bool {
    let wanted = Set(Self.instances(of: formation))
    let ready = liveRuns.filter { $0.release == current && $0.state == .ready }.map(\.instance)
    return wanted.isSubset(of: ready) && liveRuns.allSatisfy { wanted.contains($0.instance) }
  }
}
