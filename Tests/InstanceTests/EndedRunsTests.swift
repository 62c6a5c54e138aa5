import Posix
import TestSupport
import Testing

/// `relshim --remove`, with which the agent removes the folders of ended runs.
@Suite struct EndedRunsTests {
  @Test func whatCannotBeRemovedIsSaidAndTheRestIsRemoved() throws {
    let folder = try TemporaryFolder("ended")
    for run in ["1", "2", "3"] { try folder.write(run + "/home/\u{1B}[2J/file", "x") }
    let mount = "mount -t tmpfs none \"$0/2/home\" && exec \"$@\""
    let runs = ["1", "2", "3", "4"].map { folder.path + "/" + $0 }
    let removal = try Invocation(
      ["unshare", User.isRoot ? "-m" : "-rm", "sh", "-c", mount, folder.path]
        + [Workspace.program("relshim"), "--remove"] + runs, in: "/",
      environment: ["PATH": Invocation.standardPath]
    ).run()
    #expect(removal.exit == .code(69))
    #expect(
      removal.text == """
        relshim: cannot remove '\(folder.path)/2', which an ended run has left: \
        invalid cross-device link; remove it by hand

        """)
    #expect(try Files.list(folder.path) == ["2"])
  }
}
