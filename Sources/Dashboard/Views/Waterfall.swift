import NodeModel

/// A boot beside its plan: when each application was started and how long it took.
struct Waterfall {
  struct Row {
    enum State: String {
      case running, starting, planned
      /// The node has booted without starting it.
      case notStarted = "not started"
    }

    var application: String
    var state: State
    /// Milliseconds from the first look; nil if the application had started before.
    var start: Double?
    var milliseconds: Int64?
    /// Milliseconds in the last boot of the same release.
    var last: Int?
  }

  private(set) var rows: [Row] = []
  /// Milliseconds that the bars' width stands for.
  private(set) var scale: Double
  let boot: BootTimeline

  /// - Parameter planned: the applications in the order in which they are to be started.
  init(_ boot: BootTimeline, planned: [String], last: [String: Int]?) {
    self.boot = boot
    // The last boot's length keeps the bars from shrinking during this one.
    let lastTotal = (last ?? [:]).values.reduce(0.0) { $0 + Double(max(0, $1)) }
    scale = max(1, boot.isFinished ? 0 : lastTotal)
    var seen: [String: Row] = [:]
    for name in boot.before {
      seen[name] = Row(application: name, state: .running, last: last?[name])
    }
    var passed = 0.0
    for step in boot.steps {
      seen[step.application] = Row(
        application: step.application, state: step.isRunning ? .running : .starting,
        start: passed, milliseconds: step.milliseconds, last: last?[step.application])
      passed += Double(max(0, step.milliseconds))
    }
    scale = max(scale, passed)
    let missing = boot.isFinished ? Row.State.notStarted : .planned
    var listed: Set<String> = []
    for name in planned + boot.before + boot.steps.map(\.application) {
      guard listed.insert(name).inserted else { continue }
      rows.append(seen[name] ?? Row(application: name, state: missing, last: last?[name]))
    }
  }

  /// Whether the time of any application is known.
  var hasTimes: Bool { !boot.steps.isEmpty }

  /// The bar of a row: blanks up to where it began, then blocks, the last one in eighths.
  func bar(of row: Row, width: Int) -> String {
    guard let start = row.start, let length = row.milliseconds, width > 0 else { return "" }
    func cells(_ moment: Double, _ count: Int) -> Double {
      min(1, max(0, moment / scale)) * Double(count)
    }
    let from = min(width - 1, Int(cells(start, width)))
    let to = Int(cells(start + Double(max(0, length)), width * 8).rounded())
    let filled = min(max(1, to - from * 8), (width - from) * 8)
    let rest = filled % 8
    let blocks = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    return String(repeating: " ", count: from) + String(repeating: "█", count: filled / 8)
      + blocks[rest]
  }
}
