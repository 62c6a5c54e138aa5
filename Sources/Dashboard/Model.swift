import Events
import HomeLayout
import NodeModel
import ReleaseModel
import Terminal

/// Everything the dashboard knows and shows. A value: what arrives is a `Message`, what is to be
/// done outside is an `Effect`, and the screen is a function of it.
public struct Model: Sendable {
  /// What the program was started with.
  public struct Setting: Sendable {
    public var host: String
    /// Who presses the keys; requests carry it.
    public var user: String
    /// The folder of the home, for the words of an empty screen.
    public var home: String
    public var isReadOnly: Bool
    /// Whether what is shown is over; nothing can be asked of it, and the clock stands.
    public var isPast: Bool
    /// Whether nodes were named on the command line: they are what is looked at.
    public var namesNodes: Bool

    public init(
      host: String, user: String, home: String, isReadOnly: Bool = false, isPast: Bool = false,
      namesNodes: Bool = false
    ) {
      (self.host, self.user, self.home) = (host, user, home)
      (self.isReadOnly, self.isPast) = (isReadOnly || isPast, isPast)
      self.namesNodes = namesNodes
    }

    /// The view for whoever asked for none.
    public var firstView: ViewName { namesNodes ? .nodes : .releases }
  }

  public let setting: Setting
  public internal(set) var board = Board()
  public internal(set) var isAgentAlive = false
  public internal(set) var now: Timestamp
  /// Seconds east of UTC of the clocks on the screen.
  var utcOffset: Int
  public internal(set) var size: Size
  public internal(set) var view: ViewName
  /// The app that keys act on and that the views of one app show.
  public internal(set) var app: String?
  /// Whether the selection is among the app's instances, below the list.
  var isInside = false
  var run: RunChoice?
  public internal(set) var nodes: [NodeReport] = []
  /// The node that somebody chose; nil for that of the selected app.
  var nodeChoice: NodeChoice?
  /// The node whose settings are opened in the Nodes view, by its report's id.
  var openSettings: String?
  /// The application that keys act on in the OTP apps view.
  var application: String?
  /// The supervision tree that is opened there.
  var openTree: NodeAttention.Tree?
  /// The first line shown, of lists that do not follow their end.
  var tops: [Place: Int] = [:]
  var filters: [Place: String] = [:]
  var mode = Mode.normal
  /// What a key had to say; the next key takes it away.
  var notice: Notice?
  /// What stays wrong until it is mended.
  var alert: String?
  var events = Feed<Event>(limit: 1000)
  var output = Output()
  var nodeLog = NodeLog()
  /// Whether the Logs view would rather show a node's own log than the output.
  var prefersNodeLog = false
  /// The least severe level that is shown of a node's log; nil for all.
  var leastLevel: NodeLogLine.Level?
  var find = Find()
  var manifests: [String: KnownManifest] = [:]
  /// Our own requests that no outcome has ended yet, in words, by id.
  var requests: [String: String] = [:]

  public init(setting: Setting, size: Size, now: Timestamp, utcOffset: Int = 0) {
    self.setting = setting
    view = setting.firstView
    self.size = size
    self.now = now
    self.utcOffset = utcOffset
  }
}

/// The views, in the order of their tabs.
public enum ViewName: String, CaseIterable, Sendable {
  case releases, nodes, apps, boot, logs, events

  /// The name on its tab.
  public var title: String {
    switch self {
    case .releases: "Releases"
    case .nodes: "Nodes"
    case .apps: "OTP apps"
    case .boot: "Boot"
    case .logs: "Logs"
    case .events: "Events"
    }
  }

  /// The key of its tab.
  var digit: Character {
    switch self {
    case .releases: "1"
    case .nodes: "2"
    case .apps: "3"
    case .boot: "4"
    case .logs: "5"
    case .events: "6"
    }
  }
}

/// A list with a filter and a window of its own: a view, or a page that is opened in it.
enum Place: Hashable, Sendable {
  case view(ViewName)
  case settings
  case tree
}

/// Who gets the keys.
enum Mode: Sendable {
  case normal
  /// A text is being typed; `before` is what Esc brings back.
  case typing(Field, before: String?)
  case help(top: Int)
  case choice(LevelChoice)
  case question(Confirmation)

  /// What a text is typed for.
  enum Field: Sendable {
    case filter
    case find
  }

  var context: Command.Context {
    switch self {
    case .normal: .views
    case .typing: .typing
    case .help: .help
    case .choice: .choice
    case .question: .question
    }
  }
}

/// A line that tells how something came out.
struct Notice: Equatable, Sendable {
  var text: String
  var role: Role = .text
}

/// The run that is selected. It is found again by its instance when it has ended and another took
/// its place.
struct RunChoice: Equatable, Sendable {
  var id: UInt64
  var instance: InstanceName
}

/// The node that is selected. A run's is found again by its instance when another took its place.
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
  case asked
  case read(OTPRelease?)
  case unreadable(Cause)
}

/// The output lines of the Logs view and where they come from.
struct Output: Sendable {
  struct Source: Equatable, Sendable {
    var app: String
    var instance: InstanceName?
  }

  var source: Source?
  var lines = Feed<OutputLine>(limit: 2000)
}

/// The log of one node, as far as it is kept.
struct NodeLog: Sendable {
  enum Entry: Sendable {
    /// A line of a message; only its first has the head.
    case line(NodeLogLine, isFirst: Bool)
    case lost(Int)
    /// Nobody read the log for a while.
    case gap
  }

  /// The id of the node's report.
  var node: String?
  var entries = Feed<Entry>(limit: 2000)
  /// Whether it is not read now: what comes next does not follow what is there.
  var isInterrupted = false
}

/// What is looked for in the lines of the Logs view.
struct Find: Sendable {
  var text = ""
  /// The number of the line that was found last.
  var found: Int?
}

/// The newest of a stream of rows, with a window that follows the end or stands still.
struct Feed<Row: Sendable>: Sendable {
  let limit: Int
  private(set) var rows: [Row] = []
  /// How many rows have been dropped from the front: row `i` has the number `dropped + i`.
  private(set) var dropped = 0
  /// The number of the first row shown; nil follows the end.
  var top: Int?

  init(limit: Int) { self.limit = limit }

  mutating func append(_ new: [Row]) {
    rows += new
    let excess = rows.count - limit
    if excess > 0 {
      rows.removeFirst(excess)
      dropped += excess
    }
  }

  /// Replaces the last row, if there is one.
  mutating func amendLast(_ row: Row) {
    if !rows.isEmpty { rows[rows.count - 1] = row }
  }

  /// The rows that pass, with their numbers.
  func matching(_ passes: (Row) -> Bool) -> [(number: Int, row: Row)] {
    rows.enumerated().compactMap { index, row in passes(row) ? (dropped + index, row) : nil }
  }
}
