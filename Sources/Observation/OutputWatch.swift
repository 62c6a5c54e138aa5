import Events
import HomeLayout
import Posix

/// A watch on the output of an app's runs, to be polled. It returns the last lines first, then new ones.
public struct OutputWatch: Sendable {
  private var reader: OutputReader
  private var watch: FolderWatch?
  private var watched: Set<String> = []

  /// - Parameters:
  ///   - only: one instance; nil for all.
  ///   - last: the most lines that the first call of `next` returns.
  public init(home: Home, app: String, only: InstanceName? = nil, last: Int) {
    reader = OutputReader(home: home, app: app, only: only, last: last)
  }

  /// Readable when there may be more; nil while the app has no folder.
  public var descriptor: Int32? { watch?.file.descriptor }

  /// The whole lines written since the last call.
  public mutating func next() -> [OutputLine] {
    // The folders are watched before they are read, so that a line written in between is noticed.
    watch?.drain()
    if watch == nil { watch = try? FolderWatch(reader.root) }
    watchFolders()
    return reader.next()
  }

  /// Watches new folders. Then it looks again: more may have been made in them before they were watched.
  private mutating func watchFolders() {
    var isComplete = false
    while !isComplete {
      let new = reader.folders.filter { !watched.contains($0) && (try? watch?.add($0)) != nil }
      watched.formUnion(new)
      isComplete = new.isEmpty
    }
  }
}
