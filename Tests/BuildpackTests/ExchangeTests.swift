import Posix
import TestSupport
import Testing

@testable import Buildpack

@Suite struct ExchangeTests {
  private let folder: TemporaryFolder
  private var source: String { folder.path + "/source" }
  private var hidden: String { source + "/.relpack-0123abcd" }
  private var exchange: Exchange { Exchange(source: source, folder: hidden) }

  init() throws {
    folder = try TemporaryFolder("exchange", inMemory: true)
    for (path, text) in ["mix.exs": "a", "lib/x.ex": "b", "bin/tool": "c", "releases": "d"] {
      try folder.write("source/" + path, text)
    }
    for path in ["bin/app", "lib/x.beam", "releases/1/x"] {
      try folder.write("source/.relpack-0123abcd/slug/" + path, "slug")
    }
  }

  private func content() throws -> [String] {
    try FileTree.entries(of: source, skipping: { $0.hasPrefix(".relpack") }).map { entry in
      let path = source + "/" + entry.path
      let text =
        entry.info.kind == .file ? String(decoding: try Files.read(path), as: UTF8.self) : ""
      return "\(entry.path) \(text)"
    }
  }

  private func writeNote(_ words: [String]) throws {
    try Files.replace(hidden + "/exchange", with: words.flatMap { Array($0.utf8) + [0] })
  }

  @Test func replacesTheSourceByTheSlug() throws {
    try exchange.perform()
    #expect(try Files.list(source) == [".relpack-0123abcd", "bin", "lib", "releases"])
    #expect(Files.exists(source + "/bin/app") && !Files.exists(source + "/bin/tool"))
    #expect(!exchange.isUnderWay)
  }

  /// Killed after any of its moves.
  @Test func isUndoneFromEveryMoment() throws {
    let before = try content()
    let names = ["bin", "lib", "releases"]
    let old = ["bin", "lib", "mix.exs", "releases"]
    for moves in 0...(names.count + old.count) {
      try Files.makeFolder(hidden + "/old")
      try writeNote([try Files.identity(source)] + names)
      for name in old.prefix(moves) {
        try Files.rename("\(source)/\(name)", to: "\(hidden)/old/\(name)")
      }
      for name in names.prefix(max(0, moves - old.count)) {
        try Files.rename("\(hidden)/slug/\(name)", to: "\(source)/\(name)")
      }
      try exchange.undo()
      #expect(try content() == before, "after \(moves) moves")
      #expect(try Files.list(hidden + "/slug") == names && !exchange.isUnderWay)
    }
  }

  /// Something has taken a name meanwhile: all else is back, and nothing is lost.
  @Test func leavesWhatIsInTheWay() throws {
    try Files.makeFolder(hidden + "/old")
    try writeNote([try Files.identity(source), "lib"])
    for name in ["bin", "lib", "mix.exs"] {
      try Files.rename("\(source)/\(name)", to: "\(hidden)/old/\(name)")
    }
    try folder.write("source/bin/other", "in the way")
    #expect(throws: PosixError.self) { try exchange.undo() }
    #expect(try Files.list(hidden + "/old") == ["bin"] && exchange.isUnderWay)
    #expect(Files.exists(source + "/mix.exs") && Files.exists(source + "/lib/x.ex"))
    let staging = try? Staging(source)
    #expect(staging == nil && Files.exists(hidden + "/old/bin/tool"))
    try Files.remove(source + "/bin")
    _ = try Staging(source)
    #expect(Files.exists(source + "/bin/tool") && !Files.exists(hidden))
  }

  /// A note that came with the source moves nothing.
  @Test(arguments: ["../victim", "..", ".", "a/b"]) func believesNoOther(_ name: String) throws {
    try folder.write("victim/x", "precious")
    try Files.makeFolder(hidden + "/old")
    for words in [[try Files.identity(source), name], ["1:2", "bin"]] {
      try writeNote(words)
      #expect(throws: PosixError.self) { try exchange.undo() }
      #expect(Files.exists(folder.path + "/victim/x") && Files.exists(source + "/bin/tool"))
    }
  }

  @Test func onlyOneBuildAtATime() throws {
    let first = try Staging(source)
    #expect(throws: BuildFailure.busy(source)) { try Staging(source) }
    withExtendedLifetime(first) {}
  }

  @Test func whatScriptsOfTheProfileName() {
    for (script, names) in [
      ("export PATH=\"$HOME/.apt/usr/bin:/app/.tool/bin:$PATH\"", [".apt", ".tool"]),
      ("X=${HOME}/vendor/x", ["vendor"]), ("# see https://wiki.example.com/app/src/x", []),
      ("export CONF=/opt/app/config/x", []), ("cd /app/", []), (". $HOME/../etc/x", []),
      ("  # /app/secret", []),
    ] as [(String, Set<String>)] {
      #expect(Inheritance.mentioned(in: script) == names, "\(script)")
    }
  }
}
