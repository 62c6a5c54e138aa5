import CommandLine
import DiskReserve
import Events
import HomeLayout
import Posix

/// The user that builds run as where relctl is root's: nothing that came from a source tree runs as root.
///
/// One at a time uses it on a host: whoever has its uid could change the tree of another build. Nobody else may have
/// it; see docs/decisions/0018.
struct BuildUser {
  /// Above those that login.defs(5) gives to people, below those that systemd gives away, and not 65536 or more, which
  /// many containers do not have.
  static let id: UInt32 = 61_000
  private static let lockFile = "/run/reltui-build.lock"

  private let lock: Lock

  /// Waits while another build uses it.
  init(_ context: Context) throws(Cause) {
    do throws(PosixError) {
      if let free = try Lock.take(Self.lockFile) {
        lock = free
      } else {
        context.note("\(context.program): waiting for another build on this host to end")
        lock = try Lock.wait(Self.lockFile)
      }
    } catch { throw Cause(error) }
    try Self.checkLogin()
    DeadBuild.endProcesses()
    try Self.checkProcesses()
    DeadBuild.removeFolders(in: Set(["/var/tmp", Self.parent(context.environment)]))
  }

  private static func checkLogin() throws(Cause) {
    if let name = User.name(of: id) {
      throw Cause(
        .buildUser, "builds run as the uid \(id), and that is the login '\(name)'",
        remedy: "Give '\(name)' another uid.")
    }
  }

  private static func checkProcesses() throws(Cause) {
    if let left = processes.first {
      throw Cause(
        .buildUser,
        "the process \(left) (\(ProcessTable.name(of: left))) of the build user's is left over",
        remedy: "It could change what is built. End it: kill \(left)")
    }
  }

  /// Those that run as it. One that has ended and whose parent does not ask for its end can change nothing.
  static var processes: [Int32] {
    ProcessTable.pids().filter {
      ProcessTable.user(of: $0) == id && ProcessTable.stat($0)?.state != "Z"
    }
  }

  /// The words before a program that is to run as this user, without any other rights. setpriv(1)
  var words: [String] {
    [
      "setpriv", "--reuid=\(Self.id)", "--regid=\(Self.id)", "--clear-groups", "--no-new-privs",
      "--pdeathsig=TERM", "--",
    ]
  }

  /// A new folder of its own that nobody else can look into; where the home lies it could not get to.
  func makeFolder(_ build: String, _ environment: [String: String]) throws(Cause) -> String {
    let folder = "\(Self.parent(environment))/\(DeadBuild.prefix)\(build)"
    do throws(PosixError) {
      if try Files.info(folder) != nil { throw PosixError("make folder", folder, .exists) }
      try Files.makeFolder(folder)
    } catch { throw Cause(error) }
    return folder
  }

  private static func parent(_ environment: [String: String]) -> String {
    environment["TMPDIR"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "/var/tmp"
  }

  /// CACHE_DIR of a home's builds.
  func cache(of home: Home) throws(Cause) -> String {
    let suffix =
      home.root == Home.systemRoot
      ? "" : "-" + Hex.encode(SHA256.digest(Array(home.root.utf8)).prefix(8))
    let folder = "/var/cache/reltui/build\(suffix)"
    do throws(PosixError) {
      try Files.makeFolder(Files.parent(of: folder), mode: 0o755)
      try Files.makeFolder(folder)
      if try Files.info(folder)?.owner == User.id { try FileTree.give(folder, to: Self.id) }
      guard let info = try Files.info(folder), info.kind == .folder, info.owner == Self.id else {
        throw PosixError("use", folder, .notPermitted)
      }
    } catch { throw Cause(error, as: .buildUser) }
    return folder
  }

  /// Ends all that a build has left: since this process adopts orphans, it is among its descendants.
  static func endAll() {
    ProcessTable.endDescendants(of: Program.processID) { while Child.reapAny() != nil {} }
  }
}
