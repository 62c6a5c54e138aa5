import EventLog
import Posix

/// Durable appends beside SQLite's, each in its best mode, on the same disk with lines of the same length.
///
/// The sides take turns in short rounds, so that both meet the same weather; the first round only warms up. A ratio is
/// the median of the rounds' ratios.
struct LogRows {
  private let scratch: Scratch
  private let peer: String

  init(_ scratch: Scratch) throws {
    self.scratch = scratch
    peer = try scratch.compile("bench-sqlite", libraries: ["-lsqlite3"])
  }

  func show() throws {
    try compare(
      "durable append, one writer", writers: 1, appends: 1500, lines: 1,
      peers: [Peer(name: "SQLite FULL, WAL kept", mode: "alone", budget: "≥ 1.2")])
    try compare(
      "durable append, 16 writers waiting", writers: 16, appends: 150, lines: 1,
      peers: [
        Peer(name: "SQLite behind flock", mode: "locked", budget: "≥ 1.5"),
        Peer(name: "SQLite", mode: "busy", budget: "≥ 5"),
      ])
    try compare(
      "durable append, groups of 64", writers: 1, appends: 300, lines: 64,
      peers: [Peer(name: "SQLite, 64 a transaction", mode: "alone", budget: "≥ 1")])
  }

  private struct Peer {
    var name: String
    var mode: String
    var budget: String
  }

  private static let rounds = 7

  private func compare(_ what: String, writers: Int, appends: Int, lines: Int, peers: [Peer]) throws
  {
    let log = "\(scratch.folder)/log-\(writers)-\(lines)"
    let database = { (peer: Peer) in "\(log)-\(peer.mode).db" }
    for peer in peers { try scratch.run(self.peer, database(peer), peer.mode, "0", "0", "0", "0") }
    var ours: [Crew] = []
    var theirs = [[Crew]](repeating: [], count: peers.count)
    let (count, size) = (String(appends), String(lines))
    for _ in 0..<(Self.rounds + 1) {
      ours.append(
        try Crew.run(writers) {
          scratch.invocation("relbench", [Member.write.rawValue, log, count, size, $0])
        })
      for (index, peer) in peers.enumerated() {
        theirs[index].append(
          try Crew.run(writers) {
            let words = [database(peer), peer.mode, count, size, String(Member.lineLength), $0]
            return scratch.invocation(self.peer, words)
          })
      }
    }
    ours.removeFirst()
    for (peer, rounds) in zip(peers, theirs) {
      let rounds = Array(rounds.dropFirst())
      Row(
        what: what, ours: figures(ours, lines), peer: "\(peer.name) \(figures(rounds, lines))",
        ratio: zip(ours, rounds).map { $0.rate / $1.rate }.median.two, budget: peer.budget
      ).show()
    }
  }

  private func figures(_ rounds: [Crew], _ lines: Int) -> String {
    let rate = rounds.map { $0.rate * Double(lines) / 1000 }.median
    let slow = rounds.flatMap(\.took).share(0.99)
    return "\(rate.two)k/s, p99 \(slow.short) ms"
  }
}
