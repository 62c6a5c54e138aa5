import EventLog
import Events
import HomeLayout
import JSONText
import Journal
import Posix
import TestSupport
import Testing

/// A board that starts at a checkpoint must equal the fold of all events, now and at each earlier
/// event.
@Suite struct FollowerTests {
  let folder: TemporaryFolder
  let journal: EventJournal
  let events: [Event]
  let segments: [UInt64]

  /// Makes a log with some thousand events of two apps in three segments.
  init() throws {
    folder = try TemporaryFolder("follower", inMemory: true)
    journal = EventJournal(home: Home(root: folder.path), program: "test")
    for round in 0..<110 {
      try journal.log.append(try (0..<60).map { try Self.event(round * 60 + $0) })
    }
    var (reader, events) = (Reader(journal.log), [Event]())
    while let lines = try? reader.next(), !lines.isEmpty { events += lines.map(Event.init) }
    self.events = events
    segments = try journal.log.segments()
    try #require(segments.count == 3 && events.count == 6600)
  }

  private static func event(_ number: Int) throws -> NewEvent {
    let app = number.isMultiple(of: 3) ? "shop" : "blog"
    let type: EventType
    var data = EventData()
    data.release = ReleaseNumber(number / 6 + 1)
    (data.instance, data.run) = (InstanceName("web", number % 4 + 1), UInt64(number / 5 * 5 + 1))
    data.folder = String(repeating: "x", count: 90)
    switch number % 5 {
    case 0: type = .instanceStarting
    case 1: type = .instanceReady
    case 2:
      type = .releaseCreated
      (data.slug, data.config) = (String(repeating: "a", count: 64), "c\(number)")
    case 3:
      type = .restartRequested
      data.by = "ana"
    default:
      type = .instanceCrashed
      data.cause = Cause(.crashed, "number \(number) crashed")
    }
    return NewEvent(source: "host/test", type: type.rawValue, subject: app, data: JSON.encode(data))
  }

  /// The segment that the follower would read next was dropped, so it starts again at a checkpoint.
  @Test func followerContinuesAfterItsSegmentWasDropped() throws {
    var slow = Follower(journal, recent: 1)
    #expect(try slow.take().count == 1)
    try journal.log.set(Retention(count: 1))
    for round in 0..<40 {
      try journal.log.append(try (0..<60).map { try Self.event(round * 60 + $0) })
    }
    var quick = Follower(journal)
    _ = try quick.take()
    #expect(try journal.dropOld().count > 2)
    _ = try slow.take()
    #expect(slow.board == quick.board)
  }

  /// A segment's file exists a moment before its first line.
  @Test func emptySegmentsAreEntered() throws {
    let (next, name) = (UInt64(6601), journal.log.folder + "/0000000000006601.jsonl")
    var follower = Follower(journal)
    _ = try follower.take()
    try Files.replace(name, with: [UInt8](repeating: 0, count: 1 << 20))
    _ = try follower.take()
    #expect(try follower.kept < next && !journal.log.checkpoints().contains(next))
    try journal.log.append(try Self.event(1))
    #expect(try follower.take().count == 1)
    #expect(try follower.kept == next && journal.log.checkpoint(before: next) != nil)
  }

  private func board(_ isWanted: (Event) -> Bool = { _ in true }) -> Board {
    var board = Board()
    for event in events.prefix(while: isWanted) { board.apply(event) }
    return board
  }

  private func follower(_ until: HistoryPoint? = nil, recent: UInt64 = .max) throws -> (
    Follower, [Event]
  ) {
    var follower = Follower(journal, until: until, recent: recent)
    let events = try follower.take()
    return (follower, events)
  }

  @Test func followersStartAtSavedCheckpoints() throws {
    #expect(try journal.log.checkpoints() == [])
    let (first, all) = try follower()
    #expect(first.board == board() && all == events)
    #expect(try journal.log.checkpoints() == Array(segments[1...]))
    var (second, newest) = try follower(recent: 10)
    #expect(second.board == board() && newest == Array(events.suffix(10)))
    try journal.append(.agentStarted, app: nil, EventData())
    #expect(try second.take().count == 1 && second.board.agent != nil)
    // More events than the newest checkpoint leaves to read.
    let (_, recent) = try follower(recent: 3000)
    #expect(recent.count == 3000 && recent.last?.type == .agentStarted)
  }

