import Events
import HomeLayout
import Instance
import Posix

/// The user under which root's builds run, so that no code from a source tree runs as root.
///
/// Only one build on a host uses it at a time, because processes of one user could change the tree of another build. No
/// login may have its uid: docs/decisions/0018.
struct BuildUser {
  /// Above the uids that login.defs(5) gives to logins, below those that systemd allocates, and below 65536, since many
  /// containers have no more.
  static let usual: UInt32 = 61_000
  private static let lockFile = "/run/reltui-build.lock"

  let id: UInt32
  /// The file that tells of a user which is used once.
  private let record: String?
  /// Whether no other build has or had this user.
  var isFresh: Bool { id != Self.usual }
  private let lock: Lock

  /// Waits while another build uses the build user, and removes what killed builds have left.
  /// - Parameter isFork: whether it builds code of a fork, which gets a uid that was never given before.
  init(_ environment: [String: String], isFork: Bool, onWait: () -> Void) throws(Cause) {
    do throws(PosixError) {
      if let free = try Lock.take(Self.lockFile) {
        lock = free
      } else {
        onWait()
        lock = try Lock.wait(Self.lockFile)
      }
    } catch { throw Cause(error) }
    try Self.checkLogin()
    DeadBuilds.endProcesses()
    try Self.checkProcesses(of: Self.usual)
    // Those of builds that were killed. What cannot be removed is tried again by the next build: no other has its uid.
    for (user, record) in UserNumbers().freshOnes
    where (try? UserTraces(of: user).remove()) != nil {
      try? Files.remove(record)
    }
    if isFork {
      let fresh = try UserNumbers().fresh()
      (id, record) = (fresh.user, fresh.record)
    } else {
      (id, record) = (Self.usual, nil)
    }
    DeadBuilds.removeFolders(in: Set(["/var/tmp", Self.parent(environment)]))
  }

  private static func checkLogin() throws(Cause) {
    if let name = User.name(of: usual) {
      throw Cause(
        .buildUser, "builds run as the uid \(usual), and that is the login '\(name)'",
        remedy: "Give '\(name)' another uid.")
    }
  }

  /// Throws if a process of the build user runs. It could put links into what root reads and gives to itself.
  private static func checkProcesses(of id: UInt32) throws(Cause) {
    if let left = UserTraces(of: id).processes.first?.pid {
      throw Cause(
        .buildUser,
        "the process \(left) (\(ProcessTable.name(of: left))) of the build user is left over",
        remedy: "It could change what is built. End it: kill \(left)")
    }
  }

  /// Whether a process may be one of a build.
  static func mayBeRunning(_ process: ProcessTable.Stat) -> Bool {
    process.state != "Z" && ProcessTable.user(of: process.pid).map(mayBe) == true
  }

  /// Whether builds may have this uid.
  static func mayBe(_ id: UInt32) -> Bool {
    id == usual || UserNumbers.usual.contains(id) || UserNumbers.few.contains(id)
  }

  /// Makes sure that no process of the user is left, before root reads what they could change.
  func endProcesses() throws(Cause) {
    if isFresh { _ = try Cause.explaining(UserTraces(of: id).endProcesses()) }
    try Self.checkProcesses(of: id)
  }

  /// Milliseconds that a fork's build may take, since other builds wait for it.
  static let forkLimit: Int64 = 1_800_000

  /// Removes what a user that is not used again has left outside of the build's folder.
  func removeTraces(besides folder: String = "/nonexistent") throws(Cause) {
    if isFresh { _ = try Cause.explaining(UserTraces(of: id, sparing: folder).remove()) }
  }

  /// The user is not used again. What a failure leaves is removed before the next build.
  func leave() {
    guard let record, (try? removeTraces()) != nil else { return }
    try? Files.remove(record)
  }

  /// The words before a command that run it as this user, without any other rights. setpriv(1)
  var words: [String] {
    [
      "setpriv", "--reuid=\(id)", "--regid=\(id)", "--clear-groups", "--no-new-privs",
      "--pdeathsig=TERM", "--",
    ]
  }

  /// Makes a folder for the build that other users cannot enter. It is not in the home, which the build user may not
  /// enter.
  func makeFolder(_ build: String, _ environment: [String: String]) throws(Cause) -> String {
    let folder = "\(Self.parent(environment))/\(DeadBuilds.prefix)\(build)"
    do throws(PosixError) {
      if try Files.info(folder) != nil { throw PosixError("make folder", folder, .exists) }
      try Files.makeFolder(folder)
    } catch { throw Cause(error) }
    return folder
  }

  private static func parent(_ environment: [String: String]) -> String {
    environment["TMPDIR"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "/var/tmp"
  }

  /// The CACHE_DIR of a home's builds.
  func cache(of home: Home) throws(Cause) -> String {
    let suffix =
      home.root == Home.systemRoot
      ? "" : "-" + Hex.encode(SHA256.digest(Array(home.root.utf8)).prefix(8))
    let folder = "/var/cache/reltui/build\(suffix)"
    do throws(PosixError) {
      try Files.makeFolder(Files.parent(of: folder), mode: 0o755)
      try Files.makeFolder(folder)
      if try Files.info(folder)?.owner == User.id { try FileTree.give(folder, to: id) }
      guard let info = try Files.info(folder), info.kind == .folder, info.owner == id else {
        throw PosixError("use", folder, .notPermitted)
      }
    } catch { throw Cause(error, as: .buildUser) }
    return folder
  }
}
