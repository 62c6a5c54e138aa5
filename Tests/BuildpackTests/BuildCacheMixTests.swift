import Posix
import TestSupport
import Testing

@testable import Buildpack

/// Builds with the real mix and a cache between them.
private final class Workshop: Sendable {
  let folder: TemporaryFolder
  let own: Set<String>
  var cache: BuildCache { BuildCache(folder: folder.path + "/cache/reltui") }

  init(own: Set<String>) throws {
    folder = try TemporaryFolder("cache-mix", inMemory: true)
    self.own = own
    try Files.makeFolder(folder.path + "/cache")
  }

  struct Result {
    var reuse: BuildCache.Reuse
    var text: String
    /// The number of sources that mix has compiled.
    var compiled: Int
    var slug: [String]
  }

  /// One build in a folder of its own, as on a platform. All files get the same time, as from `git archive`.
  func build(
    _ files: [String: String], keep: Bool = true, cache: BuildCache? = nil,
    command: [String] = ["run", "-e", "IO.puts(\"shows \" <> P.show())"], slug: Bool = false
  ) throws -> Result {
    let cache = cache ?? self.cache
    let source = folder.path + "/build-" + Random.hex(3)
    for (path, text) in files {
      try Files.makeFolder(Files.parent(of: source + "/" + path), mode: 0o755)
      try File.open(source + "/" + path, .create, mode: 0o644).write(text)
      try Files.setModified(source + "/" + path, 1_700_000_000)
    }
    let staging = source + "/.relpack-" + Random.hex(4)
    try Files.makeFolder(staging)
    let digests = try SourceDigests.read(source, lookingFor: ["SOURCE_VERSION"])
    let lock = files["mix.lock"] ?? ""
    let key = CacheKey(
      parts: [
        .init(name: "mix.lock", value: Hex.encode(SHA256.digest(Array(lock.utf8)))),
        .init(name: "config", value: files["config/config.exs"] ?? ""),
      ], lock: "mix.lock", variables: ["SOURCE_VERSION": "1"])
    let reuse = cache.restore(
      .init(
        key: key, digests: digests, origin: source, root: source, source: source,
        dependencies: source + "/deps", build: staging + "/build", slug: staging + "/slug")
    ) {}
    var environment = Environment.current
    environment["MIX_ENV"] = "prod"
    environment["MIX_BUILD_PATH"] = staging + "/build"
    environment["MIX_HOME"] = folder.path + "/mix"
    environment["HEX_HOME"] = folder.path + "/hex"
    let output = try Invocation(["mix"] + command, in: source, environment: environment)
      .run(limit: 1_000_000)
    #expect(output.exit == .code(0), "\(output.text)")
    var tree: [String] = []
    if slug {
      let release = try Invocation(
        ["mix", "release", "--overwrite", "--quiet", "--path", staging + "/slug"], in: source,
        environment: environment
      ).run(limit: 1_000_000)
      #expect(release.exit == .code(0), "\(release.text)")
      try Files.remove(staging + "/slug/releases/COOKIE")
      tree = try Self.describe(staging + "/slug")
    }
    if keep {
      let warning = cache.store(
        .init(
          key: key, digests: digests, origin: source, root: source,
          dependencies: Files.isFolder(source + "/deps") ? source + "/deps" : nil,
          dependenciesPlace: source + "/deps", build: staging + "/build",
          buildPlace: staging + "/build", slug: nil, ownApplications: own))
      #expect(warning == nil)
    }
    let lines = output.text.split(separator: "\n")
    let counts = lines.compactMap { line in
      line.contains("Compiling ") ? line.split(separator: " ").compactMap { Int($0) }.first : nil
    }
    return Result(
      reuse: reuse,
      text: lines.first { $0.hasPrefix("shows ") }.map { String($0.dropFirst(6)) } ?? "",
      compiled: counts.reduce(0, +), slug: tree)
  }

  private static func describe(_ tree: String) throws -> [String] {
    try FileTree.entries(of: tree).map { entry in
      let content =
        entry.info.kind == .file
        ? Hex.encode(try SHA256.digest(ofFile: tree + "/" + entry.path)) : ""
      return "\(entry.path) \(String(entry.info.mode, radix: 8)) \(content)"
    }
  }
}

