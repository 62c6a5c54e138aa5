import Testing

@testable import Buildpack
@testable import ReleaseModel

@Suite struct ProcessCommandTests {
  private static let lines: [(String, [String])] = [
    ("bin/app start", ["bin/app start"]), ("exec ./bin/app start", ["bin/app start"]),
    ("A=1 env B=2 bin/app start", ["bin/app start"]),
    ("bin/migrate && bin/server", ["bin/migrate", "bin/server"]),
    ("sh -c 'A=1 mix run'", ["mix run"]),
    ("cd x; bin/a eval \"A.b(1)\"", ["cd x", "bin/a eval A.b(1)"]),
    ("(bin/a start) | cat", ["bin/a start", "cat"]), ("A=1", [""]), ("env", [""]),
    ("bash -lc \"cd x && mix run\"", ["cd x", "mix run"]), ("a 'b && c'", ["a b && c"]), ("", []),
  ]

  @Test func findsTheCommandsOfALine() {
    for (line, expected) in Self.lines {
      let found = ProcessCommand.all(in: line).map {
        ([$0.program] + $0.words.dropFirst()).joined(separator: " ")
      }
      #expect(found == expected, "\(line)")
    }
  }

  /// Commands, and the commands that do the same in a release.
  private static let tools: [(String, String)] = [
    ("web: mix phx.server", "env PHX_SERVER=true bin/my_shop start"),
    ("web: PORT=1 MIX_ENV=prod mix phx.server", "env PORT=1 PHX_SERVER=true bin/my_shop start"),
    ("web: elixir --sname x -S mix phx.server", "env PHX_SERVER=true bin/my_shop start"),
    ("web: iex -S mix", "bin/my_shop start"), ("worker: mix run --no-halt", "bin/my_shop start"),
    ("release: mix ecto.migrate", "bin/my_shop eval MyShop.Release.migrate"),
    ("release: mix do ecto.create, ecto.migrate", "bin/my_shop eval MyShop.Release.migrate"),
    ("release: mix shop.seed", "bin/my_shop eval MODULE.FUNCTION"),
    ("job: mix shop.seed", "bin/my_shop eval MODULE.FUNCTION"),
  ]

  @Test func namesTheLineToWriteInstead() throws {
    for (line, expected) in Self.tools {
      let entries = try Procfile(text: line).entries
      let fault = ProcessFault.tool(in: entries, release: "my_shop", builder: .mix) { _ in false }
      #expect(fault?.remedy == "Write instead: \(entries[0].process): \(expected)", "\(line)")
    }
    let server = try Procfile(text: "web: mix phx.server\nrelease: mix ecto.migrate").entries
    func fault(_ entries: [Procfile.Entry]) -> String? {
      ProcessFault.tool(in: entries, release: "a", builder: .mix) { _ in true }?.remedy
    }
    #expect(fault(server) == "Write instead: web: bin/server")
    #expect(fault(Array(server.dropFirst())) == "Write instead: release: bin/migrate")
    for line in ["web: bin/mix start", "web: node server.js", "web: bin/a eval 'mix'"] {
      #expect(fault(try Procfile(text: line).entries) == nil, "\(line)")
    }
  }
}
