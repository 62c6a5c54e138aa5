import CommandLine
import Dashboard
import EventLog
import Journal
import Observation
import Posix
import ReleaseModel
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
  private(set) var isOver = false
  private(set) var isDiskFull = false
  private(set) var wantsRedraw = false

  /// Lines of output that a view begins with.
  private static let firstLines = 1000

  init(_ options: Options, _ context: Context, size: Size) {
    self.context = context
    home = options.home
    journal = Journal(home: home, program: "reltui")
    follower = Follower(journal)
    agent = AgentWatch(home: home)
    let now = Clocks.now
    let setting = Model.Setting(
      host: User.host, user: User.name(environment: context.environment), home: home.root,
      isReadOnly: options.isReadOnly)
    model = Model(
      setting: setting, size: size, now: now, utcOffset: Clocks.utcOffset(at: now))
  }

  /// Reads what there is and shows the view that was asked for.
  mutating func begin(_ options: Options) throws(Cause) {
    readLog()
    if let app = options.app, !model.select(app: app) {
      throw Cause(.appUnknown, "there is no app '\(app)'")
    }
    carryOut(model.show(options.view))
  }

  var reports: [InstanceReport] {
    model.board.apps.values.sorted { $0.name < $1.name }
      .flatMap { InstanceReport.all(of: $0, host: User.host) }
  }

  mutating func tell(_ message: Message) { carryOut(model.update(message)) }

  mutating func tellTime() {
    let now = Clocks.now
    tell(.clock(now, utcOffset: Clocks.utcOffset(at: now)))
  }

  /// Folds in what came, and lays over it what the runs say themselves.
  mutating func readLog() {
    do throws(Cause) {
      let events = try follower.take()
      look()
      if !events.isEmpty { tell(.events(events)) }
      // A new run has a new folder, which may be the first that can be watched.
      if output?.descriptor == nil { readOutput() }
    } catch {
      tell(.alert("The event log cannot be read: \(error.sentence)"))
    }
  }

  /// Looks at the runs and the agent again; the log may say nothing when one of them is killed.
  mutating func look() {
    agent.look(follower.board)
    tell(.agent(isAlive: agent.isAlive))
    tell(.board(Situation.overlay(follower.board, home: home)))
    let shortage = Situation.shortage(of: home)
    isDiskFull = shortage != nil
    tell(.alert(shortage.map { "\($0.sentence) [\($0.id)]" } ?? Self.words(for: follower.damage)))
  }

  mutating func readOutput() {
    let lines = output?.next() ?? []
    if !lines.isEmpty { tell(.lines(lines)) }
  }

  /// Takes what the starting agent said.
  mutating func readStart() {
    guard let outcome = starting?.read() else { return }
    starting = nil
    if let cause = outcome { tell(.failed(cause)) }
    look()
  }

  private static func words(for damage: [Damage]) -> String? {
    let damage = damage.filter { !$0.isMissing }
    guard let first = damage.first else { return nil }
    let places = damage.count == 1 ? "1 place" : "\(damage.count) places"
    return "The event log is damaged in \(places), first in \(Files.name(of: first.path)) "
      + "at byte \(first.offset); what is readable is shown."
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

  mutating func takeRedraw() -> Bool {
    defer { wantsRedraw = false }
    return wantsRedraw
  }
}
