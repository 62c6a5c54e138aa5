extension Event {
  /// Reads a CloudEvents 1.0 line, its members in any order. Only the envelope must be right: data that can't be read
  /// as ours is left out. Where a name stands twice the first counts.
  /// - Returns: nil if the line is no event, or no JSON as RFC 8259 has it.
  public init?(line: Span<UInt8>) {
    self.init(sequence: 0, time: Timestamp(milliseconds: 0))
    let isEvent = line.withUnsafeBufferPointer { bytes in
      var scanner = JSONScanner(bytes)
      do throws(JSONFault) { try read(&scanner) } catch { return false }
      return true
    }
    if !isEvent { return nil }
  }

  private enum Part: String, CaseIterable, Sendable {
    case seq, id, time, type, source, subject, data

    static let table = NameTable<Part>()
    static let required: NameTable<Part>.Names = table.names([.seq, .id, .time, .type])
  }

  private mutating func read(_ scanner: inout JSONScanner) throws(JSONFault) {
    isReadable = true
    var members = try scanner.open(.object)
    var seen = NameTable<Part>.Names()
    while let key = try scanner.key(in: &members) {
      guard let part = try Part.table.new(key, &seen) else {
        try scanner.skipValue()
        continue
      }
      switch part {
      case .seq: sequence = try scanner.value { UInt64($0) }
      case .id: id = try scanner.string()
      case .time: time = try scanner.timestamp()
      case .type: typeName = try scanner.eventTypeName()
      case .source: source = try scanner.takeNull() ? "" : scanner.string()
      case .subject: app = try scanner.takeNull() ? nil : scanner.string()
      case .data: try readData(&scanner)
      }
    }
    try scanner.end()
    guard seen.isSuperset(of: Part.required) else { throw .unfit }
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

extension EventData {
  fileprivate mutating func read(_ scanner: inout JSONScanner) throws(JSONFault) {
    var members = try scanner.open(.object)
    var seen = NameTable<Field>.Names()
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
    case .config: config = try scanner.string()
    case .base: base = try scanner.string()
    case .set: set = try scanner.strings()
    case .unset: unset = try scanner.strings()
    case .formation:
      formation = try scanner.dictionary { (scanner) throws(JSONFault) in try scanner.integer() }
    case .instance: instance = try scanner.value { InstanceName($0) }
    case .run: run = try scanner.integer()
    case .node: node = try scanner.string()
    case .action: action = try scanner.string()
    case .application: application = try scanner.string()
    case .level: level = try scanner.string()
    case .boot:
      boot = try scanner.dictionary { (scanner) throws(JSONFault) in try scanner.integer() }
    case .pid: pid = try scanner.integer()
    case .port: port = try scanner.integer()
    case .exit: exit = try scanner.integer()
    case .signal: signal = try scanner.integer()
    case .step: step = try scanner.string()
    case .commit: commit = try scanner.string()
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
  fileprivate static let table = NameTable<Self>()
}

extension JSONScanner {
  fileprivate mutating func timestamp() throws(JSONFault) -> Timestamp {
    let text = try text()
    if !text.hasEscapes, let moment = Timestamp(written: text.bytes.span) { return moment }
    guard let moment = Timestamp(try text.string()) else { throw .unfit }
    return moment
  }

  /// A type that we know is not made anew: it is the text of our own.
  fileprivate mutating func eventTypeName() throws(JSONFault) -> String {
    let text = try text()
    if !text.hasEscapes, let type = EventType.table.find(text.bytes) { return type.rawValue }
    return try text.string()
  }
}
