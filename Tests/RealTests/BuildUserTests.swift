import Glibc
import Posix
import TestSupport
import Testing

/// Builds as root, by the build user, of which a host has one: one test at a time.
@Suite(.serialized, .waitsForPrograms) struct BuildsByRootTests {}

extension BuildsByRootTests {
  /// `relctl build` as root: the source's code runs as another user that has no access to the home.
  @Suite final class BuildUserTests: Sendable {
    let stage: Stage
    let source: String
    /// Leftovers of earlier builds on this host, which the test ignores.
    let before: Set<String>

    init() throws {
      try #require(User.isRoot, "this test needs root, to build as another user")
      stage = try Stage("build-user")
      source = stage.folder.path + "/source"
      before = try Self.remains()
      try stage.folder.write("source/lib/demo.ex", "defmodule Demo do\nend\n")
    }

    private var cache: String { stage.buildUserCache }

    /// Writes a project whose `mix.exs` runs a script first.
    private func project(_ script: String) throws {
      try stage.writeProject(thatRuns: script)
    }

    private static func remains() throws -> Set<String> {
      let processes = ProcessTable.pids().filter {
        ProcessTable.user(of: $0) == 61_000 && ProcessTable.stat($0)?.state != "Z"
      }
      return Set(
        try Files.list("/var/tmp").filter { $0.hasPrefix("reltui-build-") }
          + processes.map { "\($0)" })
    }

    /// The leftovers since the test began.
    private func leftOver() throws -> Set<String> { try Self.remains().subtracting(before) }

    /// Starts a build and waits until its `mix.exs` runs.
    private func buildThatStaysInMix(_ script: String) throws -> Child {
      // The folder exists before the build, because new files in `/var/tmp` itself may be visible to
      // the build only.
      let folder = "/var/tmp/reltui-test-" + Random.hex(8)
      let mark = folder + "/mark"
      try Files.makeFolder(folder)
      try Files.setMode(folder, 0o777)
      try project("touch \(mark); \(script); sleep 1000")
      let relctl = try Child.start(
        Invocation(
          [try Workspace.program("relctl"), "build", source], in: stage.folder.path,
          environment: stage.environment), output: .null, errors: .null)
      #expect(eventually(60_000) { Files.exists(mark) })
      try Files.remove(folder)
      return relctl
    }

    @Test func codeOfTheSourceRunsAsTheBuildUser() throws {
      try Files.symbolicLink(to: "/etc/shadow", at: source + "/shadow")
      try stage.folder.write("secret", "hidden", mode: 0o600)
      try project(
        """
        id; grep NoNewPrivs /proc/self/status; cat shadow; ls \(stage.home.root)
        cat \(stage.folder.path)/secret; echo "home $HOME"; env | grep -c RELTUI
        ls -ln try.sh | cut -c 1-10,13-24
        (setsid sleep 1000 >/dev/null 2>&1 &)
        """)
      try Files.setMode(source + "/try.sh", 0o4755)
      let build = try stage.run("relctl", ["build", source], environment: ["SECRET": "x"])
      #expect(build.exit == .code(0), "\(build.errors)\(build.output)")
      let said = build.lines.map { $0.trimmingPrefix("       ") }
      for line in [
        "uid=61000 gid=61000 groups=61000", "NoNewPrivs:  1", "cat: shadow: Permission denied",
        "ls: cannot open directory '\(stage.home.root)': Permission denied",
        "cat: \(stage.folder.path)/secret: Permission denied", "0",
      ] {
        #expect(said.contains { $0 == line }, "\(line) in \(build.output)")
      }
      // Setuid bits are removed.
      #expect(said.contains { $0.hasPrefix("-rwxr-xr-x") }, "\(build.output)")
      #expect(said.contains { $0.hasPrefix("home /var/tmp/reltui-build-") })
      #expect(try leftOver() == [])
      #expect(try Files.info("/etc/shadow")?.owner == 0 && Files.info(cache)?.owner == 61_000)

      let events = try stage.events()
      #expect(events.first?.type == .buildStarted && events.last?.type == .slugStored)
      #expect(events.dropFirst().dropLast(2).allSatisfy { $0.type == .buildStep })
      #expect(events.compactMap(\.data.step).starts(with: ["check", "tools"]))
      #expect(Set(events.map(\.data.build)).count == 1)
      let id = try #require(events.last?.data.slug)
      #expect(try stage.relctl("slug", "verify", id).exit == .code(0))
      let tree = stage.home.slugs + "/\(id)/tree"
      #expect(try FileTree.entries(of: tree).allSatisfy { $0.info.owner == 0 })
    }

