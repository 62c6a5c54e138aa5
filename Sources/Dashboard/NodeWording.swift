import NodeModel

/// Words about nodes.
extension Wording {
  /// `up`, `booting`, `not asked`.
  static func state(of node: NodeReport) -> String {
    switch node.state {
    case .idle: return "not asked"
    case .connecting: return "connecting"
    case .silent: return "silent"
    case .down: return node.isShut ? "no access" : "down"
    case .up:
      if node.snapshot?.status == "stopping" { return "stopping" }
      return node.isBooting ? "booting" : "up"
    }
  }

  /// `greeter web.1`, `pid 812`, `given`.
  static func origin(of node: NodeReport) -> String {
    switch node.origin {
    case .run(let app, let instance, _, _): "\(app) \(instance)"
    case .given: "given"
    case .found(let pid): "pid \(pid)"
    }
  }

  /// Why a node cannot be asked; nil for one that is up.
  static func hindrance(of node: NodeReport) -> String? {
    if let cause = node.cause, node.state != .up { return cause.sentence }
    switch node.state {
    case .up: return nil
    case .idle: return "It has not been asked yet."
    case .connecting: return "Connecting to it …"
    case .silent: return "It does not answer."
    case .down: return "It is down."
    }
  }

  /// `14/22`, or the application that is being started.
  static func applications(of node: NodeReport) -> String {
    if node.isBooting, let current = node.boot?.current { return "booting: \(current)" }
    guard let all = node.snapshot?.applications else { return "–" }
    let running = all.reduce(0) { $0 + ($1.state == .running ? 1 : 0) }
    return "\(running)/\(all.count)"
  }

  /// `14/22`: the progress of a boot, by the count of applications that run.
  static func progress(_ boot: BootTimeline, of total: Int?) -> String {
    let running = boot.before.count + boot.steps.reduce(0) { $0 + ($1.isRunning ? 1 : 0) }
    return total.map { "\(running)/\(max(running, $0))" } ?? "\(running)"
  }

  /// `1,048,576`
  static func number(_ number: some BinaryInteger) -> String {
    let digits = Array("\(number.magnitude)")
    var text = number < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }

  static func milliseconds(_ count: some BinaryInteger) -> String { number(max(0, count)) + " ms" }

  /// `412`, `1.2k`, `245k 93%`: coarse, with the percentage of the limit when that is high.
  static func usage(_ usage: NodeSnapshot.Usage) -> String {
    usage.isHigh ? "\(count(usage.count)) \(percent(usage))%" : count(usage.count)
  }

  /// `412`, `1.2k`, `262k`, `1.0M`
  static func count(_ count: Int) -> String {
    let count = max(0, count)
    switch count {
    case ..<1000: return "\(count)"
    case ..<10_000: return "\(count / 1000).\(count / 100 % 10)k"
    case ..<1_000_000: return "\(count / 1000)k"
    case ..<10_000_000: return "\(count / 1_000_000).\(count / 100_000 % 10)M"
    default: return "\(count / 1_000_000)M"
    }
  }

  static func percent(_ usage: NodeSnapshot.Usage) -> Int {
    guard usage.limit > 0 else { return 0 }
    return Int(min(999, max(0, Double(usage.count) / Double(usage.limit) * 100)))
  }
}
