import Buildpack
import Glibc
import Posix
import ReleaseModel
import SlugStore
import TestSupport
import Testing

/// Builds that use the folder which all builds of a host share: one test at a time.
@Suite(.serialized, .hasOwnThread) struct SharedPlaceTests {}

extension SharedPlaceTests {
  /// All builds happen under one path: for any user and source, with and without namespaces.
  @Suite struct FixedPlaceTests {
    /// A project whose dependencies do what those of Phoenix, Ecto and Bandit do: they keep the place of their own source
    /// and, by a macro, that of the source that uses them; one reads a file as it is compiled.
    private static let project = [
      "mix.exs": """
      defmodule Mirror.MixProject do
        use Mix.Project
        def project, do: [app: :mirror, version: "0.1.0", deps: [{:glass, path: "deps/glass"}]]
        def application, do: [extra_applications: [:logger]]
      end
      """,
      "mix.lock": "%{}\n",
      "lib/mirror.ex": """
      defmodule Mirror do
        use Glass
        require Phoenix.LiveView.Router
        def made, do: {Phoenix.LiveView.Router.moment(), Glass.numbered()}
        def show, do: {__glass__(), Glass.file(), Glass.word()}
      end
      """,
      "deps/glass/mix.exs": """
      defmodule Glass.MixProject do
        use Mix.Project
        def project, do: [app: :glass, version: "0.1.0"]
      end
      """,
      "deps/glass/lib/glass.ex": """
      defmodule Glass do
        @external_resource "word.txt"
        @word File.read!(Path.join(__DIR__, "../word.txt"))
        defmacro __using__(_) do
          quote do
            def __glass__, do: unquote(Macro.escape({__CALLER__.file, __ENV__.file}))
          end
        end
        def file, do: __ENV__.file
        # A digest of a variable's number, as in LiveView's templates.
        defmacro numbered, do: :erlang.phash2(Macro.unique_var(:x, Glass))
        # Its table of names has uninitialised bytes between the names.
        def pattern, do: {~r/(?<beginning>a+)(?<b>b)(?<c>c)/, ~r/a|(b)/, Regex.match?(~r/^x$/u, "x")}
        def word, do: @word
      end
      """,
      // The moment of compiling is kept, as LiveView does.
      "deps/glass/lib/router.ex": """
      defmodule Phoenix.LiveView.Router do
        defmacro moment, do: now()
        defp now, do: System.system_time()
      end
      """,
      "deps/glass/word.txt": "deep",
    ]

    private func host() throws -> BuildHost {
      try BuildHost(
        Sample(name: "mirror", project: "sprout", constant: "", answer: "", processes: []))
    }

    private func unpack(_ host: BuildHost, _ place: String, user: uid_t) throws -> String {
      let source = host.folder.path + "/" + place
      for (path, text) in Self.project { try host.folder.write(place + "/" + path, text) }
      try Files.setMode(source, 0o755)
      try host.giveAway(source, to: user)
      return source
    }

    private struct Built {
      var id: String
      var lines: [String]
      var tree: String
    }

    private func build(
      _ host: BuildHost, _ place: String, cache: String, user: uid_t = BuildHost.user,
      isConfined: Bool
    ) throws -> Built {
      let source = try unpack(host, place, user: user)
      try Files.makeFolder(cache, mode: 0o755)
      try host.giveAway(cache, to: user)
      let result = try BuildHost.result(
        host.invocation(
          "compile", [source, cache], user: user, isConfined: isConfined,
          environment: ["RELPACK_BOOT_CHECK": "off"]))
      try #require(result.exit == .code(0), "\(result.lines)")
      let manifest = try Files.read(source + "/" + Manifest.path)
      return Built(id: Hex.encode(SHA256.digest(manifest)), lines: result.lines, tree: source)
    }

    @Test func givesOneSlugEverywhere() throws {
      let host = try host()
      let cache = host.folder.path + "/caches/one"
      let first = try build(host, "one", cache: cache, isConfined: false)
      let other = try build(
        host, "a/deeper/place", cache: host.folder.path + "/caches/two", user: 65533,
        isConfined: true)
      // Warm, from the cache of the first.
      let changed = host.folder.path + "/three"
      let warm = try build(host, "three", cache: cache, isConfined: true)
      #expect(
        warm.lines.contains("       The last build's slug is used again: nothing has changed"))
      #expect(Set([first.id, other.id, warm.id]).count == 1)
      for built in [first, other, warm] {
        #expect(built.lines.filter { $0.hasPrefix(" !     ") } == [])
        #expect(try Files.list(built.tree).filter { $0.hasPrefix(".relpack") } == [])
      }
      #expect(try archive(first.tree) == archive(other.tree))
      #expect(try archive(first.tree) == archive(changed))
      #expect(!Files.exists("/var/tmp/reltui-build"))
      try checkThatThePathIsKept(first.tree)
    }

