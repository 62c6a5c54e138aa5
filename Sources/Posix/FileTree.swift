import Glibc

/// A folder with everything under it.
public enum FileTree {
  public struct Entry: Hashable, Sendable {
    /// Relative to the tree's root, without a leading slash.
    public var path: String
    public var info: Files.Info
  }

  /// The limit exceeds the depth of any real tree. A deeper tree is refused (ELOOP) before it exhausts the stack.
  static let greatestDepth = 128

  /// Everything under `root`, a folder before its content, names sorted by their bytes. Links are not followed.
  /// - Parameters:
  ///   - skippingOthers: whether a name that is not UTF-8 is left out, with everything under it; else it is an error.
  ///   - skip: paths for which this is true are left out, with everything under them.
  public static func entries(
    of root: String, skippingOthers: Bool = false, skipping skip: (String) -> Bool = { _ in false }
  ) throws(PosixError) -> [Entry] {
    var found: [Entry] = []
    try collect(root, "", depth: 0, skippingOthers, skip, &found)
    return found
  }

  private static func collect(
    _ root: String, _ folder: String, depth: Int, _ skippingOthers: Bool,
    _ skip: (String) -> Bool, _ found: inout [Entry]
  ) throws(PosixError) {
    guard depth < greatestDepth else {
      throw PosixError("read", root + "/" + folder, Errno(rawValue: ELOOP))
    }
    let whole = folder.isEmpty ? root : root + "/" + folder
    for name in try Files.list(whole, skippingOthers: skippingOthers) {
      let path = folder.isEmpty ? name : folder + "/" + name
      if skip(path) { continue }
      guard let info = try Files.info(root + "/" + path) else { continue }
      found.append(Entry(path: path, info: info))
      if info.kind == .folder {
        try collect(root, path, depth: depth + 1, skippingOthers, skip, &found)
      }
    }
  }

  /// Copies a tree: folders, files with their permission bits except setuid, setgid and sticky, links as they are.
  /// Devices, sockets and pipes are refused (EINVAL). No link leads the copy out of the source, not even one that is
  /// made meanwhile: the owner of the source must not get files that only this process can read.
  /// - Parameter skippingOthers: whether devices, sockets, pipes and names that are not UTF-8 are left out instead.
  public static func copy(
    _ source: String, to target: String, skippingOthers: Bool = false,
    skipping skip: (String) -> Bool = { _ in false }
  ) throws(PosixError) {
    try Files.makeFolder(target)
    let top = try File.open(try Files.resolve(source), .folder)
    for entry in try entries(of: source, skippingOthers: skippingOthers, skipping: skip) {
      let (from, to) = (source + "/" + entry.path, target + "/" + entry.path)
      switch entry.info.kind {
      case .folder: try Files.makeFolder(to, mode: entry.info.mode & 0o777 | 0o700)
      case .link: try Files.symbolicLink(to: Files.target(ofLink: from), at: to)
      case .file:
        let file = try File.open(entry.path, below: top)
        guard try file.info().kind == .file else { throw PosixError("copy", from, .invalid) }
        try copy(file, to: to, mode: entry.info.mode & 0o777)
      case .other: if !skippingOthers { throw PosixError("copy", from, .invalid) }
      }
    }
  }

  /// Moves a tree, by rename(2) within a mount and by a copy from one mount to another.
  public static func move(_ source: String, to target: String) throws(PosixError) {
    do throws(PosixError) { try Files.rename(source, to: target) } catch {
      if error.errno != .crossDevice { throw error }
      try copy(source, to: target)
      try Files.remove(source)
    }
  }

  public static func copyFile(_ source: String, to target: String, mode: mode_t)
    throws(PosixError)
  {
    try copy(try File.open(source, .read), to: target, mode: mode)
  }

  private static func copy(_ input: File, to target: String, mode: mode_t) throws(PosixError) {
    let output = try File.open(target, .create, mode: mode)
    while true {
      let part = try input.read(upTo: 1 << 20)
      if part.isEmpty { break }
      try output.write(part)
    }
    // The umask takes bits from the mode that is given to open(2).
    try check("change", target) { fchmod(output.descriptor, mode) }
  }

  /// Gives a tree to a user and the group of the same number; links are not followed. lchown(2)
  public static func give(_ root: String, to user: uid_t) throws(PosixError) {
    for path in [root] + (try entries(of: root)).map({ root + "/" + $0.path }) {
      try check("change", path) { lchown(path, user, user) }
    }
  }
}
