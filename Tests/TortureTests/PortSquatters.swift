import Events
import Posix
import TestSupport

/// Programs that take the ports of runs that have ended, as any program of the host may.
final class PortSquatters {
  private let folder: String
  private var children: [Child] = []
  private var taken: Set<UInt64> = []
  private static let most = 6

  init(folder: String) {
    self.folder = folder + "/squatter"
    try? Files.makeFolder(self.folder)
    try? Files.replace(self.folder + "/index.html", with: Array("squatter\n".utf8))
  }

  func take(_ app: Board.App) {
    for run in app.runs where !run.state.isLive && run.instance.process == "web" {
      guard let port = run.port, taken.insert(run.id).inserted else { continue }
      let program = Invocation(
        ["busybox", "httpd", "-f", "-p", "127.0.0.1:\(port)", "-h", folder],
        environment: ["PATH": Invocation.standardPath])
      guard let child = try? Child.start(program, output: .null, errors: .null) else { continue }
      children.append(child)
      if children.count > Self.most { Self.end(children.removeFirst()) }
    }
  }

  private static func end(_ child: Child) {
    child.signal(.kill)
    _ = child.wait()
  }

  deinit { for child in children { Self.end(child) } }
}
