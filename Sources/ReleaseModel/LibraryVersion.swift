/// A version of a shared library's symbols, such as `2.34` of glibc.
public struct LibraryVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
  private let parts: [Int]

  /// Nil for a word such as `PRIVATE`.
  public init?(_ text: some StringProtocol) {
    let words = text.split(separator: ".", omittingEmptySubsequences: false)
    parts = words.compactMap { Int($0) }
    guard parts.count == words.count, parts.allSatisfy({ $0 >= 0 }) else { return nil }
  }

  public var description: String { parts.map { String($0) }.joined(separator: ".") }

  public static func < (left: LibraryVersion, right: LibraryVersion) -> Bool {
    left.parts.lexicographicallyPrecedes(right.parts)
  }
}
