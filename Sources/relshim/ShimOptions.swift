import HomeLayout
import Posix

/// `relshim --run DIR [--grace SECONDS] [--agent PROGRAM --home DIR] [--group DIR] [--user UID …] -- COMMAND…`
struct ShimOptions {
  struct Misuse: Error, CustomStringConvertible { var description: String }

  var folder = RunFolder(path: "")
  /// Milliseconds between asking the run to stop and ending it.
  var grace: Int64 = 60_000
  /// The program that starts an agent for `home` if the run ends while no agent runs.
  var agent: AgentStart?
  var command: [String] = []
  /// The folder of the command's control group; nil for that of `relshim`.
  var group: String?
  /// The rights of the command; nil for those of `relshim`.
  var confinement: Confinement?

  init(_ words: [String]) throws(Misuse) {
    var words = words[...]
    var values: [String: String] = [:]
    var rights: [(name: String, value: String)] = []
    while let word = words.popFirst(), word != "--" {
      let isRight = Confinement.options.contains(word)
      guard isRight || ["--run", "--grace", "--agent", "--home", "--group"].contains(word),
        let value = words.popFirst()
      else { throw Misuse(description: "unknown option '\(word)'; relctl starts this program") }
      if isRight { rights.append((word, value)) } else { values[word] = value }
    }
    confinement = Confinement(rights)
    (command, group) = (Array(words), values["--group"])
    guard let run = values["--run"], !command.isEmpty else {
      throw Misuse(description: "needs --run DIR -- COMMAND; relctl starts this program")
    }
    folder = RunFolder(path: run)
    if let seconds = values["--grace"].flatMap(Int64.init), (0...86_400).contains(seconds) {
      grace = seconds * 1000
    }
    if let program = values["--agent"], let home = values["--home"] {
      agent = AgentStart(program: program, home: Home(root: home))
    }
  }
}

extension ShimOptions {
  /// The environment of the command: that of `relshim`. If root starts a command as another user, `relshim` reads it
  /// from its standard input instead: a slug may set variables with which any program loads code (ld.so(8)).
  func environment() throws(PosixError) -> [String: String] {
    if confinement == nil { return Environment.current }
    let input = File(owning: Descriptor.copy(of: 0), name: "standard input")
    return Environment.decode(try input.readToEnd())
  }
}