  @Test func boardsOfThePastAreRight() throws {
    _ = try follower()
    for last in [1, 2, 59, segments[1] - 1, segments[1], segments[1] + 1, segments[2], 6599, 6600] {
      let (past, seen) = try follower(.sequence(last), recent: 5)
      #expect(past.board == board { $0.sequence <= last }, "at number \(last)")
      #expect(seen.last?.sequence == last)
    }
    for event in [events[0], events[777], events[4000], events[6599]] {
      let (past, _) = try follower(.time(event.time), recent: 5)
      #expect(past.board == board { $0.time <= event.time })
      let (before, _) = try follower(.time(event.time + -1), recent: 5)
      #expect(before.board == board { $0.time < event.time })
    }
    let (empty, _) = try follower(.time(Timestamp(milliseconds: 0)))
    #expect(empty.board == Board())
    // A follower with an end does not go on, and saves no checkpoint for later segments.
    for kept in try journal.log.checkpoints() {
      try Files.remove(
        "\(journal.log.folder)/\(String(kept + 10_000_000_000_000_000).dropFirst()).checkpoint")
    }
    var (past, _) = try follower(.sequence(100))
    try journal.append(.agentStarted, app: nil, EventData())
    for _ in 0..<20 { #expect(try past.take() == [] && past.board.sequence == 100) }
    #expect(try journal.log.checkpoints() == [])
  }

  /// Damages the newest checkpoint in several ways; the board must stay the same.
  @Test func unusableCheckpointsAreSkipped() throws {
    _ = try follower()
    let newest = try #require(try journal.log.checkpoint(before: segments[2]))
    func change(_ version: Int, _ body: [UInt8]) throws {
      try journal.log.save(Checkpoint(segment: segments[2], version: version, body: body))
    }
    for (version, body) in [
      (Board.version, Array("no board".utf8)), (Board.version - 1, JSON.encode(Board())),
      (Board.version + 1, JSON.encode(Board())),
    ] {
      try change(version, body)
      let (follower, _) = try follower(recent: 0)
      #expect(follower.board == board())
      let kept = try journal.log.checkpoint(before: segments[2])
      // A checkpoint of a newer version is kept; an unreadable one is replaced.
      if version <= Board.version { #expect(kept == newest) }
      if version == Board.version + 1 { #expect(kept?.version == version) }
    }
  }

  @Test func droppedEventsStayInTheBoard() throws {
    #expect(try journal.dropOld() == [])
    try journal.log.set(Retention(count: 10))
    // No checkpoint exists for the segments yet.
    #expect(try journal.dropOld() == [] && journal.log.segments() == segments)
    _ = try follower()
    #expect(try journal.dropOld() == Array(segments[..<2]))
    #expect(try journal.log.segments() == [segments[2]])
    let (left, seen) = try follower()
    #expect(left.board == board() && seen.first?.sequence == segments[2])
    let number = segments[2] + 7
    #expect(try follower(.sequence(number)).0.board == board { $0.sequence <= number })
    #expect(throws: ProblemID.pastGone) { try id { try follower(.sequence(5)) } }
    #expect(throws: ProblemID.pastGone) {
      try id { try follower(.time(Timestamp(milliseconds: 0))) }
    }
    // If older events are gone, a board of an older version is used.
    let body = try #require(try journal.log.checkpoint(before: segments[2])).body
    try journal.log.save(Checkpoint(segment: segments[2], version: 0, body: body))
    #expect(try follower().0.board == board())
    let checkpoint = try #require(try journal.log.checkpoints().last)
    #expect(checkpoint == segments[2])
    try journal.log.save(Checkpoint(segment: checkpoint, version: Board.version + 1, body: body))
    #expect(throws: ProblemID.logDamaged) { try id { try follower() } }
  }

  /// The id of the thrown cause.
  private func id(_ body: () throws -> Any) throws {
    do { _ = try body() } catch let cause as Cause {
      throw ProblemID(rawValue: cause.id) ?? .system
    }
  }
}

extension ProblemID: Error {}
