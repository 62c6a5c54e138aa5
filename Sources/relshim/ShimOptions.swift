import HomeLayout

/// `relshim --run DIR [--grace SECONDS] [--agent PROGRAM --home DIR] -- COMMAND…`
struct ShimOptions {
  struct Misuse: Error, CustomStringConvertible { var description: String }

  var folder = RunFolder(path: "")
  /// Milliseconds between asking the run to stop and ending it.
  var grace: Int64 = 60_000
  /// The program that starts an agent for `home` if the run ends while no agent runs.
  var agent: (program: String, home: Home)?
  var command: [String] = []

  init(_ words: [String]) throws(Misuse) {
    var words = words[...]
    var values: [String: String] = [:]
    while let word = words.popFirst(), word != "--" {
      guard ["--run", "--grace", "--agent", "--home"].contains(word), let value = words.popFirst()
      else { throw Misuse(description: "unknown option '\(word)'; relctl starts this program") }
      values[word] = value
    }
    command = Array(words)
    guard let run = values["--run"], !command.isEmpty else {
      throw Misuse(description: "needs --run DIR -- COMMAND; relctl starts this program")
    }
    folder = RunFolder(path: run)
    if let seconds = values["--grace"].flatMap(Int64.init), (0...86_400).contains(seconds) {
      grace = seconds * 1000
    }
    if let program = values["--agent"], let home = values["--home"] {
      agent = (program, Home(root: home))
    }
  }
}