    @Test func failedBuildHasACauseAndLeavesNothing() throws {
      try project("(setsid sleep 1000 >/dev/null 2>&1 &)")
      try stage.folder.write("source/lib/demo.ex", "defmodule Demo do\n  oops\nend\n")
      let build = try stage.relctl("build", source, "--json")
      #expect(build.exit == .code(1) && build.output.isEmpty)
      #expect(build.errors.contains("[RT-BUILD-COMPILE]"), "\(build.errors)")
      let events = try stage.events()
      #expect(
        events.last?.type == .buildFailed && events.last?.data.cause?.id == "RT-BUILD-COMPILE")
      #expect(try leftOver() == [] && !Files.exists(stage.home.slugs))
    }

    @Test func signalEndsTheBuildAndItsProcesses() throws {
      let relctl = try buildThatStaysInMix("(setsid sleep 1000 &)")
      relctl.signal(.term)
      #expect(relctl.exit() == .code(130))
      #expect(try leftOver() == [])
      #expect(try stage.events().last?.data.cause?.id == "RT-BUILD-INTERRUPTED")
    }

    @Test func nextBuildRemovesLeftoversOfAKilledOne() throws {
      // A process that detaches itself from its parents, in a folder of its own.
      let relctl = try buildThatStaysInMix("(cd / && setsid sleep 1000 >/dev/null 2>&1 &)")
      #expect(try leftOver().contains { $0.hasPrefix("reltui-build-") })
      relctl.signal(.kill)
      #expect(relctl.exit() == .signal(.kill))
      // A folder with a build's name of another user, and one with a similar name, are left alone.
      let (foreign, other) = (
        "/var/tmp/reltui-build-" + Random.hex(8), "/var/tmp/reltui-build-mine"
      )
      for path in [foreign, other] { try Files.makeFolder(path) }
      try Files.setOwner(foreign, 65_534)
      defer { for path in [foreign, other] { try? Files.remove(path) } }
      let link = "/var/tmp/reltui-build-" + Random.hex(8)
      try Files.symbolicLink(to: stage.folder.path, at: link)
      defer { try? Files.remove(link) }

      try project("true")
      let build = try stage.relctl("build", source)
      #expect(build.exit == .code(0), "\(build.errors)\(build.output)")
      #expect(try leftOver() == Set([foreign, other, link].map(Files.name)))
      #expect(Files.exists(source + "/mix.exs"))
    }

    /// When relctl is killed, only the tools themselves can end their processes.
    @Test func toolsEndWhenRelctlIsKilled() throws {
      let relctl = try buildThatStaysInMix("(setsid sleep 1000 >/dev/null 2>&1 &)")
      relctl.signal(.kill)
      _ = relctl.exit()
      #expect(try eventually { try leftOver().allSatisfy { Int($0) == nil } })
    }

    @Test func leftoverProcessPreventsABuild() throws {
      try project("true")
      let left = try Child.start(
        Invocation(
          ["setpriv", "--reuid=61000", "--regid=61000", "--clear-groups", "sleep", "1000"],
          environment: stage.environment))
      defer {
        left.signal(.kill)
        _ = left.exit()
      }
      #expect(eventually { ProcessTable.user(of: left.pid) == 61_000 })
      let build = try stage.relctl("build", source)
      #expect(build.exit == .code(69))
      #expect(build.errors.contains("the process \(left.pid) (s"), "\(build.errors)")
      #expect(build.errors.contains("[RT-BUILD-USER]\n  It could change what is built."))
      #expect(!Files.exists(stage.home.events))
    }
  }
}
