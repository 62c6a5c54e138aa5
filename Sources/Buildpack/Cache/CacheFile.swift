import Posix

/// The cache's file, opened for reading.
///
/// It holds the bytes of all files in sequence, then the index, then the index's length and digest and the name of the
/// format. A truncated file does not end in this way.
struct CacheFile {
  static let format = Array("relpack cache 2\n".utf8)
  static let endSize = 8 + 32 + 16
  /// In bytes. The index of a hundred thousand files is smaller.
  static let greatestIndex = 32 << 20
  static let greatestSize = 4 << 30

  let index: CacheIndex
  private let file: File
  private let folder: File

  static func open(_ path: String?) throws(CacheFault) -> CacheFile {
    guard let path else { throw CacheFault(reason: "there is no cache folder") }
    let folder: File
    let file: File
    do throws(PosixError) {
      folder = try File.open(path, .folder)
      file = try File.open(BuildCache.file, .read, in: folder)
    } catch {
      throw error.errno == .noSuchFile
        ? CacheFault(reason: "the cache is empty") : CacheFault(error)
    }
    do throws(CacheFault) { return try CacheFile(file, in: folder) } catch {
      if error.isDamage { try? Files.remove(BuildCache.file, in: folder) }
      throw error
    }
  }

  private init(_ file: File, in folder: File) throws(CacheFault) {
    (self.file, self.folder) = (file, folder)
    let info = try CacheFault.of(file.info())
    guard info.kind == .file else { throw .damaged("'\(BuildCache.file)' is not a file") }
    guard info.owner == User.id else {
      throw CacheFault(reason: "the cache belongs to user \(info.owner)")
    }
    guard info.mode & 0o022 == 0 else { throw CacheFault(reason: "others may write to the cache") }
    guard info.size >= Self.endSize, info.size <= Self.greatestSize else { throw .cutShort }
    let end = try Self.read(file, Self.endSize, at: info.size - Self.endSize)
    guard end.has(Self.format, at: 40) else { throw .cutShort }
    var reader = CacheReader(end)
    let size = try reader.number()
    guard size <= Self.greatestIndex, size <= info.size - Self.endSize else { throw .cutShort }
    let bytes = try Self.read(file, size, at: info.size - Self.endSize - size)
    guard end.has(SHA256.digest(bytes), at: 8) else { throw .damaged("its index") }
    index = try CacheIndex(bytes)
    guard index.size == info.size - Self.endSize - size else { throw .damaged("its length") }
  }

  private static func read(_ file: File, _ count: Int, at offset: Int) throws(CacheFault) -> [UInt8]
  {
    let bytes = try CacheFault.of(file.read(upTo: count, at: offset))
    guard bytes.count == count else { throw .cutShort }
    return bytes
  }

  /// Restores the chosen parts, all of them or none.
  func restore(_ decision: CacheDecision, to wanted: BuildCache.Wanted) throws(CacheFault) {
    let parts = self.parts(decision, wanted)
    if parts.isEmpty { return }
    // A folder beside the target, so that the parts can be renamed into place.
    let stage =
      (decision.reuse == .slug ? wanted.slug : wanted.build) + ".restored-" + Random.hex(4)
    defer { try? Files.remove(stage) }
    do throws(CacheFault) {
      for (part, place) in parts {
        try restore(part, to: stage + "/" + part.rawValue, decision, place, wanted.root)
      }
    } catch {
      if error.isDamage { try? Files.remove(BuildCache.file, in: folder) }
      throw error
    }
    for (index, (part, place)) in parts.enumerated() {
      do throws(PosixError) { try Files.rename(stage + "/" + part.rawValue, to: place) } catch {
        for (_, place) in parts[..<index] { try? Files.remove(place) }
        throw CacheFault(error)
      }
    }
  }

  private func parts(_ decision: CacheDecision, _ wanted: BuildCache.Wanted)
    -> [(CacheIndex.Part, String)]
  {
    var parts: [(CacheIndex.Part, String)] = []
    switch decision.reuse {
    case .nothing: break
    case .slug: parts = [(.slug, wanted.slug)]
    case .dependencies: parts = [(.dependencies, wanted.dependencies)]
    case .compiled, .compiledDependencies:
      parts = [(.dependencies, wanted.dependencies), (.build, wanted.build)]
    }
    return parts.filter { part, place in
      // Dependencies that came with the source are not replaced.
      index.trees[part] != nil && !(part == .dependencies && Files.exists(place))
    }
  }

