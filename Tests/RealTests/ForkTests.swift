import Events
import HomeLayout
import Posix
import TestSupport
import Testing

extension BuildsByRootTests {
  /// Previews of a fork, whose code tries to get at everything else.
  @Suite final class ForkTests: Sendable {
    let stage: Stage
    let source: String
    let mark = "/tmp/reltui-fork-" + Random.hex(6)

    init() throws {
      try #require(User.isRoot, "this test needs root, to build as another user")
      stage = try Stage("fork")
      source = stage.folder.path + "/source"
      // Root's own folders are closed to others, and a repository must be readable by the build's user.
      try Files.setMode(stage.folder.path, 0o755)
      try stage.folder.write("source/lib/demo.ex", "defmodule Demo do\nend\n")
      try stage.writeProject(thatRuns: "true")
    }

    deinit {
      for path in [mark, mark + "-git", mark + "-sub"] { try? Files.remove(path) }
    }

    private func git(_ words: String...) throws {
      let result = try Invocation(
        [
          "git", "-c", "user.name=f", "-c", "user.email=f@example.com", "-c",
          "init.defaultBranch=main",
        ]
          + words, in: source, environment: stage.environment
      ).run(limit: 30_000)
      #expect(result.isSuccess, "\(words): \(result.text)")
    }

    /// A bare repository with what is in the source now.
    private func repository() throws -> String {
      let bare = stage.folder.path + "/fork.git"
      try git("init", "-q")
      try git("add", "-A")
      try git("commit", "-q", "-m", "Change `everything`")
      try git("clone", "-q", "--bare", source, bare)
      try Files.remove(source + "/.git")
      return bare
    }

    /// What is left of a fork's build: processes, and a file where every user may write.
    private func leftOver() throws -> [String] {
      let processes = ProcessTable.pids().filter {
        ProcessTable.environment(of: $0).contains { $0.hasPrefix("FORK_MARK=\(mark)") }
      }
      return processes.map { "\($0) \(ProcessTable.words(of: $0))" }
        + [mark, mark + "-open"].filter { Files.exists($0) }
    }

    @Test func aForkReachesNothing() throws {
      let own = try #require(try stage.does(["build", source]).split(separator: " ").last).trimmed
      try stage.does(["deploy", "shop", own])
      try stage.does(["config", "shop", "set", "API_KEY=shop-api-key-0123456789"])
      try stage.does(["config", "shop", "set", "--preview", "PLAIN=plain"])
      try stage.does(
        ["config", "shop", "set", "--preview", "TOKEN"], input: "preview-token-0123456789")

      try stage.writeProject(
        thatRuns: """
          export FORK_MARK=\(mark)
          id -u; ls \(stage.home.root) \(stage.home.app("shop").configs) 2>&1
          cat \(stage.home.secret) 2>&1; env
          for place in /var/cache/reltui/* \(stage.buildUserCache) /var/tmp/reltui-build*; do
            echo poison > $place/poison && echo "wrote $place"
          done 2>/dev/null
          mkdir -m 777 \(mark)-open; ln $0 \(mark)-open/link 2>/dev/null; ln try.sh \(mark)-open/link
          touch \(mark); (setsid sleep 1000 >/dev/null 2>&1 &)
          git config --global core.hooksPath /tmp 2>/dev/null
          """)
      try stage.folder.write(
        "source/.profile.d/evil.sh", "cat \(stage.home.secret) > $HOME/secret\n")
      try stage.folder.write(
        "source/.gitmodules", "[submodule \"x\"]\n path = x\n url = ext::touch \(mark)-sub\n")
      try stage.folder.write(
        "source/app.json",
        #"{"environments": {"review": {"scripts": {"postdeploy": "env; id -u; ls \#(stage.home.apps) \#(stage.home.root)/objects; find \#(stage.home.apps) -readable 2>/dev/null; true"}}}}"#
      )
      let bare = try repository()
      for (key, value) in [
        ("uploadpack.packObjectsHook", "touch \(mark)-git; exec"),
        ("core.fsmonitor", "touch \(mark)-git"),
        ("core.sshCommand", "touch \(mark)-git"),
      ] {
        let result = try Invocation(
          ["git", "config", "--file", bare + "/config", key, value], environment: stage.environment
        ).run()
        #expect(result.isSuccess)
      }
      let open = [
        "preview", "open", "--app", "shop", "--pr", "4", "--git", bare, "--ref", "main", "--fork",
      ]
      let said = try stage.does(open)
      for secret in [
        "shop-api-key", "preview-token", "wrote /var/cache", "wrote \(stage.folder.path)",
      ] {
        #expect(!said.contains(secret), "\(secret) in \(said)")
      }
      #expect(said.contains("a fork does not get: TOKEN"))
      #expect(!said.contains("uid=61000") && said.contains("Permission denied"))
      #expect(try leftOver() == [])
      // The folder that its build saw under the path of all builds was its own.
      #expect(!Files.exists("/var/tmp/reltui-build/poison"))
      for path in [mark + "-git", mark + "-sub"] { #expect(!Files.exists(path), "\(path)") }
      let commit = try stage.events().last { $0.type == .releaseCreated && $0.app == "shop-pr-4" }
      #expect(commit?.data.line == "Change `everything`")

      // What the runs get, and what the script saw.
      let run = try #require(try stage.instances().last { $0.app == "shop-pr-4" })
      let variables = ProcessTable.environment(of: try #require(run.pid))
      #expect(variables.contains("PLAIN=plain"))
      #expect(!variables.contains { $0.contains("0123456789") })
      let logs = try stage.does(["logs", "shop-pr-4"])
      #expect(!logs.contains("0123456789"), "\(logs)")
      #expect(!logs.contains("config/"), "\(logs)")

      // Its slug is for previews of forks alone.
      let slug = try #require(commit?.data.slug)
      for words in [
        ["deploy", "shop", slug], ["promote", "shop-pr-4", "shop"], ["deploy", "third", slug],
        ["preview", "open", "--app", "shop", "--pr", "5", "--slug", slug],
        ["preview", "open", "--app", "shop", "--pr", "4", "--slug", own],
      ] {
        let answer = try stage.run("relctl", words)
        #expect(
          answer.exit != .code(0) && answer.errors.contains("RT-PREVIEW-FORK"),
          "\(words): \(answer.errors)")
      }
      try stage.does(["preview", "close", "shop-pr-4"])
      #expect(!Files.exists(stage.home.app("shop-pr-4").path))
      #expect(!Files.exists(stage.home.slugs + "/" + slug))

      // The parent is built as before.
      try stage.writeProject(thatRuns: "true")
      for name in [".profile.d", ".gitmodules", "app.json"] {
        try Files.remove(source + "/" + name)
      }
      let again = try #require(try stage.does(["build", source]).split(separator: " ").last).trimmed
      #expect(again == own)
    }
  }
}

extension Substring {
  fileprivate var trimmed: String { String(filter { !$0.isWhitespace }) }
}
