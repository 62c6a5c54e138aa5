extension Event {
  /// What its data says, as `name=value` words.
  public var summary: String {
    guard let json = try? CompactJSON(foreign), let members = json.members else {
      return data.summary
    }
    return members.map { "\($0.name)=\(Self.word(json.bytes[$0.range]))" }.joined(separator: " ")
  }

  /// A text without its quotes, if it cannot be taken for more than one line then.
  private static func word(_ value: ArraySlice<UInt8>) -> String {
    if let text = CompactJSON.text(value), text.utf8.allSatisfy({ $0 >= 0x20 }) { return text }
    return String(decoding: value, as: UTF8.self)
  }
}
