struct WordSearch {
  private(set) var found: Set<String> = []
  private var wanted: [(name: String, bytes: [UInt8])]
  private var longest = 0
  private var tail: [UInt8] = []
  private var isFirst = true
  /// Whether the file has a zero byte near its start, so that it is not code.
  private var isBinary = false

  /// Texts in code that calls git. Such code may compile git's answer into a module.
  private static let git = [
    "\"git\"", "'git'", " git}", ",git}", " git,", ",git,", "git -", "git rev-", "git describe",
    "git log", "git show", "git tag", "git status", "git diff", ".git/",
  ]

  init(_ words: [String], git: Bool = true) {
    wanted = words.map { ($0, Array($0.utf8)) }
    if git { wanted += Self.git.map { (SourceDigests.git, Array($0.utf8)) } }
    longest = wanted.map(\.bytes.count).max() ?? 0
  }

  /// Whether a file may be code. Documentation names variables too, but does not read them.
  static func isSearched(_ path: String) -> Bool { !path.hasSuffix(".md") }

  mutating func begin() { (tail, isFirst, isBinary) = ([], true, false) }

  mutating func take(_ part: [UInt8]) {
    if isFirst { isBinary = part.prefix(1024).contains(0) }
    isFirst = false
    if isBinary { return }
    let text = tail.isEmpty ? part : tail + part
    var isNew = false
    for (name, bytes) in wanted where text.contains(part: bytes) {
      found.insert(name)
      isNew = true
    }
    if isNew { wanted.removeAll { found.contains($0.name) } }
    tail = Array(text.suffix(max(0, longest - 1)))
  }
}