    /// Else this test would prove nothing.
    private func checkThatThePathIsKept(_ tree: String) throws {
      let answer = try Invocation(
        [tree + "/bin/mirror", "eval", "IO.puts(inspect(Mirror.show(), width: 1000))"],
        environment: ["PATH": Invocation.standardPath, "RELEASE_COOKIE": "x", "HOME": tree]
      ).run(limit: 20_000)
      #expect(
        answer.text == """
          {{"/var/tmp/reltui-build/app/lib/mirror.ex", \
          "/var/tmp/reltui-build/app/deps/glass/lib/glass.ex"}, \
          "/var/tmp/reltui-build/app/deps/glass/lib/glass.ex", "deep"}\n
          """)
    }

    /// Names, modes, times and content, as an archive of the folder has them.
    private func archive(_ tree: String) throws -> String {
      let script =
        "tar --sort=name --owner=0 --group=0 --numeric-owner --exclude=./tmp -C \"$0\" -c . | sha256sum"
      return try Invocation(
        ["sh", "-c", script, tree], environment: ["PATH": Invocation.standardPath]
      ).run(limit: 20_000).text
    }

    /// What another user has put under the usual path is not used.
    @Test(arguments: ["folder", "link"]) func doesNotTrustOthers(_ kind: String) throws {
      try #require(User.isRoot, "needs two users")
      let place = "/var/tmp/reltui-build"
      let host = try host()
      let elsewhere = host.folder.path + "/elsewhere"
      try Files.makeFolder(elsewhere, mode: 0o755)
      if kind == "folder" {
        try Files.makeFolder(place)
      } else {
        try Files.symbolicLink(to: elsewhere, at: place)
      }
      defer { try? Files.remove(place) }
      let cache = host.folder.path + "/caches/one"
      let shown = try build(host, "one", cache: cache, isConfined: false)
      let own = try build(host, "two", cache: cache + "-2", user: 65533, isConfined: true)
      // Of a user that the namespace does not have it sees only that it is another one.
      let reason = kind == "folder" ? "belongs to user 65534" : "is not a folder"
      let warning =
        " !     '\(place)' \(reason), so this build has a folder of its own and its slug may have another id"
      #expect(own.lines.contains(warning) && !shown.lines.contains(warning))
      #expect(try Files.list(kind == "folder" ? place : elsewhere) == [])
      #expect(shown.id != own.id)
    }

    @Test func waitsForAnotherBuild() throws {
      let host = try host()
      let source = try unpack(host, "one", user: BuildHost.user)
      let gate = host.folder.path + "/gate"
      try host.folder.write(
        "one/mix.exs",
        "File.exists?(\"\(gate)\") || System.cmd(\"sh\", [\"-c\", \"while [ ! -e \(gate) ]; do sleep 0.1; done\"])\n"
          + (Self.project["mix.exs"] ?? ""))
      try host.giveAway(source)
      let log = try File.open(host.folder.path + "/log", .create)
      let first = try Child.start(
        host.invocation(
          "compile", [source], isConfined: true, environment: ["RELPACK_BOOT_CHECK": "off"]),
        output: .file(log), errors: .file(log))
      func wait(_ text: String, _ log: String) -> Bool? {
        Workspace.wait(milliseconds: 20_000) {
          let said = (try? Files.read(log)).map { String(decoding: $0, as: UTF8.self) } ?? ""
          return said.contains(text) ? true : nil
        }
      }
      #expect(wait("Nothing is used again", log.name) == true)
      let other = try unpack(host, "two", user: BuildHost.user)
      let otherLog = try File.open(host.folder.path + "/log-2", .create)
      let second = try Child.start(
        host.invocation(
          "compile", [other], isConfined: true, environment: ["RELPACK_BOOT_CHECK": "off"]),
        output: .file(otherLog), errors: .file(otherLog))
      #expect(
        wait("Waiting for another build in /var/tmp/reltui-build to end", otherLog.name) == true)
      try host.folder.write("gate", "")
      #expect(first.exit() == .code(0) && second.exit() == .code(0))
      let ids = try [source, other].map { try SHA256.digest(ofFile: $0 + "/" + Manifest.path) }
      // The first one's mix.exs is not in its slug.
      #expect(ids[0] == ids[1])
      #expect(!Files.exists("/var/tmp/reltui-build"))
    }
  }
}
