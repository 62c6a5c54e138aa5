import CPosix

/// A watch of changes in a folder, with a descriptor to wait for. inotify(7)
public struct FolderWatch: Sendable {
  public let file: File

  public init(_ folder: String) throws(PosixError) {
    let descriptor = try check("watch", folder) { cposix_watch(folder) }
    file = File(owning: descriptor, name: folder)
  }

  /// Watches the names in a folder and the files that have them, not what is written to the files.
  public init(namesIn folder: String) throws(PosixError) {
    let descriptor = try check("watch", folder) { cposix_watch_names(folder) }
    file = File(owning: descriptor, name: folder)
  }

  public func add(_ folder: String) throws(PosixError) {
    try check("watch", folder) { cposix_watch_more(file.descriptor, folder) }
  }

  /// Takes all notices, so that a wait goes on to the next change.
  public func drain() {
    while let bytes = try? file.read(upTo: 16_384), !bytes.isEmpty {}
  }

  /// The changes in a folder since the last look.
  public struct Notice: Equatable, Sendable {
    /// Whether a name with the wanted ending was among them.
    public var isWanted = false
    /// Whether the folder was moved or removed, or notices were lost: the folder must be read and watched anew.
    public var isLost = false
  }

  public func drain(noticing suffix: String) -> Notice {
    var notice = Notice()
    while let bytes = try? file.read(upTo: 16_384), !bytes.isEmpty {
      bytes.withUnsafeBytes { Self.note(suffix, in: $0, &notice) }
    }
    return notice
  }

  /// `struct inotify_event`: watch, mask, cookie and length of the name, four bytes each, then the name and zeros.
  /// An event without a name is about the folder itself, or the queue.
  private static func note(
    _ suffix: String, in events: UnsafeRawBufferPointer, _ notice: inout Notice
  ) {
    let head = 16
    var start = 0
    while start + head <= events.count {
      let length = Int(events.loadUnaligned(fromByteOffset: start + 12, as: UInt32.self))
      let end = min(events.count, start + head + length)
      let name = events[(start + head)..<end].prefix { $0 != 0 }
      if name.isEmpty { notice.isLost = true }
      if name.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) { notice.isWanted = true }
      start += head + length
    }
  }
}
