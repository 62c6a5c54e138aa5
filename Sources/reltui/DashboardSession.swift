import CommandLine
import Dashboard
import EventLog
import Events
import HomeLayout
import Journal
import NodeModel
import Observation
import Operations
import Posix
import SlugStore
import Terminal

/// The dashboard with its sources. It turns what it reads into messages, and carries out effects.
struct DashboardSession {
  let context: Context
  let home: Home
  let journal: EventJournal
  private(set) var model: Model
  private(set) var follower: Follower
  private(set) var agent: AgentWatch
  private(set) var output: OutputWatch?
  private(set) var starting: AgentStart?
  /// The count of damaged places in the log, and the sentence about them.
  private var damage: (places: Int, words: String?) = (0, nil)
  private(set) var isOver = false
  private(set) var isDiskFull = false
  private(set) var wantsRedraw = false
  /// A rollback that is to be checked after the next frame, because reading slugs may take a while.
  private var unchecked: Rollback?

  private(set) var nodes: SessionNodes
  /// The time whose board is shown; nil for now.
  private let moment: HistoryPoint?

  /// The counts of output lines and of events that a view begins with.
  private static let firstLines = 1000
  private static let firstEvents: UInt64 = 1000

  init(_ options: DashboardOptions, _ context: Context, size: Size) throws(Cause) {
    self.context = context
    home = options.home
    journal = EventJournal(home: home, program: "reltui")
    moment = options.at
    follower = Follower(journal, until: moment, recent: Self.firstEvents)
    agent = AgentWatch(home: home)
    let fleet = try NodeFleet(
      home: options.home, names: options.nodes, cookieFile: options.cookieFile, tls: options.tls,
      environment: context.environment)
    do throws(PosixError) { nodes = SessionNodes(try FleetWorker(fleet)) } catch {
      throw Cause(error)
    }
    let now = Clocks.now
    let setting = Model.Setting(
      host: User.host, user: User.name(environment: context.environment), home: home.root,
      isReadOnly: options.isReadOnly, isPast: moment != nil, namesNodes: !options.nodes.isEmpty)
    model = Model(setting: setting, size: size, now: now, utcOffset: Clocks.utcOffset(at: now))
  }

  /// Reads the log and shows the first view.
  mutating func begin(_ options: DashboardOptions) throws(Cause) {
    if moment != nil {
      // A past board is shown once, so an error ends the program; a live log may become readable later.
      let events = try follower.take()
      tellTime()
      tell(.board(follower.board))
      tell(.events(events))
    } else {
      readLog()
    }
    if let app = options.app, !model.select(app: app) {
      throw Cause(.appUnknown, "there is no app '\(app)'")
    }
    if let view = options.view { carryOut(model.show(view)) }
    attend()
  }

  var reports: [StateReport] { StateReport.all(of: model.board, host: User.host) }

  mutating func tell(_ message: Message) {
    carryOut(model.update(message))
    attend()
  }

  mutating func tellTime() {
    let now = follower.board.now(at: moment, clock: Clocks.now)
    tell(.clock(now, utcOffset: Clocks.utcOffset(at: now)))
  }

  /// Reads new events, and corrects the board by the runs' own status.
  mutating func readLog() {
    do throws(Cause) {
      let events = try follower.take()
      try noteDamage()
      look()
      if moment == nil { nodes.know(follower.board) }
      if !events.isEmpty { tell(.events(events)) }
      // The folder of a new run may be the first one that can be watched.
      if output?.descriptor == nil { readOutput() }
    } catch {
      tell(.alert("The event log cannot be read: \(error.sentence)"))
    }
  }

  /// Checks the runs and the agent again: the log may not record that one of them was killed.
  mutating func look() {
    if moment != nil { return }
    agent.look(follower.board)
    tell(.agent(isAlive: agent.isAlive))
    var board = LiveBoard.overlay(follower.board, home: home)
    if model.showsTraffic { LiveBoard.addTraffic(to: &board, home: home) }
    tell(.board(board))
    let shortage = LiveBoard.shortage(of: home)
    isDiskFull = shortage != nil
    let certificate = board.certificates?.first { $0.endsSoon(Clocks.now) }
    tell(
      .alert(
        shortage.map { "\($0.sentence) [\($0.id)]" } ?? damage.words
          ?? certificate?.warning(Clocks.now)))
  }

  /// Whether the screen has counts that change without an event.
  var hasTraffic: Bool {
    moment == nil && model.showsTraffic && model.board.apps.values.contains { $0.address != nil }
  }

  mutating func readOutput() {
    var lines = output?.next() ?? []
    if moment != nil { lines.removeAll { $0.time > model.clock.now } }
    if !lines.isEmpty { tell(.lines(lines)) }
  }

  mutating func readStart() {
    guard let outcome = starting?.read() else { return }
    starting = nil
    if let cause = outcome { tell(.failed(cause)) }
    look()
  }

