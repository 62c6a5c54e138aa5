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
  ///   - last: how many of the lines that are there already the first call of `next` gives.
  public init(home: Home, app: String, only: InstanceName? = nil, last: Int) {
    (self.home, self.app, self.only) = (home, app, only)
    reader = OutputReader(home: home, app: app, only: only, last: last)
  }

  /// Readable when there may be more; nil while the app has no folder.
  public var descriptor: Int32? { watch?.file.descriptor }

  /// What was written since the last call, whole lines only.
  public mutating func next() -> [OutputLine] {
    // Watched before it is read: what is written between the two is noticed.
    watch?.drain()
    watchFolders()
    return reader.next()
  }

  /// Adds the folders that have come since: of a new instance, a new run, its log.
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
