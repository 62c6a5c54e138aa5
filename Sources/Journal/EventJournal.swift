import ConfigStore
import DiskReserve
import EventLog
import Events
import HomeLayout
import JSONText
import Posix
import Redaction

/// The event log with typed events.
///
/// `EventLog` knows no types and `Events` no files; builds, the agent and the dashboard need both.
public struct EventJournal: Sendable {
  public let home: Home
  /// The source in each event: `host/relctl`.
  let source: String
  public let log: DurableLog
  private let values: HomeMask

  /// - Parameter config: config vars from outside the home, masked as those of the home are.
  public init(home: Home, program: String, config: [String: String] = [:]) {
    self.home = home
    values = HomeMask(home: home, and: ConfigSet(config))
    source = Self.source(of: program)
    log = DurableLog(folder: home.events)
  }

  static func source(of program: String) -> String { "\(User.host)/\(program)" }

  /// A redactor for texts to be shown; appended events are always masked.
  public func mask() -> Redactor { values.current() }

  /// Writes an event with values of config vars masked; it is durable when this returns.
  /// - Parameter app: nil or empty for an event that belongs to no app.
  /// - Returns: the event as it was written.
  @discardableResult
  public func append(_ type: EventType, app: String?, _ data: EventData) throws(Cause) -> Event {
    let mask = mask()
    let (app, data) = (app.flatMap { $0.isEmpty ? nil : mask(subject: $0) }, mask(data))
    let draft = NewEvent(
      source: source, type: type.rawValue, subject: app, data: JSON.encode(data))
    do throws(EventLogError) {
      guard let line = try write(draft, mayUseReserve: type.mayUseReserve) else {
        throw .tooLong(limit: 0)
      }
      return Event(
        sequence: line.sequence, id: draft.id, time: line.time, source: source, type: type,
        app: app, data: data)
    } catch { throw Cause(error) }
  }

  /// Writes a line. When the log's own reserve is used up, the home's is released.
  private func write(_ draft: NewEvent, mayUseReserve: Bool) throws(EventLogError) -> Line? {
    do throws(EventLogError) { return try log.append(draft, mayUseReserve: mayUseReserve) } catch {
      guard mayUseReserve, case .unwritable(let reason) = error, reason.isDiskFull,
        ReservedSpace(home: home).give()
      else { throw error }
      return try log.append(draft, mayUseReserve: mayUseReserve)
    }
  }

  /// Drops segments that need not be kept and that a checkpoint sums up.
  /// - Returns: the first numbers of the dropped segments.
  @discardableResult
  public func dropOld() throws(Cause) -> [UInt64] {
    do throws(EventLogError) {
      return try log.drop(try log.retention(), now: Timestamp(milliseconds: Clock.now())) {
        (try? log.checkpoint(before: $0))?.version == Board.version
      }
    } catch { throw Cause(error) }
  }

  /// Makes the events that were read durable, before a program acts on them: a reader may be faster
  /// than the writer's sync.
  public func makeDurable() throws(Cause) {
    do throws(EventLogError) { try log.sync() } catch { throw Cause(error) }
  }
}

extension Event {
  /// Reads a line of the log. If it is not a CloudEvent, it keeps its number and its text.
  public init(_ line: Line) {
    self.init(sequence: line.sequence, time: line.time)
    read(line)
  }

  /// Reads the rest of an event in place, because copying one costs as much as reading it.
  public mutating func read(_ line: Line) {
    read(line: line.bytes.span)
    if type == nil { foreign = (try? CompactJSON(line.bytes))?["data"].map(Array.init) ?? [] }
  }
}

extension EventEnvelope {
  /// - Returns: nil if the line is not a CloudEvent.
  public init?(_ line: Line) { self.init(line: line.bytes.span) }
}

extension Cause {
  public init(_ error: EventLogError) {
    switch error {
    case .unwritable(let reason)
    where [.noSpace, .quotaExceeded, .fileTooLarge].contains(reason.errno):
      self.init(.logFull, "\(reason)")
    case .unwritable(let reason): self.init(.homeUnwritable, "\(reason)")
    case .unreadable(let reason): self.init(.system, "\(reason)")
    case .tooLong(let limit): self.init(.system, "an event would be longer than \(limit) bytes")
    case .malformed(let id):
      self.init(.system, "the event '\(id.prefix(64))' is not a line of the log")
    case .unsynced(let reason):
      self.init(
        .logUnsynced, "\(reason); the event may not be on the disk",
        remedy: "Look at the disk (dmesg), then look for the event with: relctl events")
    case .newerFormat(let format):
      self.init(.formatNewer, "the event log has format \(format)")
    case .notKept(let numbers):
      let isOne = numbers.count == 1
      self.init(
        .logNotKept,
        "event\(isOne ? "" : "s") \(Gaps.text(numbers)) \(isOne ? "is" : "are") no longer kept",
        remedy: "Go on with the oldest that is kept: relctl events --after \(numbers.upperBound)")
    case .rewritten(let sequence):
      self.init(
        .logDamaged, "the event log was replaced or cut after number \(sequence)",
        remedy: "Start this program again to read the log as it is now.")
    }
  }
}
