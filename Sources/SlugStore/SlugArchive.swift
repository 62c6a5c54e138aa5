import DiskReserve
import Events
import Posix

/// A tar archive that is said to hold a slug. It may come from anybody.
///
/// `tar` itself does the work: it knows compression and formats, keeps names inside the folder and makes links that
/// lead out last. It is asked first what it would unpack, so that nothing is written of what no slug can be.
public struct SlugArchive: Sendable {
  /// Bytes of all files, unpacked. A platform's slug is 500 MB at the most, packed.
  public static let greatestSize = 2 << 30
  /// Files, folders and links.
  public static let mostEntries = 100_000
  /// KiB of memory for tar: an archive may claim any length for a name.
  private static let memory = 1 << 20

  public let path: String
  private let interrupts: Signals?

  /// - Parameter path: absolute.
  public init(_ path: String, interrupts: Signals?) {
    self.path = path
    self.interrupts = interrupts
  }

  /// One of which is known that it holds nothing that no slug can hold.
  public struct Checked: Sendable {
    fileprivate let archive: SlugArchive

    /// Unpacks it into a new folder.
    /// - Returns: false where a signal came in between.
    public func unpack(to folder: String) throws(Cause) -> Bool { try archive.extract(to: folder) }
  }

  /// Looks at what it would unpack to, and writes nothing.
  /// - Returns: nil where a signal came in between.
  public func checked() throws(Cause) -> Checked? {
    // A pipe could be read once only, and might keep us waiting.
    guard (try? Files.info(path))?.kind == .file else { throw failure("it is no file") }
    return try isFit() ? Checked(archive: self) : nil
  }

  /// Checks it and unpacks it into a new folder.
  /// - Returns: false where a signal came in between.
  public func unpack(to folder: String) throws(Cause) -> Bool {
    try checked()?.unpack(to: folder) ?? false
  }

  private func extract(to folder: String) throws(Cause) -> Bool {
    do throws(PosixError) { try Files.makeFolder(folder) } catch {
      throw Cause(error, as: .homeUnwritable)
    }
    var complaint = ""
    let ending = try run(
      [
        "--extract", "--directory=" + folder, "--no-same-owner", "--no-same-permissions",
        "--delay-directory-restore",
      ]
    ) { line in
      // That tar keeps a name inside the folder is no failure.
      if complaint.isEmpty, !line.hasPrefix("tar: Removing leading") { complaint = line }
    }
    do throws(Cause) { return try isDone(ending, complaint) } catch {
      throw Cause(ifDiskIsFull: folder) ?? error
    }
  }

  /// Whether it was looked through to its end.
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
    do throws(PosixError) {
      return try Tool(invocation: invocation, interrupts: interrupts).run(
        until: isEnough, receive)
    } catch { throw Cause(error) }
  }

  /// - Throws: with the first of tar's own words, if it failed.
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