@Suite(.waitsForPrograms) struct BuildCacheMixTests {
  /// Every way in which a file gets into compiled code. Each value is one letter.
  private static let project: [String: String] = [
    "mix.exs": """
    defmodule P.MixProject do
      use Mix.Project
      def project, do: [app: :p, version: "0.1.0", deps: [{:near, path: "near"}]]
      def application, do: [extra_applications: []]
    end
    """,
    "config/config.exs": """
    import Config
    config :p, value: "a"
    """,
    "lib/p.ex": """
    defmodule P do
      def show do
        Enum.join(
          [plain(), P.Uses.value(), :p_erl.value(), :p_erl.header(), parsed(), P.Resource.value(),
           P.Config.value(), P.Read.value(), File.read!(Application.app_dir(:p, "priv/data")),
           Near.value(), P.Struct.value(), P.Record.value(), P.Template.value()], " ")
      end
      def plain, do: "plain-a"
      def parsed do
        {:ok, value} = :p_parser.parse([{:word, 1}])
        to_string(value)
      end
    end
    """,
    "lib/macro.ex": """
    defmodule P.Macro do
      defmacro value, do: P.Helper.value()
    end
    """,
    "lib/helper.ex": """
    defmodule P.Helper do
      def value, do: "macro-a"
    end
    """,
    "lib/uses.ex": """
    defmodule P.Uses do
      require P.Macro
      def value, do: P.Macro.value()
    end
    """,
    "lib/resource.ex": """
    defmodule P.Resource do
      @external_resource "words.txt"
      @value File.read!("words.txt")
      def value, do: @value
    end
    """,
    "words.txt": "resource-a",
    "lib/read.ex": """
    defmodule P.Read do
      @value File.read!("README.md")
      def value, do: @value
    end
    """,
    "README.md": "read-a",
    "lib/config.ex": """
    defmodule P.Config do
      @value Application.compile_env(:p, :value)
      def value, do: "config-" <> @value
    end
    """,
    "lib/shape.ex": """
    defmodule P.Shape do
      defstruct [value: "struct-a"]
    end
    """,
    "lib/struct.ex": """
    defmodule P.Struct do
      def value, do: %P.Shape{}.value
    end
    """,
    "lib/record.ex": """
    defmodule P.Record do
      require Record
      Record.defrecord(:row, Record.extract(:row, from: "include/row.hrl"))
      def value, do: row(row(), :value)
    end
    """,
    "include/row.hrl": "-record(row, {value = <<\"record-a\">>}).\n",
    "lib/template.ex": """
    defmodule P.Template do
      require EEx
      EEx.function_from_file(:def, :value, "lib/page.eex")
    end
    """,
    "lib/page.eex": "template-a",
    "src/p_erl.erl": """
    -module(p_erl).
    -export([value/0, header/0]).
    -include("p.hrl").
    value() -> <<"erl-a">>.
    header() -> ?HEADER.
    """,
    "include/p.hrl": "-define(HEADER, <<\"header-a\">>).\n",
    "src/p_parser.yrl": """
    Nonterminals all.
    Terminals word.
    Rootsymbol all.
    all -> word : <<"parsed-a">>.
    """,
    "priv/data": "priv-a",
    "near/mix.exs": near,
    "near/lib/near.ex": """
    defmodule Near do
      def value, do: "near-a"
    end
    """,
  ]

  private static let near = """
    defmodule Near.MixProject do
      use Mix.Project
      def project, do: [app: :near, version: "0.1.0"]
    end
    """

  private static let shown =
    "plain-a macro-a erl-a header-a parsed-a resource-a config-a read-a priv-a near-a struct-a"
    + " record-a template-a"

  /// Changes that keep the size and all times: file, the output after the change, and whether mix compiles everything
  /// again.
  private static let changes: [(path: String, value: String, isTracked: Bool)] = [
    ("lib/p.ex", "plain", true), ("lib/helper.ex", "macro", true), ("lib/shape.ex", "struct", true),
    ("near/lib/near.ex", "near", true), ("src/p_erl.erl", "erl", false),
    ("include/p.hrl", "header", false), ("include/row.hrl", "record", false),
    ("src/p_parser.yrl", "parsed", false), ("words.txt", "resource", false),
    ("README.md", "read", false), ("priv/data", "priv", false), ("lib/page.eex", "template", false),
  ]

