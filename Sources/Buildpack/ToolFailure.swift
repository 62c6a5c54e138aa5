import Events
import Posix

/// A tool that failed: its exit and the last lines of its output.
public struct ToolFailure: Hashable, Sendable {
  public var exit: Exit
  public var lines: [String]
  public var builder = Project.Builder.mix
  /// MIX_ENV.
  public var environment = "prod"

  var profile: String { environment == "test" ? "test" : "prod" }

  static let most = 30

  /// The kernel's out-of-memory killer leaves no other trace than the signal, which a shell turns into 137.
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

  /// Whether rebar3 failed while it compiled. The step does not show it, since rebar3 may begin the release silently.
  var isOfCompiler: Bool {
    lines.contains { line in
      let text = line.drop { $0.isWhitespace }
      return text.hasPrefix("Compiling ") && text.hasSuffix(" failed")
        || text.hasPrefix("Hook for ")
        || text.contains(": error: ") || Self.compilerPlace(String(text))
    }
  }

  /// The line that explains the failure best; nil if no line does.
  var telling: String? {
    let trimmed = lines.map { String($0.drop { $0.isWhitespace }) }
    // Elixir 1.15 and later print the place below the error: └─ lib/greeter.ex:3:5
    if let place = trimmed.firstIndex(where: { $0.hasPrefix("error: ") }) {
      let pointer = trimmed[place...].first { $0.hasPrefix("└─ ") }
      return pointer.map { "\($0.dropFirst(3)): \(trimmed[place])" } ?? trimmed[place]
    }
    // An error of a C compiler says more than mix's line that the compiler failed.
    return trimmed.first { $0.contains(": error: ") } ?? trimmed.last { $0.hasPrefix("** (") }
      ?? trimmed.first { line in Self.compilerPlace(line) }
      ?? trimmed.last { !$0.isEmpty && !Self.npmLog($0) }
  }

  /// Lines at the end of npm's output that only name its log file.
  private static func npmLog(_ line: String) -> Bool {
    ["npm ERR!", "npm error"].contains { mark in
      line == mark || line.hasPrefix(mark + " A complete log of this run")
        || line.hasPrefix(mark + "     /")
    }
  }

  /// Whether a line is an error of Erlang's compiler: `src/greeter.erl:3:1: syntax error before: '}'`.
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
