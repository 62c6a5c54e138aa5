import Posix
import ReleaseModel

/// Gives a tree's files the times and modes that follow from its manifest, so that two builds of the same slug are the
/// same byte for byte, also as archives.
///
/// A file's time follows from its content: web servers know a changed file by size and time (Plug.Static's ETag), and
/// with one time for all they would take a new file of the same size for the old one.
public enum SlugTimes {
  /// 2000-01-01 in seconds since 1970; of folders and links.
  public static let start: Int64 = 946_684_800
  /// 17 years in seconds: no file is from the future.
  static let span: Int64 = 17 * 365 * 86_400

  /// To be done last: whatever is written afterwards has its own time.
  /// - Parameter tree: it holds what the manifest tells, and the manifest.
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
      try Files.setTimes(path, time(of: try SHA256.digest(ofFile: path)))
    }
    // Folders after what is in them: their time changes with it.
    for entry in manifest.files.reversed() {
      try Files.setTimes(tree + "/" + entry.path, time(of: entry))
    }
    try Files.setTimes(tree, start)
  }

  private static func time(of entry: Manifest.Entry) -> Int64 {
    entry.kind == .file ? time(of: Hex.decode(entry.sha256 ?? "") ?? []) : start
  }

  private static func time(of digest: [UInt8]) -> Int64 {
    start + digest.prefix(4).reduce(0) { $0 << 8 | Int64($1) } % span
  }

  private static func setMode(_ path: String, _ mode: UInt32) throws(PosixError) {
    if try Files.info(path)?.mode != mode { try Files.setMode(path, mode) }
  }

  /// The files of further OTP releases that a former one has too, with its path: an archive holds them once.
  private static func links(_ files: [Manifest.Entry]) -> [String: String] {
    struct Content: Hashable {
      var sha256: String
      var mode: String?
    }
    var first: [Content: String] = [:]
    var links: [String: String] = [:]
    for entry in files where entry.kind == .file && entry.size ?? 0 > 0 {
      guard let digest = entry.sha256, entry.path.hasPrefix(ManifestBuilder.folder + "/") else {
        continue
      }
      let content = Content(sha256: digest, mode: entry.mode)
      if let path = first[content] { links[entry.path] = path } else { first[content] = entry.path }
    }
    return links
  }

  private static func link(_ first: String, _ path: String) throws(PosixError) {
    let new = path + ".new-" + Random.hex(4)
    do throws(PosixError) { try Files.hardLink(first, at: new) } catch {
      // As many as the file system allows; what is no link is right too.
      if error.errno == .tooManyLinks { return }
      throw error
    }
    try Files.rename(new, to: path)
    // Two names of one file already: rename(2) has done nothing.
    try Files.remove(new)
  }
}
