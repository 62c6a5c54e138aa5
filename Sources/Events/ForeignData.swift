import JSONText

extension Event {
  /// The data as `name=value` words.
  public var summary: String {
    var text: [UInt8] = []
    addSummary(to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  public func addSummary(to text: inout [UInt8]) {
    if !foreign.isEmpty, let json = try? CompactJSON(foreign), let members = json.members {
      let words = members.map { "\($0.name)=\(Self.word(json.bytes[$0.range]))" }
      text += words.joined(separator: " ").utf8
    } else {
      data.addSummary(to: &text)
    }
  }

  /// A string without its quotes, if it then still fits on one line.
  private static func word(_ value: ArraySlice<UInt8>) -> String {
    if let text = CompactJSON.text(value), text.utf8.allSatisfy({ $0 >= 0x20 }) { return text }
    return String(decoding: value, as: UTF8.self)
  }
}
