import Testing

@testable import Redaction

struct NeedleTableTests {
  private func table(_ texts: [String]) -> NeedleTable {
    NeedleTable(Set(texts.map { .init(bytes: Array($0.utf8), name: "N" + $0) }))
  }

  private func found(_ text: String, _ table: NeedleTable) -> String? {
    table.longest(at: Array(text.utf8)[...]).map { "\($0.count) \($0.name)" }
  }

  @Test func longestNeedleIsFound() {
    let table = table(["abcd", "abcde", "abcdef", "abzz", "abcdxyz", "zzzz"])
    let cases: [(String, String?)] = [
      ("abcd", "4 Nabcd"), ("abcdx", "4 Nabcd"), ("abcdxyz!", "7 Nabcdxyz"),
      ("abcdefg", "6 Nabcdef"), ("abcdeg", "5 Nabcde"), ("abczz", nil), ("abz", nil), ("", nil),
      ("zzzzz", "4 Nzzzz"), ("~~~~", nil), ("aaaa", nil),
    ]
    for (text, name) in cases { #expect(found(text, table) == name, "\(text)") }
    #expect(NeedleTable().isEmpty && NeedleTable().longest(at: [1, 2, 3, 4]) == nil)
  }

  @Test func equalValuesKeepTheFirstName() {
    let table = NeedleTable([
      .init(bytes: Array("same".utf8), name: "B"), .init(bytes: Array("same".utf8), name: "A"),
    ])
    #expect(table.needles == [.init(bytes: Array("same".utf8), name: "A")])
  }

  /// Compares the table with a search for each text in turn, also after the table was stored and
  /// read.
  @Test func agreesWithALinearSearch() throws {
    var random = SystemRandomNumberGenerator()
    func bytes(_ lengths: ClosedRange<Int>) -> [UInt8] {
      (0..<Int.random(in: lengths, using: &random)).map { _ in UInt8.random(in: 97...99) }
    }
    for count in [1, 2, 10, 100, 1000] {
      let needles = Set((0..<count).map { _ in bytes(4...9) })
      let table = NeedleTable(Set(needles.map { .init(bytes: $0, name: "«") }))
      let stored = try #require(NeedleTable(pool: table.pool))
      #expect(stored.needles == table.needles && Set(table.needles.map(\.bytes)) == needles)
      for _ in 0..<300 {
        let text = bytes(4...12)
        let longest = needles.filter { text.starts(with: $0) }.map(\.count).max()
        #expect(table.longest(at: text[...])?.count == longest)
        #expect(stored.longest(at: text[...])?.count == longest)
        let head = text.prefix(4).reversed().reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
        #expect(longest == nil || table.mayBegin(with: head))
      }
    }
  }

  @Test func damagedTablesAreRefusedOrHarmless() {
    let pool = table(["abcd", "abcdef", "wxyz"]).pool
    for length in 1..<pool.count {
      let cut = NeedleTable(pool: Array(pool[..<length]))
      #expect(cut?.needles.count ?? 0 < 3)
      _ = cut?.longest(at: Array("abcdef".utf8)[...])
    }
    for index in pool.indices {
      for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
        var changed = pool
        changed[index] = value
        let table = NeedleTable(pool: changed)
        _ = table?.longest(at: Array("abcdef".utf8)[...])
        _ = table?.needles
      }
    }
    #expect(NeedleTable(pool: Array(pool.dropLast())) == nil)
    #expect(NeedleTable(pool: [UInt8](repeating: 0xFF, count: 40)) == nil)
  }
}
