import Buildpack
import Posix
import SlugStore
import TestSupport
import Testing

@Suite struct ComponentsTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder("deps", inMemory: true) }

  private func read() -> [Component] {
    Components.read(
      deps: folder.path + "/deps",
      locks: ["mix.lock", "rebar.lock"].map { folder.path + "/" + $0 })
  }

  private static let (inner, outer) = (
    String(repeating: "1", count: 64), String(repeating: "a", count: 64)
  )

  @Test func readsPackagesOfHex() throws {
    try folder.write(
      "deps/jason/hex_metadata.config",
      """
      {<<"app">>,<<"jason">>}.
      {<<"name">>,<<"jason_too">>}.
      {<<"version">>,<<"1.4.0">>}.
      {<<"description">>,<<"Tell it – äöü"/utf8>>}.
      {<<"licenses">>,[<<"Apache-2.0">>,<<"MIT">>]}.
      {<<"requirements">>,[{<<"decimal">>,[{<<"optional">>,true}]}]}.
      """)
    try folder.write(
      "mix.lock",
      """
      %{
        "jason": {:hex, :jason_too, "1.4.0", "\(Self.inner)", [:mix], [{:decimal, "~> 1.0", [hex: :decimal, repo: "hexpm", optional: true]}], "hexpm", "\(Self.outer)"},
        "local": {:git, "https://example.com/x.git", "0123", []},
      }
      """)
    #expect(
      read() == [
        Component(
          application: "jason", licences: ["Apache-2.0", "MIT"], package: "jason_too",
          version: "1.4.0", sha256: Self.outer)
      ])
  }

  @Test func readsPackagesOfRebar() throws {
    try folder.write(
      "deps/ranch/hex_metadata.config",
      #"{<<"name">>,<<"ranch">>}.\#n{<<"version">>,<<"2.1.0">>}.\#n{<<"licenses">>,[<<"ISC">>]}."#)
    try folder.write(
      "deps/mine/src/mine.app.src",
      "{application, mine, [{vsn, git}, {licenses, [\"Apache 2.0\"]}]}.")
    try folder.write("deps/quiet/src/quiet.app.src", "{application, quiet, [{vsn, \"1\"}]}.")
    try folder.write(
      "rebar.lock",
      """
      {"1.2.0",[{<<"ranch">>,{pkg,<<"ranch">>,<<"2.1.0">>},0}]}.
      [{pkg_hash,[{<<"ranch">>, <<"\(Self.inner)">>}]},
       {pkg_hash_ext,[{<<"ranch">>, <<"\(Self.outer.uppercased())">>}]}].
      """)
    #expect(
      read() == [
        Component(application: "mine", licences: ["Apache 2.0"]),
        Component(
          application: "ranch", licences: ["ISC"], package: "ranch", version: "2.1.0",
          sha256: Self.outer),
      ])
  }

  @Test func skipsFilesThatCannotBeRead() throws {
    #expect(read() == [])
    for (name, text) in [
      ("cut", "{<<\"name\">>,<<\"cut"), ("none", ""), ("other", "[1, {a}, {<<\"name\">>, 1}]."),
      ("deep", String(repeating: "[", count: 100_000)),
    ] { try folder.write("deps/\(name)/hex_metadata.config", text) }
    try folder.write("deps/file", "")
    try folder.write("mix.lock", "{:hex, :\n{:hex, :a\n\"\"{:hex, :b, \"\"\n")
    try folder.write("rebar.lock", "[{pkg_hash_ext, [{}, {1}, {a, b}]}].")
    #expect(read() == [])
  }
}