  @Test func aChangedSourceIsAlwaysCompiled() throws {
    let workshop = try Workshop(own: ["p", "near"])
    let first = try workshop.build(Self.project)
    #expect(first.text == Self.shown)
    #expect(first.reuse == .nothing("the cache is empty"))
    #expect(first.compiled > 10)
    for change in Self.changes {
      var files = Self.project
      files[change.path] = files[change.path]?.replacing("-a", with: "-b")
      let result = try workshop.build(files, keep: false)
      #expect(
        result.text == Self.shown.replacing(change.value + "-a", with: change.value + "-b"),
        "\(change.path)")
      let why = change.path + " changed"
      #expect(result.reuse == (change.isTracked ? .compiled(why) : .nothing(why)))
      if change.isTracked { #expect(result.compiled < first.compiled, "\(change.path)") }
    }
    var files = Self.project
    files["config/config.exs"] = files["config/config.exs"]?.replacing("\"a\"", with: "\"b\"")
    let configured = try workshop.build(files, keep: false)
    #expect(configured.text == Self.shown.replacing("config-a", with: "config-b"))
    #expect(configured.reuse == .nothing("config changed"))
  }

  @Test func anUnchangedSourceIsNotCompiledAndASecondChangeIsSeen() throws {
    let workshop = try Workshop(own: ["p", "near"])
    var files = Self.project
    // mix generates Erlang from a grammar again in each new source.
    files["src/p_parser.yrl"] = nil
    files["src/p_parser.erl"] = """
      -module(p_parser).
      -export([parse/1]).
      parse(_) -> {ok, <<"parsed-a">>}.
      """
    let cold = try workshop.build(files, slug: true)
    let same = try workshop.build(files, slug: true)
    #expect(same.reuse == .compiled("nothing has changed"))
    #expect((same.compiled, same.text) == (0, Self.shown))
    #expect(difference(same.slug, cold.slug) == [])
    // Each build uses the cache of the build before; then all changes are undone.
    for letter in ["b", "c", "a"] {
      files["lib/helper.ex"] = Self.project["lib/helper.ex"]?.replacing("-a", with: "-" + letter)
      let warm = try workshop.build(files, slug: true)
      #expect(warm.reuse == .compiled("lib/helper.ex changed"))
      #expect(warm.text == Self.shown.replacing("macro-a", with: "macro-" + letter))
      if letter == "b" {
        let anew = try workshop.build(
          files, keep: false, cache: BuildCache(folder: nil), slug: true)
        #expect(difference(warm.slug, anew.slug) == [])
        #expect(difference(warm.slug, cold.slug).count == 4)
      }
    }
    files["lib/uses.ex"] = nil
    files["lib/other.ex"] = Self.project["lib/uses.ex"]
    files["lib/more.ex"] = "defmodule P.More do\nend\n"
    let moved = try workshop.build(files, slug: true)
    let anew = try workshop.build(files, keep: false, cache: BuildCache(folder: nil), slug: true)
    #expect(moved.reuse == .nothing("lib/more.ex added, lib/other.ex added, lib/uses.ex removed"))
    #expect(moved.text == Self.shown)
    #expect(difference(moved.slug, anew.slug) == [])
    files["lib/more.ex"] = nil
    files["lib/other.ex"] = nil
    files["lib/uses.ex"] = Self.project["lib/uses.ex"]
    let back = try workshop.build(files, slug: true)
    #expect(difference(back.slug, cold.slug) == [])
  }

