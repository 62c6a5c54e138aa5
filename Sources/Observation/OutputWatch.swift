import Posix
import ReleaseModel

/// The output of an app's runs as something to poll for: the last lines first, then what comes.
public struct OutputWatch: Sendable {
  private let home: Home
  private let app: String
  private let only: InstanceName?
  private var reader: OutputReader
  private var watch: FolderWatch?
  private var watched: Set<String> = []
  /// Lines that were there at the start; `next` could give some of them again, once.
  private var early: Set<OutputLine> = []

  /// - Parameter only: one instance; nil for all.
  public init(home: Home, app: String, only: InstanceName? = nil) {
    (self.home, self.app, self.only) = (home, app, only)
    reader = OutputReader(home: home, app: app, only: only)
    // Watched before it is read: what is written between the two is noticed.
    watchFolders()
  }

  /// Readable when there may be more; nil while the app has no folder.
  public var descriptor: Int32? { watch?.file.descriptor }

  /// The last lines that are there.
  public mutating func last(_ count: Int) -> [OutputLine] {
    reader.skip()
    let lines = OutputReader.last(count, home: home, app: app, only: only)
    early = Set(lines)
    return lines
  }

  /// What was written since, whole lines only.
  public mutating func next() -> [OutputLine] {
    watch?.drain()
    watchFolders()
    let lines = reader.next().filter { !early.contains($0) }
    early = []
    return lines
  }

  /// Adds the folders that have come since: of a new instance, a new run, its log.
  private mutating func watchFolders() {
    let root = home.app(app).instances
    if watch == nil {
      watch = try? FolderWatch(root)
      watched = []
    }
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
