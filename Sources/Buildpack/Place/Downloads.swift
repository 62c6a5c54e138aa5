import Posix

/// What mix tasks fetch and put beside the folder that is compiled into: the programs of esbuild and tailwind. Which
/// version that is stands in the configuration, and the tasks look no further than whether a program is there; so it is
/// used again only where configuration and lock file are the same.
struct Downloads {
  private let all: String
  private let folder: String

  /// - Parameters:
  ///   - tools: where the tools of a build keep what they fetch for themselves.
  ///   - key: of the build: its configuration and lock file decide.
  init(_ tools: String, _ key: CacheKey) {
    let parts = key.parts.filter { $0.name == "the configuration" || $0.name == key.lock }
    let text = parts.map { "\($0.name) \($0.value)" }.joined(separator: "\n")
    all = tools + "/downloads"
    folder = all + "/" + Hex.encode(SHA256.digest(Array(text.utf8)).prefix(8))
  }

  /// What cannot be used is fetched again.
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

  /// Programs alone, each whole or not at all; what is there already stays.
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
