import CPosix

/// Changes in a folder as something to poll for. inotify(7)
public struct FolderWatch: Sendable {
  public let file: File

  public init(_ folder: String) throws(PosixError) {
    let descriptor = try check("watch", folder) { cposix_watch(folder) }
    file = File(owning: descriptor, name: folder)
  }

  /// Watches only which names there are and what has them; nothing that is written to a file is noticed.
  public init(namesIn folder: String) throws(PosixError) {
    let descriptor = try check("watch", folder) { cposix_watch_names(folder) }
    file = File(owning: descriptor, name: folder)
  }

  /// Watches another folder too.
  public func add(_ folder: String) throws(PosixError) {
    try check("watch", folder) { cposix_watch_more(file.descriptor, folder) }
  }

  /// Takes what has been noticed, so that polling waits for the next change.
  public func drain() {
    while let bytes = try? file.read(upTo: 16_384), !bytes.isEmpty {}
  }

  /// What has been noticed in a folder.
  public struct Notice: Equatable, Sendable {
    /// Whether it was about a name with the ending that was asked for.
    public var isWanted = false
    /// Whether the folder is gone from its place, or notices were lost: it is to be looked at and watched anew.
    public var isLost = false
  }

  /// Takes what has been noticed.
  public func drain(noticing suffix: String) -> Notice {
    var notice = Notice()
    while let bytes = try? file.read(upTo: 16_384), !bytes.isEmpty {
      bytes.withUnsafeBytes { Self.note(suffix, in: $0, &notice) }
    }
    return notice
  }

  /// `struct inotify_event`: watch, mask, cookie and length of the name, four bytes each, then the name and zeros.
  /// Without a name it is about the folder itself, or the queue.
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
