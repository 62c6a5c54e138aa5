import Posix
import TestSupport

/// A small file system that only the processes of one test see: a tmpfs in a mount namespace of its
/// own.
final class PrivateDisk: Sendable {
  private let folder: TemporaryFolder
  /// The process that keeps the namespace alive; it ends when its input is closed.
  private let holder: Child
  private let leash: File
  private let isRoot = User.isRoot

  /// The path inside the namespace; `outside` is the one for the test itself.
  var inside: String { folder.path + "/disk" }
  var outside: String { "/proc/\(holder.pid)/root" + inside }

  struct NoNamespace: Error, CustomStringConvertible {
    var said: String
    var description: String {
      "this test needs mount namespaces (unshare -m as root, else unshare -rm): \(said)"
    }
  }

  /// - Parameters:
  ///   - size: size in MiB.
  ///   - files: the greatest number of files.
  init(size: Int, files: Int) throws {
    folder = try TemporaryFolder("disk")
    try Files.makeFolder(folder.path + "/disk")
    let (reading, leash) = try File.pipe()
    let (answers, writing) = try File.pipe()
    let script = """
      mount -t tmpfs -o mode=0700,size=\(size)m,nr_inodes=\(files) none "$0" && echo ready && exec cat
      """
    let invocation = Invocation(
      ["unshare", User.isRoot ? "-m" : "-rm", "sh", "-c", script, folder.path + "/disk"], in: "/",
      environment: ["PATH": Invocation.standardPath])
    holder = try Child.start(
      invocation, input: .file(reading), output: .file(writing), errors: .file(writing))
    self.leash = leash
    let answer = String(decoding: try answers.read(upTo: 4096, within: 60_000), as: UTF8.self)
    guard answer == "ready\n" else { throw NoNamespace(said: answer) }
  }

  /// Ends all processes that use the disk; with the last one the disk is gone.
  deinit {
    let own = try? Files.target(ofLink: "/proc/self/ns/mnt")
    let namespace = try? Files.target(ofLink: "/proc/\(holder.pid)/ns/mnt")
    if let namespace, namespace != own {
      for process in ProcessTable.all() where process.pid != holder.pid {
        guard (try? Files.target(ofLink: "/proc/\(process.pid)/ns/mnt")) == namespace else {
          continue
        }
        ProcessIdentity(pid: process.pid, started: process.started).signal(.kill)
      }
    }
    holder.signal(.kill)
    _ = holder.exit()
  }

  /// The words before a command that run it inside the namespace.
  var entrance: [String] {
    ["nsenter", "-t", String(holder.pid), "-m"] + (isRoot ? [] : ["-U", "--preserve-credentials"])
      + ["--"]
  }

  // MARK: - Filling

  private var filling: String { outside + "/filling" }

  /// Fills the disk but for some bytes.
  func fill(leaving bytes: Int = 0) throws {
    let left = try Files.space(at: outside).bytes
    let file = try File.open(filling, .append)
    do throws(PosixError) {
      var rest = left - bytes
      let page = [UInt8](repeating: 1, count: 1 << 16)
      while rest > 0 || bytes == 0 {
        try file.write(page.prefix(bytes == 0 ? page.count : rest))
        rest -= page.count
      }
    } catch { if error.errno != .noSpace || bytes > 0 { throw error } }
  }

  /// Uses up all inodes.
  func fillWithFiles() throws {
    try Files.makeFolder(filling)
    do throws(PosixError) {
      for number in 0..<100_000 { _ = try File.open("\(filling)/\(number)", .create) }
    } catch { if error.errno != .noSpace { throw error } }
  }

  func clear() throws { try Files.remove(filling) }
}
