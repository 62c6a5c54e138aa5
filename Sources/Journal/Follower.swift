import EventLog
import Events
import HomeLayout
import JSONText
import Posix

/// A reader of the growing log that keeps a board current.
///
/// It starts at a checkpoint of the board, so that opening does not depend on the log's length, and
/// saves a checkpoint at each segment that it enters. It has no thread of its own: the caller polls
/// `descriptor` among its other sources and calls `take`.
public struct Follower: Sendable {
  public private(set) var board = Board()
  private let log: DurableLog
  private let until: HistoryPoint?
  private let recent: UInt64
  private var reader: Reader
  private var watch: Watch
  private var isBegun = false
  /// Whether the reader has passed `until`; then the board must not be saved any more.
  private var isOver = false
  private var canKeep = true

  /// - Parameters:
  ///   - until: where the history ends for this reader; without it the board follows the log.
  ///   - recent: how many existing events the first `take` returns.
  public init(_ journal: EventJournal, until: HistoryPoint? = nil, recent: UInt64 = 0) {
    log = journal.log
    (self.until, self.recent) = (until, recent)
    reader = Reader(log)
    watch = Watch(log)
  }

  /// It is readable when the log has changed; nil if the log cannot be watched (yet).
  public var descriptor: Int32? { watch.descriptor }

  /// The damaged parts of the log.
  public var damage: [Damage] { reader.damage }

  /// The segment before which the last checkpoint was saved; 0 at the beginning. When it changes,
  /// old segments may be dropped.
  public private(set) var kept: UInt64 = 0
  /// Whether the reader has entered a segment but read none of its lines.
  private var hasEntered = false

  /// Applies all new events to the board and returns them; the first call returns the recent ones.
  public mutating func take() throws(Cause) -> [Event] {
    _ = watch.hasChanged()
    if isOver { return [] }
    let most = isBegun ? Int.max : Int(clamping: recent)
    if !isBegun { try begin() }
    var events: [Event] = []
    while true {
      let before = reader.cursor.segment
      guard let lines = try nextLines() else {
        // The segment was dropped before it was read; a checkpoint takes its place.
        try begin()
        continue
      }
      if before > 0, reader.cursor.segment != before { hasEntered = true }
      // The segment's first line, by which a checkpoint is identified, comes a moment later.
      if hasEntered, !lines.isEmpty {
        hasEntered = false
        keep(before: reader.cursor.segment)
      }
      let wanted = lines.prefix { isWanted($0) }
      for line in wanted {
        let event = Event(line)
        board.apply(event)
        events.append(event)
      }
      if events.count > most { events.removeFirst(events.count - most) }
      isOver = wanted.count < lines.count
      if lines.isEmpty || isOver { return events }
    }
  }

  /// The next lines; nil if they are no longer kept.
  private mutating func nextLines() throws(Cause) -> [Line]? {
    do throws(EventLogError) { return try reader.next() } catch {
      if case .notKept = error { return nil }
      throw Cause(error)
    }
  }

  private func isWanted(_ line: Line) -> Bool {
    switch until {
    case .sequence(let last): line.sequence <= last
    case .time(let last): line.time <= last
    case nil: true
    }
  }

  /// Waits until the log may have grown, another descriptor can be read, or the time is up.
  public func wait(_ others: [Int32] = [], milliseconds: Int64? = nil) throws(Cause) {
    let descriptors = others + [descriptor].compactMap { $0 }
    let limit =
      descriptor == nil ? min(milliseconds ?? Watch.fallback, Watch.fallback) : milliseconds
    do throws(PosixError) { _ = try Poll.wait(descriptors, milliseconds: limit) } catch {
      throw Cause(error)
    }
  }
}

// MARK: - Checkpoints

extension Follower {
  /// Starts at the newest suitable checkpoint, or else at the beginning if that is still kept.
  private mutating func begin() throws(Cause) {
    try refuseFuture()
    let segments: [UInt64]
    let candidates: [UInt64]
    do throws(EventLogError) {
      segments = try log.segments()
      let last = try lastSegment()
      let kept = try log.checkpoints().filter(segments.contains)
      // If the past is gone, a newer checkpoint gives fewer events, but the right board.
      let newer = until == nil && segments.first != 1 ? kept.filter { $0 > last } : []
      candidates = kept.filter { $0 <= last }.reversed() + newer
    } catch { throw Cause(error) }
    isBegun = true
    guard let oldest = segments.first else { return }
    let reachesBack = oldest == 1
    for segment in candidates {
      guard let board = board(before: segment, orOlder: !reachesBack) else { continue }
      self.board = board
      reader = Reader(log, from: Cursor(segment: segment))
      return try checkPast()
    }
    if reachesBack {
      // The cursor names this segment: if it is dropped now, reading must not continue with the next one.
      reader = Reader(log, from: Cursor(segment: oldest))
      return
    }
    isBegun = false
    throw Cause(
      .logDamaged,
      "the events before number \(oldest) were dropped, and no checkpoint that stands for them can be read",
      remedy: "Bring '\(log.folder)' back from a backup, or read what is left with: relctl events")
  }

  /// The segment that holds the first event to return.
  private func lastSegment() throws(EventLogError) -> UInt64 {
    let last: UInt64 =
      switch until {
      case .sequence(let last): last
      case .time(let last): try log.cursor(before: last).segment
      case nil: try log.lastLine()?.sequence ?? 1
      }
    return try log.cursor(before: last - min(last, recent)).segment
  }

  /// - Parameter older: whether a checkpoint of an older version may be used. While the events
  ///   themselves are kept, it is better to apply them again.
  private func board(before segment: UInt64, orOlder older: Bool) -> Board? {
    guard let checkpoint = try? log.checkpoint(before: segment),
      checkpoint.version == Board.version || older && checkpoint.version < Board.version
    else { return nil }
    return try? JSON.decode(Board.self, from: checkpoint.body)
  }

  /// Refuses a point in the future: the present board would be taken for the board at that point.
  private func refuseFuture() throws(Cause) {
    switch until {
    case .sequence(let number):
      let last: UInt64
      do throws(EventLogError) { last = try log.lastLine()?.sequence ?? 0 } catch {
        throw Cause(error)
      }
      if number > last {
        throw Cause(.usage, "there is no event \(number) yet; the last one is \(last)")
      }
    case .time(let time) where time > Timestamp(milliseconds: Clock.now()):
      throw Cause(.usage, "\(time) is in the future")
    case .time, nil: return
    }
  }

  private func checkPast() throws(Cause) {
    let isGone =
      switch until {
      case .sequence(let last): board.sequence > last
      case .time(let last): board.time > last
      case nil: false
      }
    if isGone {
      throw Cause(
        .pastGone,
        "the event log does not go back that far: it begins after event \(board.sequence) of "
          + "\(board.time)",
        remedy: "Use the oldest point: --at \(board.sequence + 1)")
    }
  }

  /// Saves a checkpoint for later readers. A failure loses nothing.
  private mutating func keep(before segment: UInt64) {
    guard canKeep else { return }
    let isNewer = ((try? log.checkpoint(before: segment))?.version ?? 0) > Board.version
    if isNewer || board(before: segment, orOlder: false) != nil {
      kept = segment
      return
    }
    let checkpoint = Checkpoint(
      segment: segment, version: Board.version, body: JSON.encode(board))
    do throws(EventLogError) {
      try log.save(checkpoint)
      kept = segment
    } catch {
      if case .unwritable(let reason) = error, reason.isDiskFull { return }
      canKeep = false
    }
  }
}
