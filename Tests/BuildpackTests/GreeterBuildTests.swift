import Buildpack
import HomeLayout
import Journal
import Posix
import ReleaseModel
import SlugStore
import TestSupport
import Testing

/// One real build of the sample app, looked at from all sides.
@Suite(.waitsForPrograms) struct GreeterBuildTests {
  static let canary = "canary-7d1e0f5a"
  static let secondLine = "canary-second-line"

  static let misuse =
    " !     config/config.exs:25 reads SHOUTED when the app is compiled; its value is baked in. "
    + "Read it in config/runtime.exs"

  @Test func becomesASlugThatRunsElsewhere() throws {
    let config = [
      "SHOUTED": Self.canary, "SHOUTED_KEY": "first\n\(Self.secondLine)\n",
      // There is a home for them.
      "RELPACK_RECORD": "slug",
    ]
    let platform = try Platform(config: config) { source in
      // A project that prints what it should not.
      try File.open(source + "/config/config.exs", .append).write(
        "\nIO.puts(\"key \" <> System.get_env(\"SHOUTED\"))\nIO.puts(System.get_env(\"SHOUTED_KEY\"))\n"
      )
      try File.open(source + "/.hidden", .create).write("source too")
      // A record that is none of ours.
      try Files.makeFolder(source + "/rel/overlays/.reltui")
      try File.open(source + "/rel/overlays/.reltui/events.jsonl", .create).write("forged")
      // A name that is no text, in a folder that cannot be written.
      let script = #"touch "$1/bad/$(printf 'a\377')" && chmod 555 "$1/bad""#
      try Files.makeFolder(source + "/bad")
      let odd = try Invocation(
        ["/bin/sh", "-c", script, "sh", source], environment: Environment.current
      ).run()
      try #require(odd.isSuccess)
      try Files.makeFolder(source + "/.profile.d")
      try File.open(source + "/.profile.d/app.sh", .create).write("export GREETER_X=1\n")
    }
    let detected = try platform.run("detect")
    #expect(detected.lines == ["Elixir"] && detected.exit == .code(0))
    let built = try platform.run(
      "compile", [platform.source, platform.cache, platform.variables],
      environment: ["RELTUI_HOME": platform.home, "RELPACK_APP": "greeter"])
    try #require(built.exit == .code(0), "\(built.lines)")

    let bytes = try Files.read(platform.source + "/" + Manifest.path)
    let id = Hex.encode(SHA256.digest(bytes))
    checkOutput(built.lines, id)
    try checkTree(platform.source)
    try checkManifest(Manifest(bytes: bytes), platform.source)
    try checkEvents(platform, id)
    try checkDefaultProcesses(platform)
    let elsewhere = platform.folder.path + "/elsewhere"
    try Files.rename(platform.source, to: elsewhere)
    try checkCookies(elsewhere)
    try checkBoot(elsewhere, platform.folder.path)
    try checkReadOnlyStart(elsewhere, platform.folder.path)
  }

