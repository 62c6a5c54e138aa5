import DiskReserve
import Events
import Posix

/// A tar archive that should hold a slug. It may come from an untrusted source.
///
/// The program `tar` unpacks it: it knows compression and formats, keeps names inside the folder, and makes links that
/// lead out of it last. The list of entries is checked first, so that no part of an invalid archive is written.
public struct SlugArchive: Sendable {
  /// Bytes of all files, unpacked. A platform's slug is 500 MB at the most, packed.
  public static let greatestSize = 2 << 30
  public static let mostEntries = 100_000
  /// KiB of memory for tar: an archive may claim any length for a name.
  private static let memory = 1 << 20

  public let path: String
  private let interrupts: Signals?

  /// - Parameter path: absolute.
  public init(_ path: String, interrupts: Signals?) {
    (self.path, self.interrupts) = (path, interrupts)
  }

  public struct Checked: Sendable {
    fileprivate let archive: SlugArchive

    /// Unpacks it into a new folder.
    /// - Returns: false if a signal interrupted it.
    public func unpack(to folder: String) throws(Cause) -> Bool { try archive.extract(to: folder) }
  }

  /// Checks its entries, and writes nothing.
  /// - Returns: nil if a signal interrupted it.
  public func checked() throws(Cause) -> Checked? {
    // A pipe can be read only once, and opening one could wait.
    guard (try? Files.info(path))?.kind == .file else { throw failure("it is no file") }
    return try isFit() ? Checked(archive: self) : nil
  }

  /// Checks it and unpacks it into a new folder.
  /// - Returns: false if a signal interrupted it.
  public func unpack(to folder: String) throws(Cause) -> Bool {
    try checked()?.unpack(to: folder) ?? false
  }

  private func extract(to folder: String) throws(Cause) -> Bool {
    try Cause.explaining(Files.makeFolder(folder), as: .homeUnwritable)
    var complaint = ""
    let ending = try run(
      [
        "--extract", "--directory=" + folder, "--no-same-owner", "--no-same-permissions",
        "--delay-directory-restore",
      ]
    ) { line in
      // This message says that tar has kept a name inside the folder. It is not a failure.
      if complaint.isEmpty, !line.hasPrefix("tar: Removing leading") { complaint = line }
    }
    do throws(Cause) { return try isDone(ending, complaint) } catch {
      throw Cause(ifDiskIsFull: folder) ?? error
    }
  }

  private func isFit() throws(Cause) -> Bool {
    var listing = ArchiveListing()
    let ending = try run(
      ["--list", "--verbose", "--numeric-owner", "--full-time", "--quoting-style=escape", "-P"],
      until: { listing.refusal != nil }, receive: { listing.take($0) })
    if let refusal = listing.refusal { throw refusal }
    return try isDone(ending, listing.complaint)
  }

  private func run(
    _ options: [String], until isEnough: () -> Bool = { false }, receive: (String) -> Void
  ) throws(Cause) -> Tool.Ending {
    let limited = ["sh", "-c", "ulimit -v \(Self.memory) && exec \"$@\"", "sh"]
    let tar = ["tar", "--force-local", "--warning=no-timestamp", "--file=" + path]
    let invocation = Invocation(
      limited + tar + options, environment: ["PATH": Invocation.standardPath, "LC_ALL": "C"])
    return try Cause.explaining(
      Tool(invocation: invocation, interrupts: interrupts).run(until: isEnough, receive))
  }

  private func isDone(_ ending: Tool.Ending, _ complaint: String) throws(Cause) -> Bool {
    switch ending {
    case .interrupted: return false
    case .exit(.code(0)): return true
    case .exit, .cut, .expired: throw failure(complaint)
    }
  }

  private func failure(_ reason: String) -> Cause {
    Cause(.slugArchive, "'\(Files.name(of: path))' cannot be unpacked: \(reason.prefix(256))")
  }
}
