import Posix

/// Source against slug, name by name at the top of a folder. Each name moves by rename(2); a note says while they move,
/// so that the exchange can be undone after any of them.
struct Exchange {
  let source: String
  /// The hidden folder in the source: `slug` lies in it, `old` takes the source.
  let folder: String

  private var slug: String { folder + "/slug" }
  private var old: String { folder + "/old" }
  /// Which folder the source is, then the names of the slug, each ended by a zero. It is there from before the first move
  /// until after the last.
  private var note: String { folder + "/exchange" }

  var isUnderWay: Bool { Files.exists(note) }

  /// - Throws: where a name cannot be moved; then the exchange is to be undone.
  func perform() throws(PosixError) {
    let names = try Files.list(slug)
    try Files.makeFolder(old)
    let words = [try Files.identity(source)] + names
    try Files.replace(note, with: words.flatMap { Array($0.utf8) + [0] })
    for name in try Files.list(source) where source + "/" + name != folder {
      try makeMovable(source + "/" + name)
      try Files.rename(source + "/" + name, to: old + "/" + name)
    }
    for name in names { try Files.rename(slug + "/" + name, to: source + "/" + name) }
    try Files.remove(note)
  }

  /// Brings the source back where an exchange was begun and not ended.
  /// - Throws: where something is in the way of a name; all others are back then.
  func undo() throws(PosixError) {
    guard let names = try names() else { return }
    var failure: PosixError?
    func move(_ from: String, _ to: String) {
      do throws(PosixError) { try Files.rename(from, to: to) } catch { failure = failure ?? error }
    }
    // What the slug has lost lies in the source's place.
    for name in names where try Files.info(slug + "/" + name) == nil {
      if try Files.info(source + "/" + name) == nil { continue }
      move(source + "/" + name, slug + "/" + name)
    }
    for name in try Files.isFolder(old) ? Files.list(old) : [] {
      move(old + "/" + name, source + "/" + name)
    }
    if let failure { throw failure }
    try Files.remove(note)
  }

  /// Those of the slug; nil where no exchange is under way.
  /// - Throws: where the note is of another folder, or names what does not lie in this one: it came with the source then.
  private func names() throws(PosixError) -> [String]? {
    guard let info = try Files.info(note) else { return nil }
    let refusal = PosixError("use", note, .invalid)
    guard info.kind == .file else { throw refusal }
    let words = try Files.read(note, limit: 16 << 20).split(separator: 0).map {
      String(decoding: $0, as: UTF8.self)
    }
    let names = words.dropFirst()
    guard words.first == (try Files.identity(source)),
      names.allSatisfy({ !$0.contains("/") && $0 != "." && $0 != ".." })
    else { throw refusal }
    return Array(names)
  }

  /// A folder gets another parent, which takes the right to write in the folder itself.
  private func makeMovable(_ path: String) throws(PosixError) {
    guard let info = try Files.info(path), info.kind == .folder, info.mode & 0o200 == 0 else {
      return
    }
    try Files.setMode(path, info.mode | 0o700)
  }
}
