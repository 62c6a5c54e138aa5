import Events
import HomeLayout
import NodeModel
import ReleaseModel
import Terminal

/// Everything that the dashboard knows and shows, as one value. What happens outside arrives as a `Message`, and what
/// is to be done outside is returned as an `Effect`. The screen is a function of the model.
public struct Model: Sendable {
  /// What the program was started with.
  public struct Setting: Sendable {
    public var host: String
    /// The operator's name, which every request carries.
    public var user: String
    /// The folder of the home, for the words of an empty screen.
    public var home: String
    public var isReadOnly: Bool
    /// Whether the past is shown: nothing can be changed, and the clock stands still.
    public var isPast: Bool
    /// Whether nodes were named on the command line: then only these are watched.
    public var namesNodes: Bool

    public init(
      host: String, user: String, home: String, isReadOnly: Bool = false, isPast: Bool = false,
      namesNodes: Bool = false
    ) {
      (self.host, self.user, self.home) = (host, user, home)
      (self.isReadOnly, self.isPast) = (isReadOnly || isPast, isPast)
      self.namesNodes = namesNodes
    }
  }

  public let setting: Setting
  // What is known.
  public internal(set) var board = Board()
  public internal(set) var isAgentAlive = false
  public internal(set) var nodes: [NodeReport] = []
  var events = Feed<Event>(limit: 1000)
  var manifests: [String: KnownManifest] = [:]
  /// Requests of this dashboard that have no outcome yet, in words, by id.
  var requests: [String: String] = [:]
  public internal(set) var clock: WallClock
  // What is shown.
  public internal(set) var size: Size
  public internal(set) var view: ViewName
  /// Whether the operator has chosen no view yet, so that nodes may take the place of an empty list of apps.
  var isViewOpen: Bool
  var selection = Selection()
  var lists: [Page: ListPosition] = [:]
  var logs = LogReading()
  var mode = Mode.normal
  /// The answer to a key; the next key removes it.
  var notice: Notice?
  /// A problem that stays on the screen until it is solved.
  var alert: String?

  public init(setting: Setting, size: Size, now: Timestamp, utcOffset: Int = 0) {
    self.setting = setting
    view = setting.namesNodes ? .nodes : .apps
    isViewOpen = !setting.namesNodes && !setting.isPast
    self.size = size
    clock = WallClock(now: now, utcOffset: utcOffset)
  }

  /// The app that keys act on and that the views of one app show.
  public var app: String? { selection.app }
}

/// The time, and how the clocks on the screen write it.
public struct WallClock: Sendable {
  public var now: Timestamp
  /// Seconds east of UTC.
  var utcOffset: Int
}

/// What keys act on, and the pages that are open.
struct Selection: Sendable {
  var app: String?
  /// Whether the cursor is among the app's instances, below the list.
  var isInside = false
  var run: RunChoice?
  /// The node that the operator chose; nil for that of the selected app.
  var node: NodeChoice?
  /// The application in the OTP apps view.
  var application: String?
  /// The node whose settings are open in the Nodes view, by its report's id.
  var openSettings: String?
  /// The supervision tree that is open in the OTP apps view.
  var openTree: NodeAttention.Tree?
}

/// The position of a list, and the filter of its rows.
struct ListPosition: Sendable {
  /// The first line shown; nil for a list that the operator has not scrolled.
  var top: Int?
  /// The text that rows must contain.
  var text: String?

  var filter: Filter { Filter(text) }
}

/// What the Logs view reads.
struct LogReading: Sendable {
  var output = Output()
  var node = NodeLog()
  /// Whether the node's own log is shown rather than the output, if there are both.
  var prefersNode = false
  /// The least severe level that is shown of a node's log; nil for all.
  var leastLevel: NodeLogLine.Level?
  var search = Search()
}

/// The views, in the order of their tabs.
public enum ViewName: String, CaseIterable, Sendable {
  case apps, nodes
  case otpApps = "otp-apps"
  case boot, logs, events, previews

  /// - Parameter word: a view's name; `releases` is an older name of `apps`.
  public init?(word: String) { self.init(rawValue: word == "releases" ? "apps" : word) }

  /// The name on its tab.
  public var title: String {
    switch self {
    case .apps: "Apps"
    case .nodes: "Nodes"
    case .otpApps: "OTP apps"
    case .boot: "Boot"
    case .logs: "Logs"
    case .events: "Events"
    case .previews: "Previews"
    }
  }

  /// The key of its tab.
  var digit: Character {
    switch self {
    case .apps: "1"
    case .nodes: "2"
    case .otpApps: "3"
    case .boot: "4"
    case .logs: "5"
    case .events: "6"
    case .previews: "8"
    }
  }
}

/// A view, or a page that is open in one. Each has a list with a filter and a position of its own.
enum Page: Hashable, Sendable {
  case view(ViewName)
  case settings, tree
}

/// The mode of the dashboard, which decides what keys do.
enum Mode: Sendable {
  case normal
  /// A text is being typed; Esc brings `before` back.
  case typing(Field, before: String?)
  case help(top: Int)
  case choice(LevelChoice)
  case question(Confirmation)

  /// The purpose of a typed text.
  enum Field: Sendable {
    case filter, search
  }

  var isTyping: Bool { if case .typing = self { true } else { false } }

  /// The groups whose commands keys run now.
  var groups: Set<KeyCommand.Group> {
    switch self {
    case .normal: [.act, .show, .move]
    case .typing: [.typing]
    case .help: [.help]
    case .choice: [.choice]
    case .question: [.question]
    }
  }
}

/// A line that answers a key.
struct Notice: Equatable, Sendable {
  var text: String
  var role: Role = .text
}

/// The selected run. When it has ended, the newest run of its instance is selected instead.
struct RunChoice: Equatable, Sendable {
  var id: UInt64
  var instance: InstanceName
}

/// The selected node. When a run has ended, the node of its instance's newest run is selected.
struct NodeChoice: Equatable, Sendable {
  var id: String
  var app: String?
  var instance: InstanceName?

  init(_ report: NodeReport) {
    id = report.id
    if case .run(let app, let instance, _, _) = report.origin {
      (self.app, self.instance) = (app, instance)
    }
  }
}

/// What is known of a slug's manifest.
enum KnownManifest: Sendable {
  /// It is being read.
  case asked
  /// Without its list of files, which no view shows.
  case read(Manifest)
  case unreadable(Cause)
}

/// A line of the Logs view.
enum LogEntry: Sendable {
  case output(OutputLine)
  /// A line of a message in a node's log; only the first line of a message shows its head.
  case line(NodeLogLine, isFirst: Bool)
  case lost(Int)
  /// The log was not read for a while.
  case gap
}

/// The last lines of output and where they come from.
struct Output: Sendable {
  struct Source: Equatable, Sendable {
    var app: String
    var instance: InstanceName?
  }

  var source: Source?
  var lines = Feed<LogEntry>(limit: 2000)
}

/// The last lines of one node's log.
struct NodeLog: Sendable {
  /// The id of the node's report.
  var node: String?
  var lines = Feed<LogEntry>(limit: 2000)
  /// Whether reading has stopped: the next lines do not follow the last ones kept.
  var isInterrupted = false
}

/// A text that is looked for in the lines of the Logs view.
struct Search: Sendable {
  var text = ""
  /// The number of the line that was found last.
  var found: Int?
}
