import ConfigStore
import Events
import HomeLayout
import Journal
import Posix
import Redaction

/// The cost of masking config vars in an append, with the sets of one app and with those of a thousand.
struct MaskRows {
  let scratch: Scratch

  private static let appends = 500
  private static let runs = 40

  func show() throws {
    let few = try home(apps: 1)
    let many = try home(apps: 1000)
    try row("append, 1000 apps with config vars", budget: "≤ 1.2", few, many) { home in
      let journal = EventJournal(home: home, program: "relbench")
      func append() throws {
        try journal.append(.agentStarted, app: "shop", EventData { $0.by = "ana" })
      }
      try append()
      return try Stopwatch.times(Self.appends, append)
    }
    try row("one relctl events emit, 1000 apps", budget: "≤ 6 ms", few, many) { home in
      func emit() throws {
        try scratch.run("relctl", "events", "emit", "bench.tick", "--home", home.root)
      }
      try emit()
      return try Stopwatch.times(Self.runs, emit)
    }
  }

  private func row(
    _ what: String, budget: String, _ few: Home, _ many: Home,
    _ measure: (Home) throws -> [Double]
  ) throws {
    // The two take turns, so that both run under the same load of the machine.
    var times: [(few: Double, many: Double)] = []
    for _ in 0..<5 { times.append((try measure(few).median, try measure(many).median)) }
    let (ours, peer) = (times.map(\.many).median, times.map(\.few).median)
    Row.show(
      what: what, ours: "\(ours.two) ms", peer: "1 app \(peer.two) ms",
      ratio: times.map { $0.many / $0.few }.median.two, budget: budget)
  }

  /// A home with apps that have two sets of five config vars each.
  private func home(apps: Int) throws -> Home {
    let home = Home(root: "\(scratch.folder)/mask-\(apps)")
    for app in 0..<apps {
      let store = ConfigSets(home: home, app: "app\(app)")
      for set in 0..<2 {
        let values = (0..<5).map {
          ("VAR_\($0)", "value-\(app)-\($0 == 0 ? set : 0)-\(Random.hex(8))")
        }
        _ = try store.save(ConfigSet(Dictionary(uniqueKeysWithValues: values)))
      }
    }
    return home
  }
}
