import HomeLayout
import JSONText

extension Event {
  /// Reads a CloudEvents 1.0 line with its members in any order. Only the envelope must be valid;
  /// data that cannot be decoded is left out. If a name occurs twice, the first one counts.
  /// - Returns: nil if the line is not an event, or not JSON (RFC 8259).
  public init?(line: Span<UInt8>) {
    self.init(sequence: 0, time: Timestamp(milliseconds: 0))
    if !JSONScanner.reads(line, { (scanner) throws(JSONFault) in try read(&scanner) }) {
      return nil
    }
  }

  /// Reads the rest of an event. A line that is not an event changes nothing.
  public mutating func read(line: Span<UInt8>) {
    let (sequence, time) = (sequence, time)
    if !JSONScanner.reads(line, { (scanner) throws(JSONFault) in try read(&scanner) }) {
      self = Event(sequence: sequence, time: time)
    }
  }

  private mutating func read(_ scanner: inout JSONScanner) throws(JSONFault) {
    isReadable = true
    try scanner.event { (part, scanner) throws(JSONFault) in
      switch part {
      case .seq: sequence = try scanner.numberInText()
      case .id: id = try scanner.string()
      case .time: time = try scanner.timestamp()
      case .type: typeName = try scanner.eventTypeName()
      case .source: source = try scanner.takeNull() ? "" : scanner.string()
      case .subject: app = try scanner.takeNull() ? nil : scanner.string()
      case .data: try readData(&scanner)
      }
    }
  }

  private mutating func readData(_ scanner: inout JSONScanner) throws(JSONFault) {
    if try scanner.takeNull() { return }
    let start = scanner
    do throws(JSONFault) { try data.read(&scanner) } catch {
      guard error == .unfit else { throw error }
      data = EventData()
      isReadable = false
      scanner = start
      try scanner.skipValue()
    }
  }
}

/// The fields that select events. The whole line is validated, but only these are decoded.
public struct EventEnvelope: Hashable, Sendable {
  public private(set) var typeName = ""
  public private(set) var app: String?

  public static let unreadable: Self = {
    let event = Event(sequence: 0, time: Timestamp(milliseconds: 0))
    return EventEnvelope(typeName: event.typeName, app: event.app)
  }()

  private init(typeName: String, app: String?) { (self.typeName, self.app) = (typeName, app) }

  /// - Returns: nil if `Event` returns nil.
  public init?(line: Span<UInt8>) {
    if !JSONScanner.reads(line, { (scanner) throws(JSONFault) in try read(&scanner) }) {
      return nil
    }
  }

  private mutating func read(_ scanner: inout JSONScanner) throws(JSONFault) {
    try scanner.event { (part, scanner) throws(JSONFault) in
      switch part {
      case .seq: _ = try scanner.numberInText()
      case .id: try scanner.skipString()
      case .time: _ = try scanner.timestamp()
      case .type: typeName = try scanner.eventTypeName()
      case .source: if try !scanner.takeNull() { try scanner.skipString() }
      case .subject: app = try scanner.takeNull() ? nil : scanner.string()
      case .data: try scanner.skipValue()
      }
    }
  }
}

private enum EventPart: String, CaseIterable, Sendable {
  case seq, id, time, type, source, subject, data

  static let table = KeyTable<Self>()
  static let required: KeyTable<Self>.Names = table.names([.seq, .id, .time, .type])
}

extension JSONScanner {
  fileprivate static func reads(
    _ text: Span<UInt8>, _ read: (inout JSONScanner) throws(JSONFault) -> Void
  ) -> Bool {
    text.withUnsafeBufferPointer { bytes in
      var scanner = JSONScanner(bytes)
      do throws(JSONFault) { try read(&scanner) } catch { return false }
      return true
    }
  }

  /// - Parameter take: reads the value of one member.
  fileprivate mutating func event(
    _ take: (EventPart, inout JSONScanner) throws(JSONFault) -> Void
  ) throws(JSONFault) {
    var members = try open(.object)
    var seen = KeyTable<EventPart>.Names()
    while let key = try key(in: &members) {
      if let part = try EventPart.table.new(key, &seen) {
        try take(part, &self)
      } else {
        try skipValue()
      }
    }
    try end()
    guard seen.isSuperset(of: EventPart.required) else { throw .unfit }
  }

  /// Skips a string after checking that its escapes are valid.
  fileprivate mutating func skipString() throws(JSONFault) {
    let text = try text()
    if text.hasEscapes { _ = try text.string() }
  }
}