  /// The repository is removed after the first build, so a second fetch would fail.
  @Test func fetchedDependenciesAreNotFetchedAgain() throws {
    let workshop = try Workshop(own: ["p"])
    let repository = workshop.folder.path + "/far"
    for name in ["lib", "priv"] { try Files.makeFolder(repository + "/" + name) }
    for (path, text) in [
      "mix.exs": Self.near.replacing("Near", with: "Far").replacing("near", with: "far"),
      "lib/far.ex": "defmodule Far do\n  def value, do: \"far\"\nend\n", "priv/data": "private",
    ] { try File.open(repository + "/" + path, .create, mode: 0o644).write(text) }
    let git = try Invocation(
      [
        "sh", "-c",
        "git init -q && git add . && git -c user.name=n -c user.email=e commit -qm m && git rev-parse HEAD",
      ], in: repository, environment: Environment.current
    ).run()
    #expect(git.exit == .code(0), "\(git.text)")
    let commit = git.text.suffix(41).prefix(40)
    var files = [
      "mix.exs": """
      defmodule P.MixProject do
        use Mix.Project
        def project, do: [app: :p, version: "0.1.0", deps: [{:far, git: "\(repository)"}]]
      end
      """,
      "mix.lock": "%{\n  \"far\": {:git, \"\(repository)\", \"\(commit)\", []},\n}\n",
      "lib/p.ex": "defmodule P do\n  def show, do: Far.value() <> \" a\"\nend\n",
    ]
    func build() throws -> Workshop.Result {
      try workshop.build(
        files,
        command: [
          "do", "deps.get", "--only", "prod,", "run", "-e", "IO.puts(\"shows \" <> P.show())",
        ])
    }
    let first = try build()
    #expect((first.text, first.compiled) == ("far a", 2))
    try Files.rename(repository, to: repository + "-away")
    let same = try build()
    #expect(same.reuse == .compiled("nothing has changed"))
    #expect((same.text, same.compiled) == ("far a", 0))
    files["lib/p.ex"] = files["lib/p.ex"]?.replacing(" a", with: " b")
    let changed = try build()
    #expect((changed.text, changed.compiled) == ("far b", 1))
    files["README.md"] = "new"
    let anew = try build()
    #expect(anew.reuse == .compiledDependencies("README.md added"))
    #expect((anew.text, anew.compiled) == ("far b", 1))
    files["config/config.exs"] = "import Config\n"
    let configured = try build()
    #expect(configured.reuse == .dependencies("config changed"))
    #expect((configured.text, configured.compiled) == ("far b", 2))
  }

  @Test func aChangedChildOfAnUmbrellaIsCompiled() throws {
    let workshop = try Workshop(own: ["one", "two"])
    func child(_ name: String, _ dependencies: String) -> String {
      """
      defmodule \(name.capitalized).MixProject do
        use Mix.Project
        def project do
          [app: :\(name), version: "0.1.0", build_path: "../../_build", deps_path: "../../deps",
           lockfile: "../../mix.lock", config_path: "../../config/config.exs", deps: [\(dependencies)]]
        end
      end
      """
    }
    var files = [
      "mix.exs": """
      defmodule U.MixProject do
        use Mix.Project
        def project, do: [apps_path: "apps", version: "0.1.0", deps: []]
      end
      """,
      "config/config.exs": "import Config\n",
      "apps/one/mix.exs": child("one", ""),
      "apps/two/mix.exs": child("two", "{:one, in_umbrella: true}"),
      "apps/one/lib/one.ex": """
      defmodule One do
        defmacro value, do: "a"
      end
      """,
      "apps/two/lib/p.ex": """
      defmodule P do
        require One
        def show, do: One.value()
      end
      """,
    ]
    #expect(try workshop.build(files).text == "a")
    let same = try workshop.build(files, keep: false)
    #expect((same.compiled, same.text) == (0, "a"))
    files["apps/one/lib/one.ex"] = files["apps/one/lib/one.ex"]?.replacing("\"a\"", with: "\"b\"")
    let changed = try workshop.build(files, keep: false)
    #expect(changed.reuse == .compiled("apps/one/lib/one.ex changed"))
    #expect((changed.compiled, changed.text) == (2, "b"))
  }
}

/// Lines that are only in one of the texts.
private func difference(_ one: [String], _ other: [String]) -> [String] {
  Set(one).symmetricDifference(other).sorted()
}

extension String {
  fileprivate var capitalized: String { prefix(1).uppercased() + dropFirst() }
}
