import CPosix

/// A watch on the changes in folders. Its file can be polled. inotify(7)
public struct FolderWatch: Sendable {
  public let file: File

  /// - Parameter namesOnly: whether only new, removed and renamed entries are noticed, not what is written to files.
  public init(_ folder: String, namesOnly: Bool = false) throws(PosixError) {
    let descriptor = try check("watch", folder) {
      namesOnly ? cposix_watch_names(folder) : cposix_watch(folder)
    }
    file = File(owning: descriptor, name: folder)
  }

  /// Notices each time that a file is opened.
  public init(opensOf path: String) throws(PosixError) {
    let descriptor = try check("watch", path) { cposix_watch_opens(path) }
    file = File(owning: descriptor, name: path)
  }

  /// Watches another folder too.
  /// - Returns: its number, as `drainChanges` returns it.
  @discardableResult
  public func add(_ folder: String) throws(PosixError) -> Int32 {
    try check("watch", folder) { cposix_watch_more(file.descriptor, folder) }
  }

  /// In the set of changed folders, it means that notices were lost: any folder may have changed.
  public static let overflow: Int32 = -1

  /// Takes all notices.
  /// - Returns: the numbers of the folders that have changed, and `overflow` if notices were lost.
  public func drainChanges() -> Set<Int32> {
    var folders: Set<Int32> = []
    drain { folder, _ in folders.insert(folder) }
    return folders
  }

  /// Takes all notices, so that the next wait lasts until the next change.
  public func drain() { _ = drainChanges() }

  /// The changes in a folder since the last look.
  public struct Notice: Equatable, Sendable {
    /// Whether a name with the wanted ending was among them.
    public var isWanted = false
    /// Whether the folder was moved or removed, or notices were lost: the folder must be read and watched again.
    public var isLost = false
  }

  public func drain(noticing suffix: String) -> Notice {
    var notice = Notice()
    drain { _, name in
      if name.isEmpty { notice.isLost = true }
      if name.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) { notice.isWanted = true }
    }
    return notice
  }

  /// Reads `struct inotify_event`: watch, mask, cookie and length of the name, four bytes each, then the name and
  /// zeros. An event without a name is about the folder itself, or the queue.
  private func drain(_ body: (Int32, Slice<UnsafeRawBufferPointer>) -> Void) {
    let head = 16
    while let bytes = try? file.read(upTo: 16_384), !bytes.isEmpty {
      bytes.withUnsafeBytes { events in
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
  }
}
