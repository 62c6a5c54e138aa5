import Glibc
import HomeLayout
import Posix
import TestSupport
import Testing

/// `relctl build` by a user who is not root: the next build removes what a killed one left.
@Suite(.serialized, .waitsForPrograms) final class KilledBuildTests: Sendable {
  static let user: uid_t = 54_321
  let folder: TemporaryFolder
  var home: Home { Home(root: folder.path + "/state") }
  private var mark: String { folder.path + "/own/mark" }

  init() throws {
    try #require(User.isRoot, "this test needs root, to become another user")
    folder = try TemporaryFolder("killed-build")
    try folder.write("source/lib/demo.ex", "defmodule Demo do\nend\n")
    for name in ["state", "own"] {
      try Files.makeFolder(folder.path + "/" + name)
      try Files.setOwner(folder.path + "/" + name, Self.user)
    }
  }

  private func project(_ script: String) throws {
    try folder.write(
      "source/mix.exs",
      """
      System.cmd("sh", ["-c", ~S|\(script)|])

      defmodule Demo.MixProject do
        use Mix.Project
        def project, do: [app: :demo, version: "0.1.0", deps: []]
        def application, do: []
      end
      """)
  }

  private func invocation() throws -> Invocation {
    Invocation(
      [
        "setpriv", "--reuid=\(Self.user)", "--regid=\(Self.user)", "--clear-groups",
        try Workspace.program("relctl"), "build", folder.path + "/source",
      ], in: "/",
      environment: [
        "PATH": Environment.current["PATH"] ?? "", "HOME": folder.path + "/own",
        "RELTUI_HOME": home.root,
      ])
  }

  private func processes() -> [Int32] {
    ProcessTable.pids().filter {
      ProcessTable.user(of: $0) == Self.user && ProcessTable.stat($0)?.state != "Z"
    }
  }

  private func builds() throws -> [String] {
    try Files.list(home.builds).filter { $0 != ".lock" }
  }

  private func startAndWait() throws -> Child {
    try project("touch \(mark); (setsid sleep 1000 >/dev/null 2>&1 &); sleep 1000")
    let relctl = try Child.start(try invocation(), output: .null, errors: .null)
    #expect(eventually(60_000) { Files.exists(mark) })
    return relctl
  }

  @Test func nextBuildRemovesLeftoversOfAKilledOne() throws {
    let relctl = try startAndWait()
    #expect(try builds().count == 1)
    relctl.signal(.kill)
    #expect(relctl.exit() == .signal(.kill))
    // Its tools end by themselves, with the processes that they detached.
    #expect(eventually { processes().isEmpty }, "\(processes())")
    #expect(try builds().count == 1)
    try project("true")
    let build = try invocation().run(limit: 120_000)
    #expect(build.isSuccess, "\(build.text)")
    #expect(try builds() == [])
  }

  @Test func runningBuildIsLeftAlone() throws {
    let relctl = try startAndWait()
    let first = try builds()
    try project("true")
    #expect(try invocation().run(limit: 120_000).isSuccess)
    #expect(try builds() == first && first.count == 1)
    relctl.signal(.int)
    #expect(relctl.exit() == .code(130))
    #expect(eventually { processes().isEmpty })
    #expect(try builds() == [])
  }
}
