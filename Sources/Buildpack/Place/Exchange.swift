import Posix

/// The exchange of a source and its slug, name by name at the top of a folder. Each name moves by rename(2). A note on disk
/// says that the exchange is under way, so that it can be undone after any of the moves.
struct Exchange {
  let source: String
  /// The hidden folder in the source. Its subfolder `slug` is the slug, and the source's files move into `old`.
  let folder: String

  private var slug: String { folder + "/slug" }
  private var old: String { folder + "/old" }
  /// A file with the identity of the source's folder, then the names in the slug, each followed by a zero byte. It
  /// exists from before the first move until after the last.
  private var note: String { folder + "/exchange" }

  var isUnderWay: Bool { Files.exists(note) }

  /// - Throws: an error if a name cannot be moved. The caller must undo the exchange then.
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

  /// Restores the source if an exchange was begun and not finished.
  /// - Throws: an error if a name could not be moved back. All other names have then been moved back.
  func undo() throws(PosixError) {
    guard let names = try names() else { return }
    var failure: PosixError?
    func move(_ from: String, _ to: String) {
      do throws(PosixError) { try Files.rename(from, to: to) } catch { failure = failure ?? error }
    }
    // Names that are missing in the slug have already moved into the source's place.
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

  /// The names in the slug; nil if no exchange is under way.
  /// - Throws: an error if the note is about another folder or is not valid: such a note came with the source.
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

  /// Moving a folder to another parent needs write permission for the folder itself.
  private func makeMovable(_ path: String) throws(PosixError) {
    guard let info = try Files.info(path), info.kind == .folder, info.mode & 0o200 == 0 else {
      return
    }
    try Files.setMode(path, info.mode | 0o700)
  }
}
