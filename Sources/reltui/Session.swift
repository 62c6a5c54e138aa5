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
import Terminal

/// The dashboard with the world around it: what is read becomes messages, effects are carried out.
struct Session {
  let context: Context
  let home: Home
  let journal: Journal
  private(set) var model: Model
  private(set) var follower: Follower
  private(set) var agent: AgentWatch
  private(set) var output: OutputWatch?
  private(set) var starting: AgentStart?
  /// How many places in the log are not as they should be, and what is said of them.
  private var damage: (places: Int, words: String?) = (0, nil)
  private(set) var isOver = false
  private(set) var isDiskFull = false
  private(set) var wantsRedraw = false

  private(set) var nodes: SessionNodes
  /// When the board that is shown was so; nil for now.
  private let moment: HistoryPoint?

  /// Lines of output, and events, that a view begins with.
  private static let firstLines = 1000
  private static let firstEvents: UInt64 = 1000

  init(_ options: Options, _ context: Context, size: Size) throws(Cause) {
    self.context = context
    home = options.home
    journal = Journal(home: home, program: "reltui")
    moment = options.at
    follower = Follower(journal, until: moment, recent: Self.firstEvents)
    agent = AgentWatch(home: home)
    nodes = SessionNodes(
      try NodeFleet(
        home: options.home, names: options.nodes, cookieFile: options.cookieFile,
        tls: options.tls, environment: context.environment))
    let now = Clocks.now
    let setting = Model.Setting(
      host: User.host, user: User.name(environment: context.environment), home: home.root,
      isReadOnly: options.isReadOnly, isPast: moment != nil, namesNodes: !options.nodes.isEmpty)
    model = Model(
      setting: setting, size: size, now: now, utcOffset: Clocks.utcOffset(at: now))
  }

  /// Reads what there is and shows the view that was asked for.
  mutating func begin(_ options: Options) throws(Cause) {
    if moment != nil {
      // Without that moment there is nothing to show; a log that cannot be read now may be later.
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
    carryOut(model.show(options.view ?? firstView()))
    tell(.nodes(nodes.fleet.reports))
  }

  /// Who has deployed nothing sees what runs here anyway.
  private mutating func firstView() -> ViewName {
    guard model.board.apps.isEmpty, moment == nil else { return model.setting.firstView }
    nodes.attend(NodeAttention(discovers: true))
    _ = nodes.advance([])
    return nodes.fleet.reports.isEmpty ? model.setting.firstView : .nodes
  }

  var reports: [InstanceReport] {
    model.board.apps.values.sorted { $0.name < $1.name }
      .flatMap { InstanceReport.all(of: $0, host: User.host) }
  }

  mutating func tell(_ message: Message) {
    carryOut(model.update(message))
    attend()
  }

  mutating func tellTime() {
    let now = follower.board.now(at: moment, clock: Clocks.now)
    tell(.clock(now, utcOffset: Clocks.utcOffset(at: now)))
  }

  /// Folds in what came, and lays over it what the runs say themselves.
  mutating func readLog() {
    do throws(Cause) {
      let events = try follower.take()
      try noteDamage()
      look()
      if moment == nil, nodes.know(follower.board) { tell(.nodes(nodes.fleet.reports)) }
      if !events.isEmpty { tell(.events(events)) }
      // A new run has a new folder, which may be the first that can be watched.
      if output?.descriptor == nil { readOutput() }
    } catch {
      tell(.alert("The event log cannot be read: \(error.sentence)"))
    }
  }

  /// Looks at the runs and the agent again; the log may say nothing when one of them is killed.
  mutating func look() {
    if moment != nil { return }
    agent.look(follower.board)
    tell(.agent(isAlive: agent.isAlive))
    tell(.board(Situation.overlay(follower.board, home: home)))
    let shortage = Situation.shortage(of: home)
    isDiskFull = shortage != nil
    tell(.alert(shortage.map { "\($0.sentence) [\($0.id)]" } ?? damage.words))
  }

  mutating func readOutput() {
    var lines = output?.next() ?? []
    if moment != nil { lines.removeAll { $0.time > model.now } }
    if !lines.isEmpty { tell(.lines(lines)) }
  }

  /// Takes what the starting agent said.
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
    // What is missing because it cannot be read is one place, not two.
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
          let manifest = try SlugManifest.read(slug: slug, home: home)
          tell(.manifest(slug: slug, .success(manifest)))
        } catch { tell(.manifest(slug: slug, .failure(error))) }
      case .readOutput(let app, let instance):
        output = OutputWatch(home: home, app: app, only: instance, last: Self.firstLines)
        readOutput()
      case .act(let node, let name, let app, let action): act(node, name, app, action)
      case .redraw: wantsRedraw = true
      case .quit: isOver = true
      }
    }
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

  /// Done by us, over our own connection; the log says that it was asked for and what came of it.
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

  /// Watches what the screen shows.
  private mutating func attend() {
    if moment == nil { nodes.attend(model.attention) }
  }

  /// Takes in what nodes say.
  mutating func hearNodes(_ ready: [Poll.Ready]) {
    if nodes.advance(ready) { tell(.nodes(nodes.fleet.reports)) }
    for part in nodes.takeLogs() { tell(.nodeLog(part)) }
    write(nodes.takeOutcomes())
  }

  private mutating func write(_ outcomes: [(id: String, app: String?, cause: Cause?)]) {
    for (id, app, cause) in outcomes {
      let data = EventData { ($0.request, $0.cause) = (id, cause) }
      do throws(Cause) {
        try journal.append(cause == nil ? .requestFinished : .requestFailed, app: app, data)
        readLog()
      } catch { tell(.failed(error)) }
    }
  }

  /// Waits until every node that is looked at has told what is wanted of it, or cannot.
  /// - Parameter milliseconds: the longest wait.
  mutating func settleNodes(
    for parts: NodeAttention.Parts, milliseconds: Int64
  ) throws(Cause) {
    let end = Clock.monotonic() + milliseconds
    var now = Clock.monotonic()
    hearNodes([])
    while now < end, !nodes.fleet.isSettled(for: parts) {
      let next = min(end, nodes.nextTick ?? end)
      do throws(PosixError) {
        let ready = try Poll.wait(nodes.fleet.interests, milliseconds: max(0, next - now))
        hearNodes(ready)
      } catch { throw Cause(error) }
      now = Clock.monotonic()
    }
    tell(.nodes(nodes.fleet.reports))
  }

  /// Leaves every node as it was found.
  mutating func leave() { write(nodes.leave()) }

  mutating func takeRedraw() -> Bool {
    defer { wantsRedraw = false }
    return wantsRedraw
  }
}
