import EventLog
import Posix

/// The time from an append until a follower sees it, and the cost of waiting.
struct FollowRows {
  let scratch: Scratch

  private static let events = 2000
  /// Milliseconds.
  private static let idle: Int64 = 3000

  func show() throws {
    let folder = scratch.folder + "/followed"
    try DurableLog(folder: folder).append(Member.event())
    let count = String(Self.events)
    let (follower, output) = try scratch.invocation(
      "relbench", [Member.follow.rawValue, folder, count]
    ).startPiped(errors: .inherited)
    _ = try output.read(upTo: 64)
    // It prints a line just before it waits.
    _ = try Poll.wait([output.descriptor], milliseconds: 100)
    let before = try Usage.work(of: follower.pid)
    _ = try Poll.wait([output.descriptor], milliseconds: Self.idle)
    let after = try Usage.work(of: follower.pid)
    let start = String(Stopwatch.now() + 100_000_000)
    try scratch.run("relbench", Member.pulse.rawValue, folder, count, start)
    let text = String(decoding: try output.readToEnd(), as: UTF8.self)
    _ = follower.wait()
    let took = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }.map { $0 / 1e6 }
    Row.show(
      what: "from append to follower",
      ours: "p50 \(took.median.two) p99 \(took.share(0.99).two) ms")
    Row.show(
      what: "follower, 3 s without events",
      ours: "\(after.ticks - before.ticks) ticks, \(after.sleeps - before.sleeps) wake-ups",
      budget: "0")
  }
}
