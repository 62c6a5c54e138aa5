import Glibc
import Posix
import TestSupport
import Testing

@testable import Buildpack

@Suite struct BuildCacheTests {
  @Test func anUnchangedSourceGetsTheSlug() throws {
    let bench = try CacheBench()
    let first = try bench.fill()
    let tree = try bench.checkOut()
    #expect(bench.restore(bench.wanted(tree)) == .slug)
    #expect(try CacheBench.contents(tree.slug) == CacheBench.contents(first.slug))
    #expect(!Files.exists(tree.build))
    #expect(!Files.exists(tree.dependencies))
    #expect(try Files.list(tree.source + "/.relpack-1") == ["slug"])
  }

  @Test func compiledCodeComesBackWithTimesByContent() throws {
    let bench = try CacheBench()
    let first = try bench.fill()
    var files = CacheBench.source
    files["lib/a.ex"] = "A"
    let tree = try bench.checkOut(files)
    #expect(bench.restore(bench.wanted(tree)) == .compiled("lib/a.ex changed"))
    #expect(try CacheBench.contents(tree.build) == CacheBench.contents(first.build))
    #expect(try CacheBench.contents(tree.dependencies) == CacheBench.contents(first.dependencies))
    func time(_ path: String) -> Int64? { Files.modified(path).map { $0 / 1_000_000_000 } }
    let (same, restored) = (time(tree.source + "/mix.exs"), time(tree.build + "/lib/d"))
    #expect(same == 946_684_800)
    #expect(restored == 946_771_200)
    #expect(time(tree.source + "/priv") == same)
    #expect(time(tree.build + "/lib/d/ebin/d.beam") == restored)
    #expect(time(tree.dependencies + "/d/.fetch") == restored)
    for path in ["/lib/a.ex", "/lib"] {
      #expect((time(tree.source + path) ?? 0) > 1_700_000_000)
    }
    #expect(time(tree.source + "/apps/b/lib/b.ex") == same)
    // A cold build sees the same times.
    let cold = try bench.checkOut(files)
    #expect(
      bench.restore(bench.wanted(cold), BuildCache(folder: nil))
        == .nothing("there is no cache folder"))
    for path in ["/lib/a.ex", "/lib", "/mix.exs"] { #expect(time(cold.source + path) == same) }
  }

