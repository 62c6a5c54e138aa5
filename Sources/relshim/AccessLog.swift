import HomeLayout
import Posix

/// The lines that HAProxy writes of requests, put into the logs of their apps: as the output of an instance `router.1`.
struct AccessLog {
  private let home: Home
  let writing: File
  let reading: File
  private var splitter = LineSplitter(longest: LogLine.longest)
  private var writers: [String: LogWriter] = [:]

  init(_ folder: RouterFolder) throws(PosixError) {
    home = Home(root: Files.parent(of: folder.path))
    (reading, writing) = try File.pipe()
  }

  /// Takes over what was written. A line begins with the name of its app.
  mutating func take() {
    guard let part = try? reading.read(upTo: 65_536) else { return }
    var lines: [String: [UInt8]] = [:]
    for line in splitter.feed(part) {
      guard let space = line.firstIndex(of: " ") else { continue }
      lines[String(line[..<space]), default: []] += Array((line[space...].dropFirst() + "\n").utf8)
    }
    for (app, bytes) in lines { append(bytes, to: app) }
  }

  private mutating func append(_ bytes: [UInt8], to app: String) {
    if writers[app] == nil {
      let folder = home.app(app)
      // Only an app that is there has a log; a request that cannot be read has none.
      guard !app.isEmpty, !app.contains("/"), Files.isFolder(folder.path) else { return }
      writers[app] = try? LogWriter(folder.run(RouterFolder.instance, RouterFolder.run))
    }
    writers[app]?.append(bytes)
  }
}
