import Posix

/// Source against slug, name by name at the top of a folder. Each name moves by rename(2); a note says while they move,
/// so that the exchange can be undone after any of them.
struct Exchange {
  let source: String
  /// The hidden folder in the source: `slug` lies in it, `old` takes the source.
  let folder: String

  private var slug: String { folder + "/slug" }
  private var old: String { folder + "/old" }
  /// The names of the slug, each ended by a zero. It is there from before the first move until after the last.
  private var note: String { folder + "/exchange" }

  func perform() throws(PosixError) {
    let names = try Files.list(slug)
    try Files.makeFolder(old)
    try Files.replace(note, with: names.flatMap { Array($0.utf8) + [0] })
    do throws(PosixError) {
      for name in try Files.list(source) where source + "/" + name != folder {
        try makeMovable(source + "/" + name)
        try Files.rename(source + "/" + name, to: old + "/" + name)
      }
      for name in names { try Files.rename(slug + "/" + name, to: source + "/" + name) }
      try Files.remove(note)
    } catch {
      try? undo()
      throw error
    }
  }

  /// Brings the source back where an exchange was begun and not ended.
  func undo() throws(PosixError) {
    guard let bytes = try Files.readIfThere(note, limit: 16 << 20) else { return }
    let names = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    // What the slug has lost lies in the source's place.
    for name in names where try Files.info(slug + "/" + name) == nil {
      guard try Files.info(source + "/" + name) != nil else { continue }
      try Files.rename(source + "/" + name, to: slug + "/" + name)
    }
    for name in try Files.isFolder(old) ? Files.list(old) : [] {
      try Files.rename(old + "/" + name, to: source + "/" + name)
    }
    try Files.remove(note)
  }

  /// A folder gets another parent, which takes the right to write in the folder itself.
  private func makeMovable(_ path: String) throws(PosixError) {
    guard let info = try Files.info(path), info.kind == .folder, info.mode & 0o200 == 0 else {
      return
    }
    try Files.setMode(path, info.mode | 0o700)
  }
}
