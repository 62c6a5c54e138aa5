/// The names in scripts, and which of them are set. Comments do not count.
struct ScriptNames {
  /// All words of letters, digits and underscores.
  private(set) var mentioned: Set<String> = []
  /// Those that a line sets: `NAME=`, `${NAME:=`, or `-env NAME` for the VM.
  private(set) var set: Set<String> = []
  /// Whether a line may set variables that it does not name, as `. FILE`, `eval` and `set -a` do.
  private(set) var takeVariablesFromElsewhere = false

  /// Adds the names of other scripts.
  mutating func add(_ other: ScriptNames) {
    mentioned.formUnion(other.mentioned)
    set.formUnion(other.set)
  }

  init(_ texts: [String]) {
    for text in texts {
      for line in Array(text.utf8).split(whereSeparator: { $0 == 10 || $0 == 13 }) { read(line) }
    }
  }

  private mutating func read(_ line: ArraySlice<UInt8>) {
    var rest = line.drop { $0 == 32 || $0 == 9 }
    if rest.first == UInt8(ascii: "#") { return }
    var mayTake = Self.callsScript(rest)
    var last = ""
    while let first = rest.first {
      if !Self.isPart(first) {
        rest = rest.dropFirst()
        continue
      }
      let bytes = rest.prefix(while: Self.isPart)
      let word = String(decoding: bytes, as: UTF8.self)
      rest = rest[bytes.endIndex...]
      mentioned.insert(word)
      if last == "env" || rest.starts(with: "=".utf8) || rest.starts(with: ":=".utf8) {
        set.insert(word)
      }
      last = word
      mayTake = mayTake || Self.takers.contains(word)
    }
    if mayTake, !takeVariablesFromElsewhere {
      takeVariablesFromElsewhere = Self.takesVariables(String(decoding: line, as: UTF8.self))
    }
  }

  private static func isPart(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 65...90, 95, 97...122, 128...: true
    default: false
    }
  }

  private static let takers: Set<String> = ["eval", "export", "set", "source", "args_file"]

  /// Whether a line may have the command `.`
  private static func callsScript(_ line: ArraySlice<UInt8>) -> Bool {
    line.contains(UInt8(ascii: "."))
      && zip(line, line.dropFirst()).contains {
        $0 == UInt8(ascii: ".") && ($1 == 32 || $1 == 9)
      }
  }

  private static func takesVariables(_ line: String) -> Bool {
    if line.contains("-args_file") { return true }
    return ProcessCommand.all(in: line).contains { command in
      let words = command.words
      func has(_ word: String) -> Bool { words.contains(word) }
      // `bin/NAME eval` is another command.
      let evaluates = zip([""] + words, words).contains { $1 == "eval" && !$0.contains("/") }
      // `export $(cat FILE)`, `export "$line"`
      let exports = has("export") && words.contains { $0.hasPrefix("$") || $0.hasPrefix("`") }
      let exportsAll =
        has("set") && words.contains { $0 == "allexport" || $0.hasPrefix("-") && $0.contains("a") }
      return evaluates || exports || exportsAll || has(".") || has("source")
    }
  }
}