  private mutating func noteDamage() throws(Cause) {
    let places = follower.damage.count
    if damage.places == places { return }
    damage = (places, Self.words(for: try journal.untold(follower.damage)))
  }

  private static func words(for damage: [Damage]) -> String? {
    // An unreadable place also leaves numbers missing: it counts once.
    let unreadable = damage.filter { !$0.isMissing }
    let count = unreadable.isEmpty ? damage.count : unreadable.count
    if count == 0 { return nil }
    let places = count == 1 ? "1 place" : "\(count) places"
    return "The event log is damaged in \(places): see relctl events verify"
  }

  // MARK: - Effects

  private mutating func carryOut(_ effects: [Effect]) {
    for effect in effects {
      switch effect {
      case .append(let type, let app, let data): append(type, app, data)
      case .readManifest(let slug):
        do throws(Cause) {
          let manifest = try StoredSlugs(home: home).manifest(slug)
          tell(.manifest(slug: slug, .success(manifest)))
        } catch { tell(.manifest(slug: slug, .failure(error))) }
      case .checkRollback(let rollback): unchecked = rollback
      case .readOutput(let app, let instance):
        output = OutputWatch(home: home, app: app, only: instance, last: Self.firstLines)
        readOutput()
      case .act(let node, let name, let app, let action): act(node, name, app, action)
      case .open(let url): open(url)
      case .redraw: wantsRedraw = true
      case .quit: isOver = true
      }
    }
  }

  /// Opens an address with the program of the operator's desktop; where there is none, the address is shown, to be copied.
  private mutating func open(_ url: String) {
    let environment = Environment.current
    let hasDesktop = ["BROWSER", "DISPLAY", "WAYLAND_DISPLAY"].contains { environment[$0] != nil }
    // setsid(1) leaves it to run alone.
    let program = Invocation(["setsid", "--fork", "xdg-open", url], environment: environment)
    let opener = Invocation(["xdg-open"], environment: environment)
    if hasDesktop, (try? opener.program()) != nil,
      (try? program.run(errors: .null, limit: 2000))?.isSuccess == true
    {
      return tell(.said(url))
    }
    tell(.said("no browser here; copy the address: \(url)"))
  }

  /// Checks the rollback that the dashboard asks about.
  /// - Returns: whether there was one.
  mutating func checkRollback() -> Bool {
    guard let rollback = unchecked else { return false }
    unchecked = nil
    if let app = model.board.apps[rollback.app],
      let check = RollbackCheck.read(rollback, in: app, home: home)
    {
      tell(.rollbackCheck(rollback, check))
    }
    return true
  }

  private mutating func append(_ type: EventType, _ app: String, _ data: EventData) {
    do throws(Cause) {
      tell(.requested(try journal.append(type, app: app, data)))
      readLog()
      if !agent.isAlive, starting == nil {
        starting = try AgentStart(program: context.sibling("relctl"), home: home, context)
      }
    } catch { tell(.failed(error)) }
  }

  /// Acts on a node over this program's own connection. The log records the request and its outcome.
  private mutating func act(_ node: String, _ name: String, _ app: String?, _ action: NodeAction) {
    let deadline = Clocks.now + SessionNodes.actionLimit
    let data = EventData {
      $0.node = name
      action.describe(in: &$0)
      ($0.by, $0.deadline) = (model.setting.user, deadline)
    }
    do throws(Cause) {
      let request = try journal.append(.nodeActionRequested, app: app, data)
      tell(.requested(request))
      nodes.perform(action, on: node, request: request)
      readLog()
    } catch { tell(.failed(error)) }
  }

  // MARK: - Nodes

  /// Watches the nodes that the screen shows.
  private mutating func attend() { if moment == nil { nodes.attend(model.attention) } }

  mutating func hearNodes() {
    let (reports, logs, outcomes) = nodes.take()
    if let reports { tell(.nodes(reports)) }
    for part in logs { tell(.nodeLog(part)) }
    write(outcomes)
  }

  private mutating func write(_ outcomes: [SessionNodes.Outcome]) {
    for (id, app, cause) in outcomes {
      let data = EventData { ($0.request, $0.cause) = (id, cause) }
      do throws(Cause) {
        try journal.append(cause == nil ? .requestFinished : .requestFailed, app: app, data)
        readLog()
      } catch { tell(.failed(error)) }
    }
  }

  /// Waits until every watched node has reported the wanted parts, or cannot.
  /// - Parameter milliseconds: the longest wait.
  mutating func settleNodes(for parts: NodeAttention.Parts, milliseconds: Int64) throws(Cause) {
    let end = Clock.monotonic() + milliseconds
    do throws(PosixError) {
      while !nodes.isSettled(for: parts),
        try Poll.isReady(Poll.Interest(nodes.descriptor), before: end)
      {
        hearNodes()
      }
    } catch { throw Cause(error) }
  }

  /// Closes the connections to all nodes.
  mutating func leave() { write(nodes.leave()) }

  mutating func takeRedraw() -> Bool {
    defer { wantsRedraw = false }
    return wantsRedraw
  }
}
