import Posix
import ReleaseModel
import TestSupport
import Testing

/// Real builds with values of config vars in their results.
@Suite(.waitsForPrograms) struct SecretInSlugTests {
  /// Words that mix, relx and OTP write themselves, under names of all kinds.
  static let words = [
    "RELEASE_MODE": "embedded", "ROLE": "supervisor", "POOL_TIMEOUT": "infinity",
    "MODE": "foreground", "SESSION_KEY": "embedded", "COOKIE": "supervisor", "PASS": "infinity",
    "AUTH": "foreground", "START_TOKEN": "start_erl", "NODE_TOKEN": "distributed",
  ]

  private func build(
    _ project: String, _ config: [String: String], change: (String) throws -> Void
  ) throws -> Platform.Result {
    var sample = try #require(Sample.all.first { $0.name == project })
    sample.config = Self.words.merging(config) { $1 }
    let host = try BuildHost(sample)
    let result = try host.compile(try host.unpack("source", change: change))
    let told = result.lines.joined(separator: "\n")
    let hidden = config.filter { !$0.key.hasPrefix("RELPACK_") }.values
    #expect(hidden.filter { told.contains($0) } == [])
    return result
  }

  private func expectGreen(_ result: Platform.Result, warned: [String] = []) {
    #expect(result.exit == .code(0), "\(result.lines.joined(separator: "\n"))")
    let warnings = result.lines.filter {
      $0.hasPrefix(" !     ") && !$0.contains("is left out of the build")
    }
    #expect(warnings == warned.map { " !     " + $0 })
  }

  @Test(arguments: ["sprout", "pebble"]) func wordsOfTheToolsAreNotLeaks(_ project: String) throws {
    expectGreen(try build(project, [:]) { _ in })
  }

  struct Leak: Sendable, CustomTestStringConvertible {
    var name: String
    var value: String
    var project = "sprout"
    /// A file of the source, and the text that is added to its end.
    var file: String
    var text: String
    var place: String
    var testDescription: String { "\(name) in \(place)" }
  }

  static let leaks = [
    Leak(
      name: "API_KEY", value: "correct horse", file: "config/config.exs",
      text: #"import Config; config :sprout, key: System.get_env("API_KEY")"#,
      place: "releases/0.1.0/sys.config"),
    Leak(
      name: "SITE", value: "f3Qz81LmX0pRv7Yt2Kd9", file: "lib/sprout/site.ex",
      text: #"defmodule Sprout.Site, do: def(site, do: unquote(System.get_env("SITE")))"#,
      place: "lib/sprout-0.1.0/ebin/Elixir.Sprout.Site.beam"),
    Leak(
      name: "SITE", value: "ecto://app:horse@db/app", file: "rel/env.sh.eex",
      text: #"export SITE=<%= System.get_env("SITE") %>"#, place: "releases/0.1.0/env.sh"),
    Leak(
      name: "DB_PASSWORD", value: "correct-horse", file: "rel/env.sh.eex",
      text: #"export X=<%= System.get_env("DB_PASSWORD") %>"#, place: "releases/0.1.0/env.sh"),
    Leak(
      name: "DB_PASSWORD", value: "correct-horse", project: "pebble", file: "rebar.config.script",
      text:
        #"[{erl_opts, [{d, 'WORD', os:getenv("DB_PASSWORD")}]} | lists:keydelete(erl_opts, 1, CONFIG)]."#,
      place: "lib/pebble-0.3.0/ebin/pebble_word.beam"),
  ]

  @Test(arguments: leaks) func aValueInTheProjectsFilesIsRefused(_ leak: Leak) throws {
    let change = { (source: String) in
      if leak.project == "pebble" {
        try Self.write(
          source + "/src/pebble_word.erl", "-module(pebble_word).\n-export([w/0]).\nw() -> ?WORD.\n"
        )
      }
      try Self.write(source + "/" + leak.file, leak.text + "\n")
    }
    let refused = try build(leak.project, [leak.name: leak.value], change: change)
    #expect(refused.exit == .code(1))
    #expect(
      refused.lines.contains(
        " !     the value of \(leak.name) is in \(leak.place) [RT-BUILD-SECRET]"),
      "\(refused.lines.joined(separator: "\n"))")
    #expect(
      refused.lines.last?.hasSuffix("set the config var RELPACK_PUBLIC=\(leak.name).") == true)
  }

  private static func write(_ path: String, _ text: String) throws {
    try Files.makeFolder(Files.parent(of: path), mode: 0o755)
    try File.open(path, .create).write(text)
  }

  static let misuse =
    "config/config.exs:1 reads PHX_HOST when the app is compiled; its value is baked in. "
    + "Read it in config/runtime.exs"

  @Test func aHarmlessValueIsAWarning() throws {
    let host = "shop.example.com"
    let inConfiguration = { (source: String) in
      try Self.write(
        source + "/config/config.exs",
        #"import Config; config :sprout, host: System.get_env("PHX_HOST")"#)
    }
    expectGreen(
      try build("sprout", ["PHX_HOST": host], change: inConfiguration), warned: [Self.misuse])
    let inCode = { (source: String) in
      try Self.write(
        source + "/lib/sprout/host.ex",
        #"defmodule Sprout.Host, do: def(host, do: unquote(System.get_env("PHX_HOST")))"#)
    }
    let line =
      "the slug holds values of config vars: PHX_HOST (lib/sprout-0.1.0/ebin/Elixir.Sprout.Host.beam). "
      + "If that is wanted: RELPACK_PUBLIC=PHX_HOST"
    expectGreen(try build("sprout", ["PHX_HOST": host], change: inCode), warned: [line])
    let wanted = ["PHX_HOST": host, "RELPACK_PUBLIC": "PHX_HOST"]
    expectGreen(try build("sprout", wanted, change: inCode))
  }

  /// As Elixir writes them into the `.app` file.
  @Test func keysReadAtCompileTimeAreInTheManifest() throws {
    let sample = try #require(Sample.all.first { $0.name == "sprout" })
    let host = try BuildHost(sample)
    let source = try host.unpack("source") { source in
      try Self.write(source + "/config/config.exs", "import Config; config :sprout, a: [b: 1]")
      try Self.write(
        source + "/lib/sprout/deep.ex",
        """
        defmodule Sprout.Deep do
          def deep, do: unquote(Application.compile_env(:sprout, [:a, :b]))
          def level, do: unquote(Application.compile_env(:logger, :level, :info))
        end
        """)
    }
    #expect(try host.compile(source).exit == .code(0))
    let manifest = try Manifest(bytes: Files.read(source + "/" + Manifest.path))
    #expect(
      manifest.compileEnv == [
        Manifest.CompileEnv(application: "logger", key: ":level", reader: "sprout"),
        Manifest.CompileEnv(application: "sprout", key: "[:a, :b]", reader: "sprout"),
      ])
  }

  @Test(arguments: ["X, API_KEY", "all"]) func theOperatorCanAllowValues(_ names: String) throws {
    let leak = Self.leaks[0]
    let config = [leak.name: leak.value, "RELPACK_PUBLIC": names]
    let built = try build("sprout", config) { try Self.write($0 + "/" + leak.file, leak.text) }
    expectGreen(
      built, warned: [Self.misuse.replacing("PHX_HOST", with: "API_KEY")])
  }
}
