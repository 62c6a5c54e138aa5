import Events
import HomeLayout
import Posix

/// The admin socket of a HAProxy. Source: HAProxy Management Guide, "Unix Socket commands"
public struct AdminSocket {
  private let folder: RouterFolder
  private let name: String
  /// Milliseconds within which HAProxy must answer.
  private static let patience: Int64 = 250

  /// - Parameter number: that of the HAProxy.
  public init(_ folder: RouterFolder, number: Int) {
    (self.folder, name) = (folder, RouterFolder.adminSocket(number))
  }

  /// The socket on which HAProxy only shows.
  public init(showing folder: RouterFolder, number: Int) {
    (self.folder, name) = (folder, RouterFolder.statisticsSocket(number))
  }

  /// The requests that it has had, by the backend's name and the server's: `app.shop` and `s1`, or `BACKEND`.
  public func statistics() throws(Cause) -> [RouterStatistics.Row] {
    RouterStatistics.rows(in: try ask("show stat"))
  }

  /// How long the backends of an app have had no request.
  public struct AppIdleness: Hashable, Sendable {
    /// Milliseconds since the last one began; nil if this HAProxy has had none.
    public var since: Int64?
    /// Whether one is under way, such as a websocket.
    public var isOpen = false
  }

  public func idleness() throws(Cause) -> [String: AppIdleness] {
    try statistics().reduce(into: [:]) { all, row in
      guard row.server == "BACKEND", let app = RouterConfig.app(of: row.backend) else { return }
      var idleness = all[app] ?? AppIdleness()
      if let last = row.last {
        idleness.since = min(idleness.since ?? .max, Int64(last) * 1000)
      }
      idleness.isOpen = idleness.isOpen || row.traffic.open > 0
      all[app] = idleness
    }
  }

  /// Carries out commands, in their order.
  /// - Throws: `RT-ROUTER` with the first complaint.
  public func run(_ commands: [String]) throws(Cause) {
    // HAProxy takes lines of 16 KB.
    for start in stride(from: 0, to: commands.count, by: 50) {
      let some = commands[start..<min(start + 50, commands.count)]
      let answer = try ask(some.joined(separator: ";"))
      let words = answer.split(separator: "\n").first { !Self.isFine($0) }
      if let words { throw Cause(.router, "HAProxy refused a command: \(words)") }
    }
  }

  /// What is printed of success: nothing, or which address was changed; or of an entry that was removed already.
  private static func isFine(_ line: Substring) -> Bool {
    line.allSatisfy(\.isWhitespace) || line.contains("changed from")
      || line.hasPrefix("no need to change") || line.hasPrefix("Key not found")
  }

  /// Requests that are under way, by the name of the server.
  public func requests(to app: String) throws(Cause) -> [String: Int] {
    let lines = try ask("show servers conn \(RouterConfig.name(of: app))").split(separator: "\n")
    return lines.reduce(into: [:]) { counts, line in
      // `app.shop/s1 3/1 127.0.0.1 25001 - 5000 2 …`: the connections in use come seventh.
      let words = line.split(separator: " ")
      guard words.count > 6, let slash = words[0].lastIndex(of: "/"),
        let count = Int(words[6])
      else { return }
      counts[String(words[0][slash...].dropFirst())] = count
    }
  }

  /// The answer to one line.
  private func ask(_ line: String) throws(Cause) -> String {
    do throws(PosixError) {
      let directory = try File.open(folder.path, .folder)
      let socket = try LocalSocket.connect(name, in: directory)
      let end = Clock.monotonic() + Self.patience
      let bytes = Array((line + "\n").utf8)
      var sent = 0
      while sent < bytes.count {
        let interest = Poll.Interest(socket.descriptor, reads: false, writes: true)
        guard try Poll.isReady(interest, before: end) else { throw late(socket) }
        sent += try Dial.write(bytes, from: sent, to: socket)
      }
      var answer: [UInt8] = []
      while answer.count < 1 << 22 {
        guard try Poll.isReady(Poll.Interest(socket.descriptor), before: end) else {
          throw late(socket)
        }
        let part = try socket.read(upTo: 65_536)
        if part.isEmpty { break }
        answer += part
      }
      return String(decoding: answer, as: UTF8.self)
    } catch {
      throw Cause(.router, "the router cannot be reached: \(error)")
    }
  }

  private func late(_ socket: File) -> PosixError { PosixError("read", socket.name, .timedOut) }
}
