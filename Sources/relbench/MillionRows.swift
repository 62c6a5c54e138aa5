import EventLog
import HomeLayout
import Posix

/// The time and memory of commands on a home whose log has a million events.
struct MillionRows {
  private let scratch: Scratch
  private let log: DurableLog

  private static let events = 1_000_000

  init(_ scratch: Scratch) {
    self.scratch = scratch.with(home: "million")
    log = DurableLog(folder: self.scratch.events)
  }

  func show() throws {
    let written = try Stopwatch.time { try History.write(Self.events, to: log) }
    guard let last = try log.lastLine(), let first = try middle(last.sequence) else { return }
    let size = try Files.list(log.folder).filter { $0.hasSuffix(".jsonl") }.reduce(0) {
      $0 + (try Files.info("\(log.folder)/\($1)")?.size ?? 0)
    }
    Row.show(
      what: "\(last.sequence) events written, 1000 at a time",
      ours: "\(size / 1_000_000) MB in \((written / 1000).short) s")
    try ReadRows(log: log).show()
    try listings(Double(last.sequence))
    let opening = try Stopwatch.time { try scratch.run("relctl", "ps") }
    Row.show(what: "first opening, all folded", ours: "\((opening / 1000).two) s")
    let after = String(last.sequence - 10)
    try command("< 100 ms", "reltui", "--once")
    try command("< 20 ms", "relctl", "events", "--after", after)
    try command("–", "relctl", "ps")
    try command("–", "relctl", "ps", "--at", first.time.description)
    try memory("< 12 MB", "reltui", "--once")
    try memory("–", "relctl", "events", "--after", after)
    try command("≤ 6 ms", "relctl", "events", "emit", "bench.tick")
  }

  /// The listings and `events verify` take turns; the first round only warms up.
  private func listings(_ lines: Double) throws {
    let words = [["verify"], ["--app", History.rareApp], ["--json"], ["--after", "0"]]
    var times = [[Double]](repeating: [], count: words.count)
    for round in 0...5 {
      for (index, words) in words.enumerated() {
        let time = try toNowhere("relctl", ["events"] + words)
        if round > 0 { times[index].append(time) }
      }
    }
    let names = words.map { "relctl events " + $0.joined(separator: " ") }
    Row.show(
      what: names[1], ours: "\(times[1].median.short) ms",
      peer: "\(names[0]) \(times[0].median.short) ms",
      ratio: zip(times[1], times[0]).map { $0 / $1 }.spread, budget: "≤ 1.5")
    for index in 2...3 {
      let rates = times[index].map { lines / $0 }
      Row.show(what: names[index], ours: "\(rates.spread)k lines/s", budget: "≥ 400k")
    }
  }

  /// Milliseconds that a program takes with its output discarded.
  private func toNowhere(_ program: String, _ words: [String]) throws -> Double {
    let invocation = scratch.invocation(program, words)
    return try Stopwatch.time {
      let child = try Child.start(invocation, output: .null)
      guard child.wait() == .code(0) else { throw PosixError("run", program, .invalid) }
    }
  }

  private func middle(_ last: UInt64) throws -> Line? {
    var reader = Reader(log, from: try log.cursor(before: last / 2))
    return try reader.next(limit: 1).first
  }

  private func command(_ budget: String, _ words: String...) throws {
    let invocation = scratch.invocation(words[0], Array(words.dropFirst()))
    let bare = scratch.invocation(words[0], ["--version"])
    var (times, least): ([Double], [Double]) = ([], [])
    for _ in 0..<20 {
      times.append(try Stopwatch.time { _ = try invocation.run() })
      least.append(try Stopwatch.time { _ = try bare.run() })
    }
    Row.show(
      what: words.joined(separator: " "), ours: "\(times.spread) ms",
      peer: "its --version \(least.median.short) ms",
      ratio: zip(times, least).map { $0 / $1 }.spread,
      budget: budget)
  }

  private func memory(_ budget: String, _ words: String...) throws {
    let program = "\(scratch.programs)/\(words[0])"
    let answer = try scratch.invocation(
      "relbench", [Member.memory.rawValue, program] + words.dropFirst()
    ).run()
    let bytes = Double(answer.text.split(separator: "\n").first ?? "") ?? 0
    Row.show(
      what: "most memory, " + words.joined(separator: " "),
      ours: "\((bytes / 1_048_576).short) MB", budget: budget)
  }
}