  /// Changes, and the parts that are used again after them.
  @Test func aChangeDecidesHowMuchIsUsedAgain() throws {
    let bench = try CacheBench()
    try bench.fill()
    let fetched = { BuildCache.Reuse.compiledDependencies($0) }
    let cases: [([String: String?], [String: String], BuildCache.Reuse)] = [
      ([:], [:], .slug),
      (["lib/a.ex": "A"], [:], .compiled("lib/a.ex changed")),
      (["apps/b/lib/b.ex": nil], [:], fetched("apps/b/lib/b.ex removed")),
      (["lib/new.ex": ""], [:], fetched("lib/new.ex added")),
      (["lib/page.html.heex": "PAGE"], [:], .compiled("lib/page.html.heex changed")),
      (["lib/page.html.heex": nil], [:], fetched("lib/page.html.heex removed")),
      (["lib/mail.eex": "MAIL"], [:], fetched("lib/mail.eex changed")),
      (["README.md": "READ", "lib/a.ex": "A"], [:], fetched("README.md changed")),
      (["priv/lib/x.ex": ""], [:], fetched("priv/lib/x.ex added")),
      (
        ["mix.exs": "x", "1": "", "2": "", "3": ""], [:],
        fetched("1 added, 2 added, 3 added and 1 more")
      ),
      (
        ["priv/x/mix.exs": "", "priv/x/lib/x.ex": ""], [:],
        fetched("priv/x/lib/x.ex added, priv/x/mix.exs added")
      ),
      (["src/x.erl": ""], [:], fetched("src/x.erl added")),
      (["deps/v/lib/v.ex": ""], [:], .dependencies("deps/v/lib/v.ex added")),
      (["lib/a.ex": "A"], ["Elixir": "1.15.7"], .dependencies("Elixir 1.14.0 → 1.15.7")),
      ([:], ["config": String(repeating: "8", count: 64)], .dependencies("config changed")),
      ([:], ["mix.lock": "4567"], .nothing("mix.lock 0123 → 4567")),
      (
        [:], ["mix.lock": "4567", "Elixir": "2"],
        .nothing("mix.lock 0123 → 4567, Elixir 1.14.0 → 2")
      ),
      ([:], ["mix.lock": ""], .nothing("there is no mix.lock")),
    ]
    for (changes, key, expected) in cases {
      var files = CacheBench.source
      for (path, text) in changes { files[path] = text }
      let tree = try bench.checkOut(files)
      #expect(bench.restore(bench.wanted(tree, CacheBench.key(key))) == expected)
      let build = try CacheBench.contents(tree.build).filter { $0.contains(".beam") }
      switch expected {
      case .compiled: #expect(build.count == 3)
      case .compiledDependencies:
        #expect(build == ["lib/d/ebin/d.beam 644 beam d", "lib/e/ebin/e.beam 644 beam e"])
      default: #expect(build == [])
      }
    }
    #expect(
      bench.restore(
        bench.wanted(try bench.checkOut()), BuildCache(folder: bench.cache.folder, isOff: true))
        == .nothing("the cache is off"))
  }

  @Test func aVariableCountsOnlyIfCodeMentionsIt() throws {
    let bench = try CacheBench()
    var files = CacheBench.source
    func reuse(_ files: [String: String], _ variables: [String: String]) throws -> BuildCache.Reuse
    {
      bench.restore(
        bench.wanted(try bench.checkOut(files), CacheBench.key(variables: variables)))
    }
    files["README.md"] = "SOURCE_VERSION, OTHER"
    try bench.fill(files)
    #expect(try reuse(files, ["SOURCE_VERSION": "2"]) == .slug)
    files["lib/a.ex"] = "System.get_env(\"SOURCE_VERSION\")"
    try bench.fill(files)
    #expect(try reuse(files, ["SOURCE_VERSION": "1", "OTHER": "1"]) == .slug)
    #expect(
      try reuse(files, ["SOURCE_VERSION": "2"]) == .compiledDependencies("SOURCE_VERSION changed"))
    #expect(try reuse(files, [:]) == .compiledDependencies("SOURCE_VERSION changed"))
    try bench.fill(CacheBench.source) { tree, _ in
      try CacheBench.write(["d/lib/e.ex": "SOURCE_VERSION"], to: tree.dependencies)
      try bench.touchLater(tree.dependencies + "/d/.fetch")
    }
    #expect(try reuse(CacheBench.source, ["SOURCE_VERSION": "1"]) == .slug)
    #expect(try reuse(CacheBench.source, [:]) == .dependencies("SOURCE_VERSION changed"))
    // A word that crosses the border of two parts of a file.
    files["lib/a.ex"] = String(repeating: " ", count: (1 << 20) - 5) + "SOURCE_VERSION"
    #expect(try bench.checkOut(files).digests.mentioned == ["SOURCE_VERSION"])
  }

  @Test func codeThatCallsGitIsCompiledAfterEachCommit() throws {
    let bench = try CacheBench()
    var files = CacheBench.source
    func tree(_ head: String) throws -> CacheBench.Tree {
      let tree = try bench.checkOut(files)
      try CacheBench.write(
        ["HEAD": "ref: refs/heads/main", "refs/heads/main": head], to: tree.source + "/.git")
      return tree
    }
    for (code, expected) in [
      ("no", BuildCache.Reuse.slug),
      ("System.cmd(\"git\", [])", .compiledDependencies(".git changed")),
    ] {
      files["mix.exs"] = code
      try bench.fill(files) { tree, _ in
        try CacheBench.write(
          ["HEAD": "ref: refs/heads/main", "refs/heads/main": "1"], to: tree.source + "/.git")
      }
      #expect(bench.restore(bench.wanted(try tree("1"))) == .slug)
      #expect(bench.restore(bench.wanted(try tree("2"))) == expected)
    }
  }

  /// Code that may depend on files outside of the source is not used again.
  @Test func linksOutOfTheSourceLimitTheReuse() throws {
    let bench = try CacheBench()
    try bench.fill()
    for (target, isInside) in [
      ("/etc/hostname", false), ("../../x", false), ("_build/x", false), ("mix.exs", true),
      ("deps/d", true),
    ] {
      let tree = try bench.checkOut()
      try Files.makeFolder(tree.source + "/_build/x")
      try Files.symbolicLink(to: target, at: tree.source + "/link")
      let digests = try SourceDigests.read(tree.source, lookingFor: [])
      #expect((digests.unfit == nil) == isInside, "\(target)")
      var wanted = bench.wanted(tree)
      wanted.digests = digests
      #expect(
        bench.restore(wanted)
          == (isInside
            ? .compiledDependencies("link added")
            : .dependencies("'link' is a link that leads out of the source")))
    }
    let tree = try bench.checkOut()
    #expect(mkfifo(tree.source + "/pipe", 0o600) == 0)
    #expect(
      try SourceDigests.read(tree.source, lookingFor: []).unfit
        == "'pipe' is neither file, folder nor link")
  }

  @Test func someResultsAreNotKept() throws {
    let bench = try CacheBench()
    try bench.fill { tree, made in
      made.leavingOut = ["e"]
      try Files.symbolicLink(to: "/etc/hostname", at: tree.build + "/lib/a/priv")
      try Files.symbolicLink(to: "../../../../../../../etc", at: tree.dependencies + "/out")
      try Files.symbolicLink(to: "../../etc", at: tree.slug + "/lib/out")
    }
    let tree = try bench.checkOut()
    #expect(bench.restore(bench.wanted(tree)) == .compiled("nothing has changed"))
    #expect(
      try CacheBench.contents(tree.build)
        == [
          "lib/", "lib/d/", "lib/d/ebin/", "lib/d/ebin/d.beam 644 beam d",
          "lib/d/priv -> ../../../../deps/d",
        ])
    #expect(try Files.list(tree.dependencies) == ["d"])
  }

  @Test func dependenciesOfTheSourceStay() throws {
    let bench = try CacheBench()
    var files = CacheBench.source
    files["deps/d/lib/d.ex"] = "vendored"
    let first = try bench.checkOut(files)
    try CacheBench.write(CacheBench.build, to: first.build)
    var made = bench.made(first)
    (made.dependencies, made.slug) = (nil, nil)
    #expect(bench.cache.store(made) == nil)
    let tree = try bench.checkOut(files)
    #expect(bench.restore(bench.wanted(tree)) == .compiled("nothing has changed"))
    files["deps/d/lib/d.ex"] = "VENDORED"
    #expect(
      bench.restore(bench.wanted(try bench.checkOut(files)))
        == .nothing("deps/d/lib/d.ex changed"))
  }

  /// Compilers make files in a dependency's own folder, which other tools must not use.
  @Test func dependenciesWithCompiledFilesAreForTheSameTools() throws {
    let bench = try CacheBench()
    let other = CacheBench.key(["Elixir": "2"])
    let untouched = BuildCache.Reuse.dependencies("Elixir 1.14.0 → 2")
    try bench.fill { tree, _ in
      try CacheBench.write(["n/mix.exs": "n", "n/.fetch": ""], to: tree.dependencies)
      try bench.touchLater(tree.dependencies + "/n/.fetch")
      try CacheBench.write(["n/priv/nif.so": "machine code"], to: tree.dependencies)
    }
    let tree = try bench.checkOut()
    #expect(bench.restore(bench.wanted(tree, other)) == untouched)
    #expect(try Files.list(tree.dependencies) == ["d"])
    // The same tools use it again.
    var files = CacheBench.source
    files["lib/a.ex"] = "A"
    let next = try bench.checkOut(files)
    #expect(bench.restore(bench.wanted(next)) == .compiled("lib/a.ex changed"))
    #expect(try Files.list(next.dependencies) == ["d", "n"])
    #expect(bench.cache.store(bench.made(next)) == nil)
    let last = try bench.checkOut(files)
    #expect(
      [untouched, .nothing("Elixir 1.14.0 → 2")].contains(
        bench.restore(bench.wanted(last, other))))
    #expect(!Files.exists(last.dependencies + "/n"))
  }
}
