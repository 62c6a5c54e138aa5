/// Looks for many texts at once in bytes of any kind.
///
/// Backslashes are passed over in both: in a string of JSON or of Erlang a quote has one before it.
public struct ByteSearch<Label: Hashable & Sendable>: Sendable {
  public struct Text: Hashable, Sendable {
    public var label: Label
    /// Without backslashes.
    fileprivate var bytes: [UInt8]
  }

  /// No text shorter than this is looked for.
  static var shortest: Int { 4 }

  /// By their first four bytes.
  private let texts: [UInt32: [Text]]
  /// A bit for each hash of such four bytes, so that most places cost one look.
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

  /// One that looks for these only.
  public init(only texts: some Sequence<Text>) { self.init(Set(texts)) }

  public var isEmpty: Bool { texts.isEmpty }

  private static var backslash: UInt8 { UInt8(ascii: "\\") }

  /// Of the filter.
  private static func place(_ head: UInt32) -> (word: Int, bit: UInt64) {
    let hash = (head &* 0x9E37_79B1) >> 20
    return (Int(hash >> 6), 1 << UInt64(hash & 63))
  }

  /// The texts that stand in the bytes.
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

  /// Whether what follows a text's first four bytes follows here.
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
  /// The values of config vars, and lines of long ones, that a mask would hide, with the names of their variables.
  public static func texts(of set: ConfigSet) -> [(name: String, text: String)] {
    set.values.flatMap { name, value in texts(of: name, value, in: set).map { (name, $0) } }
  }
}