  private func restore(
    _ part: CacheIndex.Part, to folder: String, _ decision: CacheDecision, _ place: String,
    _ root: String
  ) throws(CacheFault) {
    try CacheFault.of(Files.makeFolder(folder, mode: 0o755))
    var offset = CacheIndex.Part.allCases.prefix { $0 != part }
      .reduce(0) { $0 + (index.trees[$1]?.size ?? 0) }
    let prefix = part == .slug ? "" : CachePath.relative(place, to: root)
    var made: [CacheIndex.Entry] = []
    for entry in index.trees[part]?.entries ?? [] {
      if decision.includes(entry.path, of: part, in: index) {
        try restore(entry, part, at: offset, to: folder, prefix: prefix)
        made.append(entry)
      }
      offset += entry.size
    }
    try CacheFault.of(finish(made, part, in: folder))
  }

  private func restore(
    _ entry: CacheIndex.Entry, _ part: CacheIndex.Part, at offset: Int, to folder: String,
    prefix: String
  ) throws(CacheFault) {
    let path = folder + "/" + entry.path
    switch entry.kind {
    case .folder:
      try CacheFault.of(Files.makeFolder(path, mode: 0o755))
    case .file:
      guard try write(entry, at: offset, to: path) else { throw .damaged("\(part)/\(entry.path)") }
    case .link:
      guard CachePath.staysInside(link: CachePath.join(prefix, entry.path), target: entry.target)
      else { throw .damaged("the link \(part)/\(entry.path)") }
    }
  }

  /// Makes links after all files, so that no file is written through a link, and sets the times of folders.
  private func finish(_ made: [CacheIndex.Entry], _ part: CacheIndex.Part, in folder: String)
    throws(PosixError)
  {
    for link in made where link.kind == .link {
      try Files.symbolicLink(to: link.target, at: folder + "/" + link.path)
      try Files.setModified(folder + "/" + link.path, SourceTimes.restored)
    }
    for entry in made.reversed() where entry.kind == .folder {
      try Files.setModified(folder + "/" + entry.path, SourceTimes.restored)
    }
    if part != .dependencies { return }
    let untouched = index.trees[part]?.untouched ?? []
    try Self.touch(
      made.map(\.path).filter {
        CachePath.isFetchMark($0) && untouched.contains(Files.parent(of: $0))
      }.map { folder + "/" + $0 })
  }

  /// Makes the fetch marks newer than all other files, so that the next build sees which dependencies are unchanged
  /// since they were fetched. The file system's clock ticks in milliseconds; if it does not tick in time, the next
  /// build treats these dependencies as changed.
  private static func touch(_ marks: [String]) throws(PosixError) {
    guard let first = marks.first else { return }
    try Files.setModified(first, SourceTimes.restored)
    let before = Files.statusChanged(first)
    for _ in 0..<20 where Files.statusChanged(first) == before {
      Clock.pause(milliseconds: 1)
      try Files.setModified(first, SourceTimes.restored)
    }
    for mark in marks.dropFirst() { try Files.setModified(mark, SourceTimes.restored) }
  }

  /// Copies one file and computes its digest.
  /// - Returns: whether the digest is that of the index.
  private func write(_ entry: CacheIndex.Entry, at offset: Int, to path: String)
    throws(CacheFault) -> Bool
  {
    let output = try CacheFault.of(File.open(path, .create))
    var hash = SHA256()
    var done = 0
    while done < entry.size {
      let part = try Self.read(file, min(entry.size - done, 1 << 20), at: offset + done)
      hash.update(part)
      try CacheFault.of(output.write(part))
      done += part.count
    }
    try CacheFault.of(output.setMode(entry.mode & 0o755 | 0o400))
    try CacheFault.of(output.setModified(SourceTimes.restored))
    return hash.finish() == entry.digest
  }
}

struct CacheFault: Error, Hashable {
  var reason: String
  /// Whether the file is damaged, so that no build can ever use it.
  var isDamage = false

  init(reason: String) { self.reason = reason }

  init(_ error: PosixError) { reason = "\(error)" }

  static func damaged(_ what: String) -> CacheFault {
    var fault = CacheFault(reason: "the cache is damaged: \(what)")
    fault.isDamage = true
    return fault
  }

  static let cutShort = damaged("it is truncated, or of another version")

  /// Turns a failed system call into a fault.
  static func of<R>(_ call: @autoclosure () throws(PosixError) -> R) throws(CacheFault) -> R {
    do throws(PosixError) { return try call() } catch { throw CacheFault(error) }
  }
}