extension EventData {
  fileprivate mutating func read(_ scanner: inout JSONScanner) throws(JSONFault) {
    var members = try scanner.open(.object)
    var seen = KeyTable<Field>.Names()
    while let key = try scanner.key(in: &members) {
      guard let field = try Field.table.new(key, &seen) else {
        try scanner.skipValue()
        continue
      }
      if try !scanner.takeNull() { try read(field, &scanner) }
    }
  }

  private mutating func read(_ field: Field, _ scanner: inout JSONScanner) throws(JSONFault) {
    switch field {
    case .by: by = try scanner.string()
    case .deadline: deadline = try scanner.timestamp()
    case .request: request = try scanner.string()
    case .build: build = try scanner.string()
    case .slug: slug = try scanner.string()
    case .release: release = try scanner.value { ReleaseNumber($0) }
    case .from: from = try scanner.value { ReleaseNumber($0) }
    case .origin: origin = try scanner.value { AppRelease($0) }
    case .config: config = try scanner.string()
    case .base: base = try scanner.string()
    case .set: set = try scanner.strings()
    case .unset: unset = try scanner.strings()
    case .formation:
      formation = try scanner.dictionary { (scanner) throws(JSONFault) in try scanner.integer() }
    case .limits:
      limits = try scanner.dictionary { (scanner) throws(JSONFault) in try scanner.integer() }
    case .instance: instance = try scanner.value { InstanceName($0) }
    case .run: run = try scanner.integer()
    case .node: node = try scanner.string()
    case .action: action = try scanner.string()
    case .application: application = try scanner.string()
    case .level: level = try scanner.string()
    case .boot:
      boot = try scanner.dictionary { (scanner) throws(JSONFault) in try scanner.integer() }
    case .phases:
      phases = try scanner.dictionary { (scanner) throws(JSONFault) in try scanner.integer() }
    case .pid: pid = try scanner.integer()
    case .port: port = try scanner.integer()
    case .exit: exit = try scanner.integer()
    case .signal: signal = try scanner.integer()
    case .step: step = try scanner.string()
    case .observe: observe = try scanner.integer()
    case .exclusive: exclusive = try scanner.strings()
    case .standby: standby = try scanner.boolean()
    case .batch: batch = try scanner.integer()
    case .cluster: cluster = try scanner.boolean()
    case .drain:
      drain = try scanner.dictionary { (scanner) throws(JSONFault) in try scanner.integer() }
    case .phase: phase = try scanner.boolean()
    case .kept: kept = try scanner.strings()
    case .since: since = try scanner.timestamp()
    case .commit: commit = try scanner.string()
    case .message: message = try scanner.string()
    case .domain: domain = try scanner.string()
    case .parent: parent = try scanner.string()
    case .pull: pull = try scanner.integer()
    case .fork: fork = try scanner.boolean()
    case .lease: lease = try scanner.integer()
    case .removed: removed = try scanner.strings()
    case .settings:
      settings = try scanner.dictionary { (scanner) throws(JSONFault) in try scanner.string() }
    case .line: line = try scanner.string()
    case .folder: folder = try scanner.string()
    case .milliseconds: milliseconds = try scanner.integer()
    case .size: size = try scanner.integer()
    case .occurred: occurred = try scanner.timestamp()
    case .missing: missing = try scanner.strings()
    case .aside: aside = try scanner.string()
    case .cause: cause = try Cause(&scanner)
    }
  }
}

extension EventData.Field {
  fileprivate static let table = KeyTable<Self>()
}

extension JSONScanner {
  fileprivate mutating func timestamp() throws(JSONFault) -> Timestamp {
    let text = try text()
    if !text.hasEscapes, let moment = Timestamp(written: text.bytes.span) { return moment }
    guard let moment = Timestamp(try text.string()) else { throw .unfit }
    return moment
  }

  /// A number written as a JSON string.
  fileprivate mutating func numberInText() throws(JSONFault) -> UInt64 {
    let text = try text()
    // Nineteen digits fit 64 bits.
    if text.bytes.count < 20, !text.bytes.isEmpty, text.bytes.allSatisfy({ $0 &- 48 < 10 }) {
      return text.bytes.reduce(0) { $0 * 10 + UInt64($1 - 48) }
    }
    guard let number = UInt64(try text.string()) else { throw .unfit }
    return number
  }

  /// The name of a type. A known type uses the existing string, so nothing is allocated.
  fileprivate mutating func eventTypeName() throws(JSONFault) -> String {
    let text = try text()
    if !text.hasEscapes, let type = EventType.table.find(text.bytes) { return type.rawValue }
    return try text.string()
  }
}
