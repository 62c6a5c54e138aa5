import EventLog
import Events
import HomeLayout
import JSONText
import Posix

extension SlugRecord {
  private static let newline = UInt8(ascii: "\n")

  /// Reads the record that came with a slug.
  /// - Throws: `RT-SLUG-RECORD`, which names the first invalid line.
  public init(bytes: [UInt8], slug: String) throws(Cause) {
    var lines = bytes.split(separator: Self.newline, omittingEmptySubsequences: false)
    // Every line ends in a newline, so the last part must be empty.
    let rest = lines.popLast() ?? []
    var events: [Event] = []
    for (index, bytes) in lines.prefix(Self.mostEvents + 1).enumerated() {
      if bytes.count > Self.longestLine {
        throw Self.refusal(line: index + 1, "it is longer than \(Self.longestLine >> 10) KiB")
      }
      guard let line = Line.loose(bytes) else {
        throw Self.refusal(
          line: index + 1, "it is not an event, or was changed (its checksum is wrong)")
      }
      let event = Event(line)
      if event.id != line.id { throw Self.refusal(line: index + 1, "it is not an event") }
      events.append(event)
    }
    if !rest.isEmpty { throw Self.refusal(line: lines.count + 1, "it is cut short") }
    try self.init(events: events, slug: slug)
  }
}

/// A collector of a build's events for the slug's record, as lines numbered from 1.
public struct SlugRecordWriter: Sendable {
  private let source: String
  private var time = Timestamp(milliseconds: 0)
  private var lines: [Line] = []

  public init(program: String) { source = EventJournal.source(of: program) }

  /// - Returns: the line, with its newline.
  @discardableResult
  public mutating func append(_ type: EventType, app: String?, _ data: EventData) -> [UInt8] {
    let draft = NewEvent(source: source, type: type.rawValue, subject: app, data: JSON.encode(data))
    time = max(time, Timestamp(milliseconds: Clock.now()))
    let line = Line.loose(draft, sequence: UInt64(lines.count + 1), time: time)
    lines.append(line)
    return line.bytes + [UInt8(ascii: "\n")]
  }

  public var bytes: [UInt8] { lines.flatMap { $0.bytes + [UInt8(ascii: "\n")] } }
}
