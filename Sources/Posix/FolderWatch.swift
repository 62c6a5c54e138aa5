import CPosix

/// Changes in a folder as something to poll for. inotify(7)
public struct FolderWatch: Sendable {
  public let file: File

  /// - Parameter namesOnly: whether only the names and what has them are watched, not what is written to files.
  public init(_ folder: String, namesOnly: Bool = false) throws(PosixError) {
    let descriptor = try check("watch", folder) {
      namesOnly ? cposix_watch_names(folder) : cposix_watch(folder)
    }
    file = File(owning: descriptor, name: folder)
  }

  /// Watches another folder too.
  /// - Returns: its number among those that `drainChanges` gives.
  @discardableResult
  public func add(_ folder: String) throws(PosixError) -> Int32 {
    try check("watch", folder) { cposix_watch_more(file.descriptor, folder) }
  }

  /// Stands for any folder, among the numbers of changed ones.
  public static let overflow: Int32 = -1

  /// Takes what has been noticed.
  /// - Returns: the numbers of the folders that something was noticed in, and `overflow` if notices were lost.
  public func drainChanges() -> Set<Int32> {
    var folders: Set<Int32> = []
    while let bytes = try? file.read(upTo: 16_384), !bytes.isEmpty {
      bytes.withUnsafeBytes { Self.forEach(in: $0) { watch, _ in folders.insert(watch) } }
    }
    return folders
  }

  /// Takes what has been noticed, so that polling waits for the next change.
  public func drain() { _ = drainChanges() }

  public struct Notice: Equatable, Sendable {
    /// Whether it was about a name with the ending that was asked for.
    public var isWanted = false
    /// Whether the folder is gone from its place, or notices were lost: it is to be looked at and watched anew.
    public var isLost = false
  }

  public func drain(noticing suffix: String) -> Notice {
    var notice = Notice()
    while let bytes = try? file.read(upTo: 16_384), !bytes.isEmpty {
      bytes.withUnsafeBytes {
        Self.forEach(in: $0) { _, name in
          if name.isEmpty { notice.isLost = true }
          if name.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) { notice.isWanted = true }
        }
      }
    }
    return notice
  }

  /// `struct inotify_event`: watch, mask, cookie and length of the name, four bytes each, then the name and zeros.
  /// Without a name it is about the folder itself, or the queue.
  private static func forEach(
    in events: UnsafeRawBufferPointer, _ body: (Int32, Slice<UnsafeRawBufferPointer>) -> Void
  ) {
    let head = 16
    var start = 0
    while start + head <= events.count {
      let watch = events.loadUnaligned(fromByteOffset: start, as: Int32.self)
      let length = Int(events.loadUnaligned(fromByteOffset: start + 12, as: UInt32.self))
      let end = min(events.count, start + head + length)
      body(watch, events[(start + head)..<end].prefix { $0 != 0 })
      start += head + length
    }
  }
}
