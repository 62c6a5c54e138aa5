import JSONText

/// Addresses of IPv4 or IPv6 that begin with the same bits: `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.7`. RFC 4632, RFC 4291
public struct AddressRange: Hashable, Sendable, CustomStringConvertible {
  /// The address as it was written.
  public let address: String
  /// How many bits are the same; nil if it is one address.
  public let bits: Int?

  public var isSingle: Bool { bits == nil }
  public var description: String { address + (bits.map { "/\($0)" } ?? "") }

  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let first = parts.first else { return nil }
    address = String(first)
    let isSix = first.contains(":")
    guard isSix ? Self.isVersion6(first) : Self.isVersion4(first) else { return nil }
    bits = parts.count == 2 ? Self.number(parts[1], most: isSix ? 128 : 32) : nil
    if parts.count == 2, bits == nil { return nil }
  }

  private static func number(_ text: Substring, most: Int) -> Int? {
    guard (1...3).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }),
      text == "0" || text.first != "0", let number = Int(text), number <= most
    else { return nil }
    return number
  }

  private static func isVersion4(_ text: Substring) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts.allSatisfy { number($0, most: 255) != nil }
  }

  /// Eight groups, or fewer with one `::`.
  private static func isVersion6(_ text: Substring) -> Bool {
    let halves = text.split(separator: "::", omittingEmptySubsequences: false)
    guard halves.count <= 2 else { return false }
    let groups = halves.map { half in
      half.isEmpty ? [] : half.split(separator: ":", omittingEmptySubsequences: false)
    }
    let count = groups.joined().count
    return (halves.count == 2 ? count < 8 : count == 8)
      && groups.joined().allSatisfy { group in
        (1...4).contains(group.utf8.count) && group.allSatisfy { $0.isASCII && $0.isHexDigit }
      }
  }
}

extension AddressRange: TextCoded {}
