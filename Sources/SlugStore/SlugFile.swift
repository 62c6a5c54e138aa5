import Posix

/// Files of a slug's tree by paths that come from the slug, or from what its programs print.
public enum SlugFile {
  /// Opens a regular file of the tree. Links that leave the tree are not followed, nor is one in the place of the file.
  /// - Parameter path: relative to the tree, or below its path.
  public static func open(_ path: String, in tree: String) throws(PosixError) -> File {
    let isWhole = path.hasPrefix(tree + "/")
    let folder = try File.open(tree, .folder)
    let file = try File.open(isWhole ? String(path.dropFirst(tree.count + 1)) : path, below: folder)
    guard try file.info().kind == .file else { throw PosixError("read", path, .invalid) }
    return file
  }
}
