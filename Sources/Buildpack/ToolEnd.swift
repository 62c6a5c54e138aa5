import Events
import Posix

/// How a tool of somebody else's ended, and what it said last.
public struct ToolEnd: Hashable, Sendable {
  public var exit: Exit
  /// The last lines of its output, oldest first.
  public var lines: [String]
  /// Whose work it was.
  public var builder: Project.Builder
  /// mix's MIX_ENV.
  public var environment: String

  public init(
    exit: Exit, lines: [String], builder: Project.Builder = .mix, environment: String = "prod"
  ) {
    self.exit = exit
    self.lines = lines
    self.builder = builder
    self.environment = environment
  }

  /// rebar3's. Tests have one of their own; everything else is built for production.
  var profile: String { environment == "test" ? "test" : "prod" }

  /// How many lines are kept.
  static let most = 30

  /// The kernel's out-of-memory killer leaves no other trace. 137 is what a shell makes of it.
  var wasKilled: Bool { exit == .signal(.kill) || exit == .code(137) || says(Self.memory) }
  var lacksNetwork: Bool { says(Self.network) }
  var lacksPackageTools: Bool { says(Self.packageTools) }

  private func says(_ signs: [String]) -> Bool {
    lines.contains { line in signs.contains { line.contains($0) } }
  }

  private static let memory = [
    "eheap_alloc: Cannot allocate", "Cannot allocate memory", "JavaScript heap out of memory",
  ]
  private static let network = [
    "Could not resolve host", ":nxdomain", "{failed_connect", ":econnrefused", "Connection refused",
    "Network is unreachable", "network is unreachable", "ENOTFOUND", "ECONNREFUSED", "EAI_AGAIN",
    "Failed to fetch record for", "Could not connect to", "Connection timed out", ":timeout}",
    "Failed to fetch and copy dep", "Package not found in any repo",
  ]
  private static let packageTools = [
    "Could not find Hex", "httpc request failed", "Could not find \"rebar3\"",
    "Could not install Hex", "Could not install Rebar",
  ]

  /// rebar3 compiles and assembles without a word in between: whether it was still compiling.
  var isOfCompiler: Bool {
    lines.contains { line in
      let text = line.drop { $0.isWhitespace }
      return text.hasPrefix("Compiling ") && text.hasSuffix(" failed")
        || text.hasPrefix("Hook for ")
        || text.contains(": error: ") || Self.compilerPlace(String(text))
    }
  }

  /// The line that a person would point at; nil where none tells.
  var telling: String? {
    let trimmed = lines.map { String($0.drop { $0.isWhitespace }) }
    // Since Elixir 1.15, with the place below: └─ lib/greeter.ex:3:5
    if let place = trimmed.firstIndex(where: { $0.hasPrefix("error: ") }) {
      let pointer = trimmed[place...].first { $0.hasPrefix("└─ ") }
      return pointer.map { "\($0.dropFirst(3)): \(trimmed[place])" } ?? trimmed[place]
    }
    // What a compiler of C says goes before mix's word that it failed.
    return trimmed.first { $0.contains(": error: ") } ?? trimmed.last { $0.hasPrefix("** (") }
      ?? trimmed.first { line in Self.compilerPlace(line) }
      ?? trimmed.last { !$0.isEmpty && !Self.npmLog($0) }
  }

  /// The last lines of npm tell of its log file only.
  private static func npmLog(_ line: String) -> Bool {
    ["npm ERR!", "npm error"].contains { mark in
      line == mark || line.hasPrefix(mark + " A complete log of this run")
        || line.hasPrefix(mark + "     /")
    }
  }

  /// Erlang's compiler: `src/greeter.erl:3:1: syntax error before: '}'`.
  private static func compilerPlace(_ line: String) -> Bool {
    let parts = line.split(separator: ":", maxSplits: 2)
    return parts.count == 3 && parts[0].hasSuffix("rl") && UInt(parts[1]) != nil
  }

  func evidence(of step: BuildStep) -> [Cause.Evidence] {
    lines.suffix(10).map {
      Cause.Evidence(kind: "log", place: step.rawValue, text: String($0.prefix(300)))
    }
  }
}
