import Events
import HomeLayout
import Posix

/// The output of an app's runs as something to poll for: the last lines first, then what comes.
public struct OutputWatch: Sendable {
  private let home: Home
  private let app: String
  private let only: InstanceName?
  private var reader: OutputReader
  private var watch: FolderWatch?
  private var watched: Set<String> = []

  /// - Parameters:
  ///   - only: one instance; nil for all.
  ///   - last: the most lines that the first call of `next` returns.
  public init(home: Home, app: String, only: InstanceName? = nil, last: Int) {
    (self.home, self.app, self.only) = (home, app, only)
    reader = OutputReader(home: home, app: app, only: only, last: last)
  }

  /// Readable when there may be more; nil while the app has no folder.
  public var descriptor: Int32? { watch?.file.descriptor }

  /// The whole lines written since the last call.
  public mutating func next() -> [OutputLine] {
    // Watched before it is read, so that a line written in between is noticed.
    watch?.drain()
    watchFolders()
    return reader.next()
  }

  /// Adds new folders: of an instance, of a run, of its log.
  private mutating func watchFolders() {
    let root = home.app(app).instances
    if watch == nil { watch = try? FolderWatch(root) }
    guard watch != nil else { return }
    for instance in names(in: root) where only == nil || instance == only?.description {
      guard InstanceName(instance) != nil else { continue }
      add("\(root)/\(instance)")
      for run in names(in: "\(root)/\(instance)") {
        guard let number = UInt64(run) else { continue }
        let folder = home.app(app).run(instance, number)
        add(folder.path)
        add(folder.log)
      }
    }
  }

  private mutating func add(_ folder: String) {
    guard !watched.contains(folder), (try? watch?.add(folder)) != nil else { return }
    watched.insert(folder)
  }

  private func names(in folder: String) -> [String] { (try? Files.list(folder)) ?? [] }
}
