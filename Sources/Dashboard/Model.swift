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

    public init(
      host: String, user: String, home: String, isReadOnly: Bool = false, isPast: Bool = false
    ) {
      (self.host, self.user, self.home) = (host, user, home)
      (self.isReadOnly, self.isPast) = (isReadOnly || isPast, isPast)
    }
  }

  public let setting: Setting
  public internal(set) var board = Board()
  public internal(set) var isAgentAlive = false
  public internal(set) var now: Timestamp
  /// Seconds east of UTC of the clocks on the screen.
  var utcOffset: Int
  public internal(set) var size: Size
  public internal(set) var view = ViewName.releases
  /// The app that keys act on and that the views of one app show.
  public internal(set) var app: String?
  /// Whether the selection is among the app's instances, below the list.
  var isInside = false
  var run: RunChoice?
  /// The first row shown, of views that do not follow their end.
  var tops: [ViewName: Int] = [:]
  var filters: [ViewName: String] = [:]
  var mode = Mode.normal
  /// What a key had to say; the next key takes it away.
  var notice: Notice?
  /// What stays wrong until it is mended.
  var alert: String?
  var events = Feed<Event>(limit: 1000)
  var output = Output()
  var manifests: [String: KnownManifest] = [:]
  /// Our own requests that no outcome has ended yet, in words, by id.
  var requests: [String: String] = [:]

  public init(setting: Setting, size: Size, now: Timestamp, utcOffset: Int = 0) {
    self.setting = setting
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

/// Who gets the keys.
enum Mode: Sendable {
  case normal
  /// A filter is being typed; `before` is what Esc brings back.
  case filter(before: String?)
  case help(top: Int)
  case question(Confirmation)

  var context: Command.Context {
    switch self {
    case .normal: .views
    case .filter: .filter
    case .help: .help
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

  /// The rows that pass, with their numbers.
  func matching(_ passes: (Row) -> Bool) -> [(number: Int, row: Row)] {
    rows.enumerated().compactMap { index, row in passes(row) ? (dropped + index, row) : nil }
  }
}
