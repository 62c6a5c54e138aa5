import Events
import Posix
import ReleaseModel

/// A stored slug packed as a tar archive that any host can import and any platform can unpack at `/app`.
///
/// The same slug gives the same bytes of the tar: sorted names that begin with `./`, one time, owner 0, modes from the
/// manifest. Equal files are packed each time they occur, so that the bytes do not depend on the store's hard links.
public struct SlugExport: Sendable {
  public enum Compression: Sendable {
    case gzip, zstd

    /// The compression program that tar runs. gzip's `-n` leaves name and time out.
    var words: [String] {
      switch self {
      case .gzip: ["gzip", "-n"]
      case .zstd: ["zstd", "-q"]
      }
    }
  }

  /// 2000-01-01, since tar prints a warning for each file of 1970.
  private static let time = "@946684800"

  let store: StoredSlugs
  let id: String
  let compression: Compression

  public init(_ id: String, of store: StoredSlugs, _ compression: Compression) {
    (self.store, self.id, self.compression) = (store, id, compression)
  }

  /// Writes a file, whole or not at all; an older file of this name is replaced.
  /// - Returns: false if a signal interrupted it.
  public func write(to path: String, interrupts: Signals) throws(Cause) -> Bool {
    let new = path + ".new-" + Random.hex(4)
    defer { try? Files.remove(new) }
    do {
      if let info = try Files.info(path), info.kind != .file {
        throw Cause(.system, "cannot write '\(path)': something is there that is no file")
      }
      let file = try File.open(new, .create, mode: 0o644)
      var complaint = ""
      let tool = Tool(invocation: try invocation("--file=" + new), interrupts: interrupts)
      let ending = try tool.run { line in if complaint.isEmpty { complaint = line } }
      if case .interrupted = ending { return false }
      guard ending == .exit(.code(0)) else { throw failure(complaint) }
      try file.sync()
      try Files.rename(new, to: path)
      try Files.syncFolder(Files.parent(of: path))
      return true
    } catch let error as PosixError {
      throw Cause(error)
    } catch { throw (error as? Cause) ?? Cause(.system, "\(error)") }
  }

  /// Writes into an open file or pipe. tar's messages go to standard error.
  public func write(to output: File) throws(Cause) {
    let exit = try Cause.explaining(
      Child.start(try invocation("--file=-"), output: .file(output)).wait())
    if exit != .code(0) { throw failure("tar could not write to \(output.name)") }
  }

  private func invocation(_ output: String) throws(PosixError) -> Invocation {
    let environment = ["PATH": Invocation.standardPath, "LC_ALL": "C"]
    // Checked here, so that the error is in our words and not in tar's.
    _ = try Invocation(compression.words, environment: environment).program()
    let words = [
      "tar", "--create", output, "--force-local", "--format=gnu", "--sort=name",
      "--mtime=" + Self.time, "--owner=0", "--group=0", "--numeric-owner", "--mode=u+w",
      "--hard-dereference", "--use-compress-program=" + compression.words.joined(separator: " "),
      "--directory=" + store.tree(id), ".",
    ]
    return Invocation(words + beside, environment: environment)
  }

  /// The files beside the tree that travel in the archive, and tar's options that put each into its place.
  private var beside: [String] {
    let files = [SlugRecord.path, Provenance.path].filter {
      Files.exists(store.folder(id) + "/" + Files.name(of: $0))
    }
    if files.isEmpty { return [] }
    let moves = files.map {
      "--transform=s,^\(Files.name(of: $0).replacing(".", with: "\\."))$,./\($0),S"
    }
    return moves + ["--directory=" + store.folder(id)] + files.map(Files.name)
  }

  private func failure(_ complaint: String) -> Cause {
    Cause(.slugArchive, "the slug cannot be packed: \(complaint.prefix(256))")
  }
}
