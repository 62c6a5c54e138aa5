import Posix

/// Programs that mix tasks fetch for themselves, such as esbuild and tailwind. The configuration names their version,
/// but the tasks only check whether a program exists. So a program is used again only with the same configuration and
/// lock file.
struct Downloads {
  private let all: String
  private let folder: String

  /// - Parameter key: the build's cache key; only its configuration and lock file count.
  init(_ tools: String, _ key: CacheKey) {
    let parts = key.parts.filter { $0.name == "the configuration" || $0.name == key.lock }
    let text = parts.map { "\($0.name) \($0.value)" }.joined(separator: "\n")
    all = tools + "/downloads"
    folder = all + "/" + Hex.encode(SHA256.digest(Array(text.utf8)).prefix(8))
  }

  /// Copies the programs into the work folder. On an error the tasks fetch them again.
  func bring(to work: WorkFolder) {
    guard isOwn(all), isOwn(folder) else { return }
    try? copy(from: folder, to: work.root)
  }

  func keep(from work: WorkFolder) {
    let others = ((try? Files.list(all, skippingOthers: true)) ?? []).filter {
      all + "/" + $0 != folder
    }
    for name in others { try? Files.remove(all + "/" + name) }
    try? Files.makeFolder(folder)
    if isOwn(all), isOwn(folder) { try? copy(from: work.root, to: folder) }
  }

  private func isOwn(_ folder: String) -> Bool {
    guard let info = try? Files.info(folder), info.kind == .folder else { return false }
    return info.owner == User.id && info.mode & 0o022 == 0
  }

  /// Copies executable files, each whole or not at all. Files that exist are kept.
  private func copy(from source: String, to target: String) throws(PosixError) {
    for name in try Files.list(source, skippingOthers: true)
    where !WorkFolder.names.contains(name) && !Files.exists(target + "/" + name) {
      guard let info = try Files.info(source + "/" + name), info.kind == .file, info.isExecutable
      else { continue }
      let aside = target + "/" + name + ".new-" + Random.hex(4)
      try FileTree.copyFile(source + "/" + name, to: aside, mode: 0o755)
      try Files.rename(aside, to: target + "/" + name)
    }
  }
}
