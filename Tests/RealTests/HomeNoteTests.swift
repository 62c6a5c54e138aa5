import Posix
import TestSupport
import Testing

/// A user with a home of their own is told once that the host has another home.
@Suite(.waitsForPrograms) struct HomeNoteTests {
  /// A user of no program's.
  private static let user: UInt32 = 60_613

  @Test func otherHomeIsNamedOnce() throws {
    try #require(User.isRoot, "this test needs root, to mount a folder over /var/lib")
    let folder = try TemporaryFolder("note")
    try folder.write("lib/reltui/events", "")
    try folder.write("relctl", "")
    try Files.makeFolder(folder.path + "/ana")
    try Files.setOwner(folder.path + "/ana", Self.user)
    // The program may lie in a folder that only root can enter.
    let script = """
      mount --bind \(folder.path)/lib /var/lib && mount --bind \(try Workspace.program("relctl")) \(folder.path)/relctl &&
        exec setpriv --reuid=\(Self.user) --regid=\(Self.user) --clear-groups \(folder.path)/relctl "$@"
      """
    func relctl(_ arguments: String...) throws -> String {
      let result = try Invocation(
        ["unshare", "-m", "sh", "-c", script, "sh"] + arguments, in: "/",
        environment: ["PATH": Invocation.standardPath, "HOME": folder.path + "/ana"]
      ).run(limit: 60_000)
      #expect(result.isSuccess, "\(result.text)")
      return result.text
    }
    let home = folder.path + "/ana/.local/state/reltui"
    let none = "no apps yet; deploy one with: relctl deploy APP DIR\n"
    #expect(try relctl("ps", "--home", home) == none)
    #expect(
      try relctl("ps")
        == "relctl: this host's own home is /var/lib/reltui, root's; this is \(home)\n" + none)
    #expect(try relctl("ps") == none)
    let doctor = try relctl("doctor")
    #expect(doctor.contains("this host also has the home /var/lib/reltui, which is not used"))
    #expect(doctor.contains("sudo relctl ps --home /var/lib/reltui"))
  }
}
