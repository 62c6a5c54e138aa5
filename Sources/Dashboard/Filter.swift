import Events

/// The text that rows of a list must contain. Case matters only if the text has capitals.
struct Filter: Sendable {
  private let text: String
  private let isExact: Bool
  /// The bytes of a text that is all ASCII. They are compared without forming characters.
  private let bytes: [UInt8]?

  init(_ text: String?) {
    self.text = text ?? ""
    isExact = self.text.contains { $0.isUppercase }
    bytes = self.text.utf8.allSatisfy { $0 < 0x80 } ? Array(self.text.utf8) : nil
  }

  var isEmpty: Bool { text.isEmpty }

  func passes(_ texts: [String]) -> Bool {
    if text.isEmpty { return true }
    if let bytes { return texts.contains { Self.holds($0, bytes, isExact: isExact) } }
    return texts.contains { (isExact ? $0 : $0.lowercased()).contains(text) }
  }

  /// Whether a text contains these ASCII bytes; unless exact, its capitals count as small letters.
  private static func holds(_ text: String, _ wanted: [UInt8], isExact: Bool) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
      guard bytes.count >= wanted.count else { return false }
      for start in 0...(bytes.count - wanted.count) {
        var length = 0
        while length < wanted.count {
          let byte = bytes[start + length]
          let isCapital = !isExact && (0x41...0x5A).contains(byte)
          if (isCapital ? byte | 0x20 : byte) != wanted[length] { break }
          length += 1
        }
        if length == wanted.count { return true }
      }
      return false
    }
  }

  func passes(_ entry: LogEntry) -> Bool {
    switch entry {
    case .output(let line): passes([line.instance.description, line.text])
    case .line(let line, _): passes([line.text, line.module, line.pid, line.level.rawValue])
    case .lost, .gap: false
    }
  }

  func passes(_ event: Event) -> Bool {
    passes([event.app ?? "", event.typeName, EventSummary.text(of: event), event.data.by ?? ""])
  }
}
