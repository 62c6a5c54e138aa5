/// A search for many texts at once in bytes of any kind.
///
/// Backslashes are ignored on both sides: JSON and Erlang strings have them before quotes.
public struct ByteSearch<Label: Hashable & Sendable>: Sendable {
  public struct Text: Hashable, Sendable {
    public var label: Label
    /// The text without backslashes.
    fileprivate var bytes: [UInt8]
  }

  /// The length of the shortest text that is searched for.
  static var shortest: Int { 4 }

  /// The texts by their first four bytes.
  private let texts: [UInt32: [Text]]
  /// A Bloom filter of the texts' first four bytes, so that most places cost one test.
  private var filter = [UInt64](repeating: 0, count: 64)

  public init(_ texts: [(label: Label, bytes: [UInt8])]) {
    let all = Set(
      texts.map { Text(label: $0.label, bytes: $0.bytes.filter { $0 != Self.backslash }) }
        .filter { $0.bytes.count >= Self.shortest })
    self.init(all)
  }

  private init(_ all: Set<Text>) {
    texts = Dictionary(grouping: all) {
      $0.bytes.prefix(Self.shortest).reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
    for head in texts.keys { filter[Self.place(head).word] |= Self.place(head).bit }
  }

  /// A search for these texts only.
  public init(only texts: some Sequence<Text>) { self.init(Set(texts)) }

  public var isEmpty: Bool { texts.isEmpty }

  private static var backslash: UInt8 { UInt8(ascii: "\\") }

  /// The place of four bytes in the filter.
  private static func place(_ head: UInt32) -> (word: Int, bit: UInt64) {
    let hash = (head &* 0x9E37_79B1) >> 20
    return (Int(hash >> 6), 1 << UInt64(hash & 63))
  }

  /// The texts that occur in the bytes.
  public func found(in bytes: [UInt8]) -> Set<Text> {
    var found: Set<Text> = []
    if isEmpty { return found }
    bytes.withUnsafeBytes { bytes in
      filter.withUnsafeBufferPointer { filter in
        var head: UInt32 = 0
        for place in 0..<bytes.count {
          let byte = bytes[place]
          if byte == Self.backslash { continue }
          head = head >> 8 | UInt32(byte) << 24
          let (word, bit) = Self.place(head)
          guard filter[word] & bit != 0, let candidates = texts[head] else { continue }
          for text in candidates where Self.goesOn(text.bytes, bytes, behind: place) {
            found.insert(text)
          }
        }
      }
    }
    return found
  }

  /// Whether the rest of the text, after its first four bytes, follows here.
  private static func goesOn(
    _ text: [UInt8], _ bytes: UnsafeRawBufferPointer, behind place: Int
  ) -> Bool {
    var next = place + 1
    for wanted in text.dropFirst(shortest) {
      while next < bytes.count, bytes[next] == backslash { next += 1 }
      guard next < bytes.count, bytes[next] == wanted else { return false }
      next += 1
    }
    return true
  }
}

extension Redactor {
  /// The texts that a `Redactor` masks: values of config vars and lines of long ones, with their names.
  public static func texts(of set: ConfigSet) -> [(name: String, text: String)] {
    set.values.flatMap { name, value in texts(of: name, value, in: set).map { (name, $0) } }
  }
}
