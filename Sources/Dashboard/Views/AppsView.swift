import Events
import HomeLayout
import NodeModel
import Terminal

/// The Apps view: all apps, and below them the pane of the selected one.
struct AppsView: ListAndPane {
  /// An app with the boot of one of its nodes, if a node reports its progress.
  struct App {
    var app: Board.App
    var boot: Boot?
  }

  /// The boot of an instance.
  struct Boot {
    var instance: InstanceName
    var timeline: BootTimeline
    /// The count of applications that its OTP release starts; nil if it is not known.
    var planned: Int?
  }

  var apps: [App]
  var list: ListPosition
  /// The selected app.
  var cursor: String?
  var detail: AppDetail?
  /// The text of an empty list.
  var empty: [Cell]
  var clock: WallClock

  var pane: (any Pane)? { detail }

  /// While the cursor is among the instances, a low screen shows only them.
  var showsPaneAlone: Bool { detail?.isInside == true }

  func table(width: Int) -> TableView {
    if apps.isEmpty { return TableView(heading: empty) }
    let isWide = width >= 100
    var table = TableView.list(
      apps, list, Self.columns(isWide: isWide),
      isSelected: { $0.app.name == cursor },
      note: { Self.problem(of: $0, at: clock.now) }, row: { row(of: $0, isWide: isWide) })
    table.isCursorFaint = detail?.isInside == true
    return table
  }

  private static func columns(isWide: Bool) -> [Column] {
    [
      Column("APP", minimum: 6), Column("RELEASE", minimum: 2, yields: 3),
      Column("STATE", minimum: 5, yields: 1), Column("INSTANCES", minimum: 7, yields: 2),
    ] + (isWide ? [Column("PORTS", minimum: 5, yields: 6)] : []) + [
      Column("BY", minimum: 2, yields: 5), Column("AGE", .right, minimum: 3, yields: 4),
    ]
  }

  /// One app. Its state is always a word; the role only adds colour.
  private func row(of item: App, isWide: Bool) -> [Cell] {
    let app = item.app
    let ports = Set(app.liveRuns.filter { $0.state == .ready }.compactMap(\.port)).sorted()
    let shownPorts = ports.prefix(4).map(String.init) + (ports.count > 4 ? ["…"] : [])
    return [
      Cell(app.name), Cell(Wording.release(of: app)),
      Cell(Self.state(of: item, at: clock.now), app.summary.state.role),
      Cell(Wording.instances(of: app)),
    ] + (isWide ? [Cell(shownPorts.joined(separator: " "), .aside)] : []) + [
      Cell(app.shownRelease?.by ?? "–"),
      Cell(Wording.age(since: app.changed, at: clock.now), .aside),
    ]
  }

  /// The app's state in words; `booting 14/22` if a node reports its progress.
  private static func state(of item: App, at now: Timestamp) -> String {
    let text = Wording.state(of: item.app, at: now)
    guard let boot = item.boot, item.app.summary.state == .booting else { return text }
    let word = RunState.booting.rawValue
    return "\(word) \(Wording.progress(boot.timeline, of: boot.planned))"
      + text.dropFirst(word.count)
  }

  private static func problem(of item: App, at now: Timestamp) -> Cell? {
    let trouble = Wording.trouble(of: item.app, at: now).map { text, isBad in
      Cell(text, isBad ? .bad : .warning)
    }
    return trouble ?? item.boot.flatMap(hang).map { Cell($0, .busy) }
  }

  /// Milliseconds that starting an application may take before the list mentions it.
  private static let patience: Int64 = 2000

  /// `web.1 starts billing, waiting for Billing.Repo, in gen_server:call/3`, when that takes long.
  private static func hang(of boot: Boot) -> String? {
    guard let current = boot.timeline.current,
      boot.timeline.milliseconds[current] ?? 0 >= patience
    else { return nil }
    return "\(boot.instance) starts \(current)"
      + (boot.timeline.hindrance.map { ", \($0)" } ?? "")
  }
}

extension RunState {
  var role: Role {
    switch self {
    case .starting, .booting, .stopping: .busy
    case .ready: .ready
    case .unready: .warning
    case .crashed: .bad
    case .stopped: .idle
    }
  }
}
