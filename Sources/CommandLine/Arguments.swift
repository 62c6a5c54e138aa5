import Events
import JSONText
import PlainText

public struct Option: Hashable, Sendable {
  /// With its dashes: `--json`.
  public var name: String
  public var short: String?
  /// The name of its value in help; nil for a switch.
  public var value: String?
  public var help: String

  public init(_ name: String, short: String? = nil, value: String? = nil, _ help: String) {
    (self.name, self.short, self.value, self.help) = (name, short, value, help)
  }

  public static let home = Option(
    "--home", value: "DIR", "the home; else $RELTUI_HOME, else the standard one")
  public static let json = Option("--json", "print facts as JSON")
  public static let help = Option("--help", short: "-h", "show this help")
}

/// The syntax of a command: the one definition for the parser and for help.
public struct CommandSyntax: Hashable, Sendable {
  /// The command's words: `deploy`, or `slug inspect`.
  public var name: String
  /// Arguments as help shows them: `APP SLUG|DIR`.
  public var arguments: String
  public var summary: String
  public var details: String
  public var options: [Option]
  public var count: ClosedRange<Int>

  public init(
    _ name: String, _ arguments: String = "", count: ClosedRange<Int> = 0...0, _ summary: String,
    details: String = "", options: [Option] = []
  ) {
    (self.name, self.arguments, self.count, self.summary) = (name, arguments, count, summary)
    self.details = details
    self.options = options + [.home, .help]
  }

  public func usage(program: String) -> String {
    ([program] + [name, arguments, "[options]"].filter { !$0.isEmpty }).joined(separator: " ")
  }

  public func help(program: String) -> String {
    var text = "usage: \(usage(program: program))\n\n\(summary)\n"
    if !details.isEmpty { text += "\n\(details)\n" }
    let rows = options.map { option in
      let names = [option.short, option.name].compactMap { $0 }.joined(separator: ", ")
      return ["  " + names + (option.value.map { " " + $0 } ?? ""), option.help]
    }
    return text + "\noptions:\n" + Table.render(rows)
  }
}

public struct Arguments: Hashable, Sendable {
  public var positional: [String] = []
  public var values: [String: String] = [:]
  /// All values of each option, in their order, since some options may be given several times.
  public private(set) var allValues: [String: [String]] = [:]
  public var switches: Set<String> = []

  public func has(_ option: String) -> Bool { switches.contains(option) }
  public subscript(_ option: String) -> String? { values[option] }

  /// - Throws: `RT-USAGE`, with the nearest option if one is misspelt.
  public init(_ words: [String], for command: CommandSyntax, program: String) throws(Cause) {
    var words = words[...]
    func refuse(_ sentence: String) -> Cause {
      Cause(.usage, sentence, remedy: "usage: \(command.usage(program: program))")
    }
    while let word = words.popFirst() {
      if word == "--" {
        // After `--` no word is an option, even if it begins with a dash.
        positional += words
        break
      }
      guard word.hasPrefix("-"), word.utf8.count > 1 else {
        positional.append(word)
        continue
      }
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      guard let option = command.options.first(where: { $0.name == name || $0.short == name })
      else {
        let near = Spelling.nearest(to: name, among: command.options.map(\.name)).first
        throw refuse("unknown option '\(name)'" + (near.map { "; did you mean '\($0)'?" } ?? ""))
      }
      if option.value == nil {
        if parts.count == 2 { throw refuse("'\(name)' takes no value") }
        switches.insert(option.name)
      } else if let value = parts.count == 2 ? String(parts[1]) : words.popFirst() {
        values[option.name] = value
        allValues[option.name, default: []].append(value)
      } else {
        throw refuse("'\(name)' needs a value")
      }
    }
    if has("--help") { return }
    if positional.count < command.count.lowerBound {
      throw refuse("'\(command.name)' needs \(command.arguments)")
    }
    if positional.count > command.count.upperBound {
      throw refuse("'\(positional[command.count.upperBound])' is one argument too many")
    }
  }
}
