/// A pattern for a whole name: `*` matches any bytes, `?` one; others match themselves.
public struct Glob: Hashable, Sendable {
  public let pattern: [UInt8]

  public init(_ pattern: String) { self.pattern = Array(pattern.utf8) }

  private static let star = UInt8(ascii: "*")
  private static let question = UInt8(ascii: "?")

  public static func isWildcard(_ byte: UInt8) -> Bool { byte == star || byte == question }

  public func matches(_ text: String) -> Bool {
    let text = Array(text.utf8)
    var (place, index) = (0, 0)
    // The last star, and how far it matches so far. Only the last star can ever need to match more.
    var star: (place: Int, end: Int)?
    while index < text.count {
      if place < pattern.count, pattern[place] == Self.star {
        star = (place, index)
        place += 1
      } else if place < pattern.count,
        pattern[place] == Self.question || pattern[place] == text[index]
      {
        (place, index) = (place + 1, index + 1)
      } else if let last = star {
        star = (last.place, last.end + 1)
        (place, index) = (last.place + 1, last.end + 1)
      } else {
        return false
      }
    }
    return pattern[place...].allSatisfy { $0 == Self.star }
  }
}
