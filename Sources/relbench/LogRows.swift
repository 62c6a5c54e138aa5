import Posix

/// Durable appends compared with those of SQLite, each in its best mode, and with the bare system calls, on the same
/// disk with lines of the same length.
///
/// The sides take turns in short rounds, so that both run under the same load of the machine; the first round only
/// warms up. A ratio is the median of the rounds' ratios.
struct LogRows {
  private let scratch: Scratch
  private let database: String
  private let floor: String

  init(_ scratch: Scratch) throws {
    self.scratch = scratch
    database = try scratch.compile("bench-sqlite", libraries: ["-lsqlite3"])
    floor = try scratch.compile("bench-append", libraries: [])
  }

  func show() throws {
    try compare(
      "durable append, one writer", writers: 1, appends: 1500, lines: 1,
      peers: [
        sqlite("SQLite FULL, WAL kept", "alone", budget: "≥ 1.2"),
        Peer(name: "pwrite, fdatasync", budget: "time ≤ 1.3", isTime: true) { appends, _, start in
          scratch.invocation(
            floor, [scratch.folder + "/floor", String(appends), String(Member.lineLength), start])
        },
      ])
    try compare(
      "durable append, 16 writers waiting", writers: 16, appends: 150, lines: 1,
      peers: [
        sqlite("SQLite behind flock", "locked", budget: "≥ 1.7"),
        sqlite("SQLite", "busy", budget: "≥ 5"),
      ])
    try compare(
      "durable append, groups of 64", writers: 1, appends: 300, lines: 64,
      peers: [sqlite("SQLite, 64 a transaction", "alone", budget: "≥ 1")])
  }

  private struct Peer {
    var name: String
    var budget: String
    /// Whether the ratio is that of the times, not that of the rates.
    var isTime = false
    /// The invocation of one of its processes, which begins at `start`. With 0 appends it only makes its file.
    var run: (_ appends: Int, _ lines: Int, _ start: String) -> Invocation

    func ratio(_ ours: Crew, _ theirs: Crew) -> Double {
      isTime ? theirs.rate / ours.rate : ours.rate / theirs.rate
    }
  }

  private func sqlite(_ name: String, _ mode: String, budget: String) -> Peer {
    Peer(name: name, budget: budget) { appends, lines, start in
      let file = "\(scratch.folder)/\(mode)-\(lines).db"
      let words = [file, mode, String(appends), String(lines), String(Member.lineLength), start]
      return scratch.invocation(database, words)
    }
  }

  private static let rounds = 7

  private func compare(_ what: String, writers: Int, appends: Int, lines: Int, peers: [Peer]) throws
  {
    let log = "\(scratch.folder)/log-\(writers)-\(lines)"
    for peer in peers { _ = try peer.run(0, lines, "0").run() }
    var ours: [Crew] = []
    var theirs = [[Crew]](repeating: [], count: peers.count)
    for _ in 0..<(Self.rounds + 1) {
      ours.append(
        try Crew.run(writers) {
          let words = [Member.write.rawValue, log, String(appends), String(lines), $0]
          return scratch.invocation("relbench", words)
        })
      for (index, peer) in peers.enumerated() {
        theirs[index].append(try Crew.run(writers) { peer.run(appends, lines, $0) })
      }
    }
    ours.removeFirst()
    for (peer, rounds) in zip(peers, theirs) {
      let rounds = Array(rounds.dropFirst())
      Row.show(
        what: what, ours: figures(ours, lines), peer: "\(peer.name) \(figures(rounds, lines))",
        ratio: zip(ours, rounds).map { peer.ratio($0, $1) }.spread, budget: peer.budget)
    }
  }

  private func figures(_ rounds: [Crew], _ lines: Int) -> String {
    let rate = rounds.map { $0.rate * Double(lines) / 1000 }.median
    let slow = rounds.flatMap(\.took).share(0.99)
    return "\(rate.two)k/s, p99 \(slow.short) ms"
  }
}
