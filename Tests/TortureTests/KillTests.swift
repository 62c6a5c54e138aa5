import EventLog
import Posix
import Synchronization
import TestSupport
import Testing

/// Four streaming writers, of which one is killed each round, and readers beside them.
@Suite struct TortureByKilling {
  /// A log of some rounds each, so that the long form needs no more room than the short one.
  @Test func killedWriters() throws {
    let rounds = Torture.rounds ?? 40
    var rolls = 0
    for start in stride(from: 0, to: rounds, by: 50) {
      rolls += try Killing(seed: UInt64(start + 1)).run(rounds: min(50, rounds - start))
    }
    #expect(rolls > 0)
  }
}

private final class Killing: Sendable {
  let rack: Rack
  let writers: [Streamer]
  let isOver = Mutex(false)
  let seed: UInt64

  init(seed: UInt64) throws {
    // Without this, writing to a writer that was killed would end the test.
    Signals.turnWriteFailuresIntoErrors()
    self.seed = seed
    let rack = try Rack("killing", inMemory: false)
    self.rack = rack
    writers = (0..<4).map { Streamer(rack, name: "\($0)", seed: seed &* 31 &+ UInt64($0)) }
  }

  /// - Returns: how many segments there came to be.
  func run(rounds: Int) throws -> Int {
    let seen = Mutex<[[Line]]>([])
    Threads.run(7) { [self] index in
      switch index {
      case 0..<4: writers[index].run(until: isOver)
      case 4, 5:
        let lines = Result { try self.follow(isWatching: index == 4) }
        if let lines = try? lines.get() { seen.withLock { $0.append(lines) } }
      default: kill(rounds)
      }
    }
    let acknowledged = writers.map(\.acknowledged).reduce(into: [UInt64: String]()) {
      $0.merge($1) { _, _ in
        Issue.record("a number was acknowledged twice")
        return ""
      }
    }
    let lines = try rack.check(acknowledged)
    #expect(acknowledged.count > rounds * 4)
    #expect(writers.map(\.deaths).reduce(0, +) >= rounds)
    inOrder(lines)
    let readings = seen.withLock { $0 }
    #expect(readings.count == 2, "a reader failed")
    for reading in readings { #expect(reading == Array(lines.prefix(reading.count))) }
    #expect(readings.allSatisfy { $0.count >= acknowledged.count })
    let next = try rack.emit(["next"])
    #expect(next.numbers == [UInt64(lines.count + 1)])
    try rack.check(acknowledged, mayBeUnfinished: false)
    return try rack.log.segments().count
  }

  /// Each life of a writer has its lines in the order in which it was fed them.
  private func inOrder(_ lines: [Line]) {
    var last: [Substring: Int] = [:]
    for line in lines {
      let parts = Rack.key(line).split(separator: "-")
      guard parts.count == 2, let number = Int(parts[1]) else {
        Issue.record("\(Rack.key(line)) was never sent")
        continue
      }
      #expect(number == last[parts[0], default: 0] + 1)
      last[parts[0]] = number
    }
  }

  /// Ends one writer after the other, most of the time while it writes.
  private func kill(_ rounds: Int) {
    var random = Scramble(seed)
    for _ in 0..<rounds {
      let victim = writers[Int.random(in: 0..<4, using: &random)]
      let deaths = victim.deaths
      if Int.random(in: 0..<8, using: &random) > 0 { victim.waitForAcknowledgement() }
      Clock.pause(milliseconds: Int64.random(in: 0...12, using: &random))
      _ = eventually {
        victim.kill()
        return victim.deaths > deaths
      }
    }
    isOver.withLock { $0 = true }
  }

  private func follow(isWatching: Bool) throws -> [Line] {
    var (reader, lines) = (Reader(rack.log), [Line]())
    var watch = isWatching ? Watch(rack.log) : nil
    while true {
      let isLast = isOver.withLock { $0 } && writers.allSatisfy(\.isDone)
      _ = watch?.hasChanged()
      let new = try reader.next()
      lines += new
      if isLast, new.isEmpty { break }
      if new.isEmpty {
        _ = try Poll.wait([watch?.descriptor].compactMap { $0 ?? nil }, milliseconds: 2)
      }
    }
    #expect(reader.damage == [])
    return lines
  }
}

/// A writer that is started anew whenever it dies.
private final class Streamer: Sendable {
  private struct State {
    var child: Child?
    var acknowledged: [UInt64: String] = [:]
    var ofThisLife = 0
    var deaths = 0
    var isDone = false
  }

  private let rack: Rack
  private let name: String
  private let seed: UInt64
  private let state = Mutex(State())

  init(_ rack: Rack, name: String, seed: UInt64) {
    (self.rack, self.name, self.seed) = (rack, name, seed)
  }

  var acknowledged: [UInt64: String] { state.withLock { $0.acknowledged } }
  var deaths: Int { state.withLock { $0.deaths } }
  var isDone: Bool { state.withLock { $0.isDone } }

  func waitForAcknowledgement() {
    _ = eventually { state.withLock { $0.ofThisLife > 0 } }
  }

  /// Under the lock, so that the number is not given to another process while a thread waits for its end.
  func kill() { state.withLock { $0.child?.signal(.kill) } }

  func run(until isOver: borrowing Mutex<Bool>) {
    var random = Scramble(seed)
    var life = 0
    while !isOver.withLock({ $0 }) {
      life += 1
      do { try live("\(name).\(life)", isOver, &random) } catch {
        Issue.record("a writer could not be started: \(error)")
        break
      }
    }
    state.withLock { $0.isDone = true }
  }

  private func live(
    _ life: String, _ isOver: borrowing Mutex<Bool>, _ random: inout Scramble
  ) throws {
    let conversation = try Conversation(rack)
    state.withLock { ($0.child, $0.ofThisLife) = (conversation.child, 0) }
    talk(life, conversation, isOver, &random)
    state.withLock {
      $0.child?.signal(.kill)
      // From now on its number may come to be another's.
      $0.child = nil
    }
    let answer = try conversation.finish()
    state.withLock {
      for (index, number) in answer.numbers.enumerated() {
        let before = $0.acknowledged.updateValue("\(life)-\(index + 1)", forKey: number)
        if before != nil { Issue.record("number \(number) was acknowledged twice") }
      }
      $0.deaths += 1
    }
  }

  /// Feeds bursts of lines and waits for their numbers, until it is dead or all is over.
  private func talk(
    _ life: String, _ conversation: Conversation, _ isOver: borrowing Mutex<Bool>,
    _ random: inout Scramble
  ) {
    var (sent, heard) = (0, 0)
    while !isOver.withLock({ $0 }) {
      var burst = ""
      for _ in 0..<Int.random(in: 1...5, using: &random) {
        sent += 1
        let isLong = Int.random(in: 0..<8, using: &random) == 0
        burst += Rack.line(
          "\(life)-\(sent)", pad: Int.random(in: 0...(isLong ? 60_000 : 400), using: &random))
      }
      if !conversation.send(burst) { return }
      while heard < sent {
        if conversation.next() == nil { return }
        heard += 1
        state.withLock { $0.ofThisLife += 1 }
      }
    }
  }
}
