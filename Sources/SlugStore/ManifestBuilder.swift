import Disk
import Posix
import ReleaseModel

/// Describes a tree that holds an OTP release.
public enum ManifestBuilder {
  /// Walks the tree, reads what is in it and gives its manifest.
  /// - Parameters:
  ///   - tree: a folder with `bin`, `lib` and `releases` at its top.
  ///   - tools: versions of what made it.
  public static func describe(_ tree: String, tools: [String: String]) throws(Cause) -> Manifest {
    let release = try otpRelease(in: tree)
    return Manifest(
      otpReleases: [release], processes: try processes(in: tree, release),
      appJSON: try appJSON(in: tree), tools: tools, target: .host, files: try files(in: tree))
  }

  public static func otpRelease(in tree: String) throws(Cause) -> OTPRelease {
    do throws(OTPReleaseError) {
      return try OTPRelease(
        read: { try Files.readIfThere(tree + "/" + $0, limit: 64 << 20) },
        list: { (try? Files.list(tree + "/" + $0)) ?? [] })
    } catch {
      throw Cause(.releaseFormat, "\(error)", remedy: "Build the release again with mix release.")
    }
  }

  /// The Procfile's process types; without one, `web` is `bin/server` where the release has it, else the release's own start.
  static func processes(in tree: String, _ release: OTPRelease) throws(Cause) -> [Procfile.Entry] {
    if let bytes = try read(tree + "/Procfile") {
      return try Procfile(text: String(decoding: bytes, as: UTF8.self)).entries
    }
    let command =
      Files.isExecutableFile(tree + "/bin/server")
      ? "bin/server" : "\(release.startCommand) \(release.startArgument)"
    return [Procfile.Entry(process: ProcessType.web, command: command)]
  }

  static func appJSON(in tree: String) throws(Cause) -> AppJSON? {
    guard let bytes = try read(tree + "/app.json") else { return nil }
    return try AppJSON(bytes: bytes)
  }

  private static func read(_ path: String) throws(Cause) -> [UInt8]? {
    do throws(PosixError) { return try Files.readIfThere(path, limit: 1 << 20) } catch {
      throw Cause(error)
    }
  }

  /// Whether it is no part of the slug's identity.
  private static func isOutside(_ path: String) -> Bool {
    path == Manifest.path || path == SlugRecord.path
  }

  private static func files(in tree: String) throws(Cause) -> [Manifest.Entry] {
    do throws(PosixError) {
      var entries: [Manifest.Entry] = []
      for entry in try FileTree.entries(of: tree, skipping: isOutside) {
        entries.append(try describe(entry, in: tree))
      }
      addOwnFolder(to: &entries)
      return entries
    } catch {
      if error.errno == .invalid {
        throw Cause(
          .slugContent,
          "\(error.subject) is neither file, folder nor link, or its name is not UTF-8",
          remedy: "Take it out of the release.")
      }
      throw Cause(error)
    }
  }

  /// The manifest's own folder is part of every slug; a tree that has no manifest yet must not give another one for it.
  private static func addOwnFolder(to entries: inout [Manifest.Entry]) {
    let own = Files.parent(of: Manifest.path)
    if entries.contains(where: { $0.path == own }) { return }
    let next = entries.firstIndex { own.utf8.lexicographicallyPrecedes($0.path.utf8) }
    entries.insert(
      Manifest.Entry(path: own, kind: .folder, mode: "755"), at: next ?? entries.endIndex)
  }

  private static func describe(_ entry: FileTree.Entry, in tree: String) throws(PosixError)
    -> Manifest.Entry
  {
    let path = tree + "/" + entry.path
    switch entry.info.kind {
    case .folder: return Manifest.Entry(path: entry.path, kind: .folder, mode: "755")
    case .link:
      return Manifest.Entry(
        path: entry.path, kind: .link, target: try Files.target(ofLink: path))
    case .file:
      return Manifest.Entry(
        path: entry.path, kind: .file, mode: entry.info.isExecutable ? "755" : "644",
        size: entry.info.size, sha256: Hex.encode(try SHA256.digest(ofFile: path)))
    case .other: throw PosixError("describe", path, .invalid)
    }
  }
}
