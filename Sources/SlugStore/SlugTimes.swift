import Posix
import ReleaseModel

/// The times and modes of a tree's files, computed from its manifest, so that two builds of the same slug are equal
/// byte for byte, also as archives.
///
/// A file's time is computed from its content: web servers detect a changed file by its size and time (Plug.Static's
/// ETag), so a new file of the same size must have another time.
public enum SlugTimes {
  /// The time of folders and links: 2000-01-01 in seconds since 1970.
  public static let start = 946_684_800
  /// 17 years in seconds, so that no file has a time in the future.
  static let span = 17 * 365 * 86_400

  /// Call it last: files that are written afterwards have the time of their writing.
  /// - Parameter tree: a folder with the manifest and its files.
  public static func set(_ tree: String, _ manifest: Manifest) throws(PosixError) {
    let links = manifest.otpReleases.count > 1 ? Self.links(manifest.files) : [:]
    for entry in manifest.files {
      let path = tree + "/" + entry.path
      if let first = links[entry.path] { try link(tree + "/" + first, path) }
      if entry.kind != .link { try setMode(path, entry.isExecutable ? 0o755 : 0o644) }
    }
    for path in Manifest.outside.map({ tree + "/" + $0 }) {
      guard try Files.info(path)?.kind == .file else { continue }
      try setMode(path, 0o644)
      try Files.setModified(path, time(of: try SHA256.digest(ofFile: path)))
    }
    // Folders come after their content, since a change of the content changes their time.
    for entry in manifest.files.reversed() {
      try Files.setModified(tree + "/" + entry.path, time(of: entry))
    }
    try Files.setModified(tree, start)
  }

  private static func time(of entry: Manifest.Entry) -> Int {
    entry.kind == .file ? time(of: Hex.decode(entry.sha256 ?? "") ?? []) : start
  }

  private static func time(of digest: [UInt8]) -> Int {
    start + digest.prefix(4).reduce(0) { $0 << 8 | Int($1) } % span
  }

  private static func setMode(_ path: String, _ mode: UInt32) throws(PosixError) {
    if try Files.info(path)?.mode != mode { try Files.setMode(path, mode) }
  }

  /// Files that an earlier OTP release of the tree also has, with the earlier path: an archive holds each file once.
  private static func links(_ files: [Manifest.Entry]) -> [String: String] {
    // By digest and mode.
    var first: [String: String] = [:]
    var links: [String: String] = [:]
    for entry in files where entry.kind == .file && entry.size ?? 0 > 0 {
      guard let digest = entry.sha256, entry.path.hasPrefix(ManifestBuilder.folder + "/") else {
        continue
      }
      let content = "\(digest) \(entry.mode ?? "")"
      if let path = first[content] { links[entry.path] = path } else { first[content] = entry.path }
    }
    return links
  }

  private static func link(_ first: String, _ path: String) throws(PosixError) {
    let new = path + ".new-" + Random.hex(4)
    do throws(PosixError) { try Files.hardLink(first, at: new) } catch {
      // The file system limits the links of a file. A separate copy is valid, too.
      if error.errno == .tooManyLinks { return }
      throw error
    }
    try Files.rename(new, to: path)
    // If both are names of one file already, rename(2) does nothing and the new name is left.
    try Files.remove(new)
  }
}
