import Posix

/// What mix tasks fetch and put beside the folder that is compiled into: the programs of esbuild and tailwind. They stay
/// in the cache, and the tasks look themselves whether one is the version that they want.
struct Downloads {
  private let folder: String

  /// - Parameter tools: where the tools of a build keep what they fetch for themselves.
  init(_ tools: String) { folder = tools + "/downloads" }

  func bring(to work: WorkFolder) throws(BuildFailure) {
    do throws(PosixError) { try copy(from: folder, to: work.root) } catch {
      throw .unwritable(error)
    }
  }

  /// What cannot be kept is fetched again.
  func keep(from work: WorkFolder) {
    try? Files.makeFolder(folder)
    try? copy(from: work.root, to: folder)
  }

  /// Files alone; what is there already stays.
  private func copy(from source: String, to target: String) throws(PosixError) {
    guard Files.isFolder(source) else { return }
    for name in try Files.list(source, skippingOthers: true)
    where !Files.exists(target + "/" + name) {
      guard let info = try Files.info(source + "/" + name), info.kind == .file, info.isExecutable
      else { continue }
      try FileTree.copyFile(source + "/" + name, to: target + "/" + name, mode: 0o755)
    }
  }
}
