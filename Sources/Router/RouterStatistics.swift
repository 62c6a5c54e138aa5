import Events
import HomeLayout
import Posix

/// What HAProxy counts. Source: HAProxy Management Guide, "Statistics and monitoring"
public enum RouterStatistics {
  public struct Row: Hashable, Sendable {
    public var backend: String
    public var server: String
    public var traffic = Traffic()
    /// Seconds since the last request began; nil if there was none.
    public var last: Int?
  }

  /// Reads the answer to `show stat`: lines of fields, the first of which names them.
  static func rows(in text: String) -> [Row] {
    let lines = text.split(separator: "\n")
    guard let head = lines.first, head.hasPrefix("# ") else { return [] }
    let names = head.dropFirst(2).split(separator: ",", omittingEmptySubsequences: false)
    let places = Dictionary(zip(names, names.indices)) { first, _ in first }
    return lines.dropFirst().compactMap { line in
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      func text(_ name: Substring) -> String? {
        places[name].flatMap { $0 < fields.count ? String(fields[$0]) : nil }
      }
      func number(_ name: Substring) -> Int { text(name).flatMap { Int($0) } ?? 0 }
      guard let backend = text("pxname"), let server = text("svname") else { return nil }
      var row = Row(backend: backend, server: server)
      row.traffic = Traffic(
        rate: number("rate"), requests: number("stot"), open: number("scur"),
        refused: number("hrsp_4xx"), failed: number("hrsp_5xx"), mean: number("ttime"),
        slowest: number("ttime_max"))
      row.last = text("lastsess").flatMap { Int($0) }.flatMap { $0 < 0 ? nil : $0 }
      return row
    }
  }

  /// The requests of each app and of its instances.
  /// - Parameter apps: as the board has them.
  public static func report(on home: Home, apps: some Sequence<Board.App>) throws(Cause)
    -> RouterReport?
  {
    guard let status = RouterStatus(of: home.router) else { return nil }
    var report = RouterReport()
    (report.listen, report.http, report.https) = (status.addresses, status.http, status.https)
    report.metrics = status.metrics
    (report.closed, report.pid) = (status.closed, status.serving?.process.pid)
    report.failure = status.failure
    guard let number = status.serving?.number else { return report }
    let rows = try AdminSocket(showing: home.router, number: number).statistics()
    let config = RouterConfig(told: home.router)
    report.apps = apps.filter { $0.current != nil && RouterConfig.hasAddress($0.name) }
      .sorted { $0.name < $1.name }.map { app in
        AppTraffic(
          app, traffic: traffic(of: app.name, "BACKEND", in: rows),
          instances: instances(of: app, config, rows))
      }
    return report
  }

  /// The requests of each app; empty without a router.
  public static func traffic(on home: Home) -> [String: Traffic] {
    guard let number = RouterStatus(of: home.router)?.serving?.number,
      let rows = try? AdminSocket(showing: home.router, number: number).statistics()
    else { return [:] }
    let names = rows.filter { $0.server == "BACKEND" }.compactMap {
      RouterConfig.app(of: $0.backend)
    }
    return names.reduce(into: [:]) { all, app in all[app] = traffic(of: app, "BACKEND", in: rows) }
  }

  /// What the backends of an app have had together.
  private static func traffic(of app: String, _ server: String, in rows: [Row]) -> Traffic? {
    let own = rows.filter { RouterConfig.app(of: $0.backend) == app && $0.server == server }
    guard var sum = own.first?.traffic else { return nil }
    for more in own.dropFirst() { sum.add(more.traffic) }
    return sum
  }

  private static func instances(
    of app: Board.App, _ config: RouterConfig?, _ rows: [Row]
  ) -> [AppTraffic.Instance] {
    let states = config?.states(of: app.name) ?? [:]
    return app.liveRuns.filter { $0.instance.process == ProcessType.web }
      .sorted { ($0.instance, $0.id) < ($1.instance, $1.id) }.map { run in
        let servers = run.port.flatMap { config?.servers(of: app.name, port: $0) } ?? []
        return AppTraffic.Instance(
          run, traffic: servers.first.flatMap { traffic(of: app.name, $0, in: rows) },
          takesRequests: run.port.flatMap { states[$0] } == .open)
      }
  }
}
