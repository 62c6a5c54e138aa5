import JSONText

extension Cause {
  private enum Part: String, CaseIterable, Sendable {
    case id, sentence, remedy, facts, evidence

    static let table = KeyTable<Part>()
    static let required = table.names([.id, .sentence])
  }

  init(_ scanner: inout JSONScanner) throws(JSONFault) {
    (id, sentence, facts, evidence) = ("", "", [:], [])
    var members = try scanner.open(.object)
    var seen = KeyTable<Part>.Names()
    while let key = try scanner.key(in: &members) {
      guard let part = try Part.table.new(key, &seen) else {
        try scanner.skipValue()
        continue
      }
      switch part {
      case .id: id = try scanner.string()
      case .sentence: sentence = try scanner.string()
      case .remedy: remedy = try scanner.takeNull() ? nil : scanner.string()
      case .facts:
        if try scanner.takeNull() { continue }
        facts = try scanner.dictionary { (scanner) throws(JSONFault) in try scanner.string() }
      case .evidence:
        if try scanner.takeNull() { continue }
        evidence = try scanner.array { (scanner) throws(JSONFault) in try Evidence(&scanner) }
      }
    }
    guard seen.isSuperset(of: Part.required) else { throw .unfit }
  }
}

extension Cause.Evidence {
  private enum Part: String, CaseIterable, Sendable {
    case kind
    case place = "where"
    case text

    static let table = KeyTable<Part>()
    static let required = table.names(Part.allCases)
  }

  fileprivate init(_ scanner: inout JSONScanner) throws(JSONFault) {
    (kind, place, text) = ("", "", "")
    var members = try scanner.open(.object)
    var seen = KeyTable<Part>.Names()
    while let key = try scanner.key(in: &members) {
      switch try Part.table.new(key, &seen) {
      case .kind: kind = try scanner.string()
      case .place: place = try scanner.string()
      case .text: text = try scanner.string()
      case nil: try scanner.skipValue()
      }
    }
    guard seen.isSuperset(of: Part.required) else { throw .unfit }
  }
}
