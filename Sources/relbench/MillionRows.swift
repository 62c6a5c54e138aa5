import EventLog
import HomeFormat
import Posix

/// Looking at a home whose log has a million events.
struct MillionRows {
  private let scratch: Scratch
  private let log: EventLog

  private static let events = 1_000_000

  init(_ scratch: Scratch) {
    self.scratch = scratch.with(home: "million")
    log = EventLog(folder: self.scratch.events)
  }

  func show() throws {
    let written = try Stopwatch.time { try History.write(Self.events, to: log) }
    guard let last = try log.lastLine(), let first = try middle(last.sequence) else { return }
    let size = try Files.list(log.folder).filter { $0.hasSuffix(".jsonl") }.reduce(0) {
      $0 + (try Files.info("\(log.folder)/\($1)")?.size ?? 0)
    }
    Row(
      what: "\(last.sequence) events written, 1000 at a time",
      ours: "\(size / 1_000_000) MB in \((written / 1000).short) s"
    ).show()
    try ReadRows(log: log).show()
    let opening = try Stopwatch.time { try scratch.run("relctl", "ps") }
    Row(what: "first opening, all folded", ours: "\((opening / 1000).two) s").show()
    let after = String(last.sequence - 10)
    try command("< 100 ms", "reltui", "--once")
    try command("< 20 ms", "relctl", "events", "--after", after)
    try command("–", "relctl", "ps")
    try command("–", "relctl", "ps", "--at", first.time.description)
    try memory("< 12 MB", "reltui", "--once")
    try memory("–", "relctl", "events", "--after", after)
  }

  /// The first line of the segment in the middle.
  private func middle(_ last: UInt64) throws -> Line? {
    var reader = Reader(log, from: try log.cursor(before: last / 2))
    return try reader.next(limit: 1).first
  }

  private func command(_ budget: String, _ words: String...) throws {
    let invocation = scratch.invocation(words[0], Array(words.dropFirst()))
    let times = try Stopwatch.times(20) { _ = try invocation.run() }
    let bare = scratch.invocation(words[0], ["--version"])
    let least = try Stopwatch.times(20) { _ = try bare.run() }
    Row(
      what: words.joined(separator: " "), ours: "\(times.median.short) ms",
      peer: "its --version \(least.median.short) ms", ratio: (times.median / least.median).two,
      budget: budget
    ).show()
  }

  private func memory(_ budget: String, _ words: String...) throws {
    let program = "\(scratch.programs)/\(words[0])"
    let answer = try scratch.invocation(
      "relbench", [Member.memory.rawValue, program] + words.dropFirst()
    ).run()
    let bytes = Double(answer.text.split(separator: "\n").first ?? "") ?? 0
    Row(
      what: "most memory, " + words.joined(separator: " "),
      ours: "\((bytes / 1_048_576).short) MB", budget: budget
    ).show()
  }
}