  private func checkOutput(_ lines: [String], _ id: String) {
    #expect(
      lines.filter { $0.hasPrefix("-----> ") }.dropLast() == [
        "-----> Checking what the source says of its build", "-----> Finding Erlang and Elixir",
        "-----> Compiling", "-----> Assembling the release", "-----> Finishing the slug",
        "-----> Checking that the slug boots",
      ])
    #expect(lines.last?.hasPrefix("-----> Slug \(id.prefix(12)) built in ") == true)
    #expect(badLines(lines) == [])
    let text = lines.joined(separator: "\n")
    let wanted = [
      "       Generated greeter app", "       key «SHOUTED»", "       «SHOUTED_KEY»",
      "       web: bin/greeter start", Self.misuse,
    ]
    #expect(wanted.filter { !lines.contains($0) } == [])
    #expect(text.contains("\n       Erlang/OTP ") && text.contains("\n       Elixir 1."))
    #expect(text.contains("\n       greeter boots: "))
    #expect(!text.contains(Self.canary) && !text.contains(Self.secondLine))
  }

  private func checkTree(_ tree: String) throws {
    let top = try Files.list(tree).filter { !$0.hasPrefix("erts-") }
    #expect(
      top == [".profile.d", ".reltui", "Procfile", "app.json", "bin", "lib", "releases"])
    let paths = try FileTree.entries(of: tree).map(\.path)
    let strangers = paths.filter { path in
      path.hasSuffix(".ex") || path.hasSuffix("mix.exs") || path.hasSuffix("COOKIE")
        || path.contains("_build") || path.contains(".relpack")
    }
    #expect(strangers == [])
    let telling = try Invocation(
      ["grep", "-rlaF", "-e", Self.canary, "-e", Self.secondLine, tree],
      environment: Environment.current
    ).run()
    #expect(telling.exit == .code(1) && telling.text == "")
  }

  private func checkManifest(_ manifest: Manifest, _ tree: String) throws {
    let found = try FileTree.entries(
      of: tree, skipping: { [Manifest.path, Provenance.path].contains($0) })
    #expect(manifest.files.map(\.path) == found.map(\.path))
    for (entry, real) in zip(manifest.files, found) where real.info.kind == .file {
      let digest = Hex.encode(try SHA256.digest(ofFile: tree + "/" + entry.path))
      let mode = String(real.info.mode, radix: 8)
      if entry.sha256 != digest || entry.size != real.info.size || entry.mode != mode {
        Issue.record("\(entry) is not \(real)")
      }
    }
    let release = try #require(manifest.mainRelease)
    #expect(release.name == "greeter" && release.startCommand == "bin/greeter")
    #expect(release.bootOrder.first == "kernel" && release.bootOrder.contains("greeter"))
    #expect(manifest.processes.map(\.process) == ["release", "web", "worker"])
    #expect(manifest.appJSON?.readiness(of: "web")?.path == "/health")
    #expect(manifest.tools.keys.sorted() == ["elixir", "otp"])
  }

  private func checkEvents(_ platform: Platform, _ id: String) throws {
    var follower = Follower(
      EventJournal(home: Home(root: platform.home), program: "test"), recent: 1000)
    let events = try follower.take()
    #expect(
      events.map { $0.typeName + ($0.data.step.map { " " + $0 } ?? "") } == [
        "build.started", "build.step check", "build.step tools", "build.step compile",
        "build.step release", "build.step finish", "build.step boot-check", "build.finished",
      ])
    #expect(Set(events.map(\.app)) == ["greeter"] && Set(events.map(\.data.build)).count == 1)
    #expect(events.last?.data.slug == id)
    let milliseconds = try #require(events.last?.data.milliseconds)
    #expect((1...60_000).contains(milliseconds))
  }

  private func checkDefaultProcesses(_ platform: Platform) throws {
    #expect(
      try platform.run("release").lines == [
        "---", "default_process_types:", #"  release: "bin/greeter eval Greeter.Release.migrate""#,
        #"  web: "bin/greeter start""#, #"  worker: "env GREETER_ROLE=worker bin/greeter start""#,
      ])
  }

  /// `env.sh` alone, as the start command reads it.
  private func checkCookies(_ tree: String) throws {
    func cookie(_ variables: [String: String]) throws -> String {
      var environment = variables
      environment["PATH"] = Environment.current["PATH"]
      environment["RELEASE_ROOT"] = tree
      environment["RELEASE_NAME"] = "greeter"
      let script = "set -e; . \"$1\"; printf %s \"$RELEASE_COOKIE\""
      let file = tree + "/releases/0.1.0/env.sh"
      return try Invocation(["sh", "-c", script, "sh", file], environment: environment).run().text
    }
    let derived = try cookie(["SECRET_KEY_BASE": "abcdefgh"])
    #expect(derived.utf8.count == 64 && !derived.contains("abcdefgh"))
    #expect(try cookie(["SECRET_KEY_BASE": "abcdefgh"]) == derived)
    #expect(try cookie(["SECRET_KEY_BASE": "other"]) != derived)
    #expect(try cookie(["SECRET_KEY_BASE": "abcdefgh", "RELEASE_COOKIE": "mine"]) == "mine")
    let made = try cookie([:])
    #expect(made.utf8.count == 64 && made != derived)
    #expect(try cookie([:]) == made)
    let kept = try #require(try Files.info(tree + "/tmp/.greeter.cookie"))
    #expect(kept.mode == 0o600)
    try Files.remove(tree + "/tmp")
  }
}
