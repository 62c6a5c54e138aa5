import HomeLayout
import Posix

/// The sockets on which the router listens. Its parent holds them, and each HAProxy gets copies.
struct RouterListeners {
  enum Purpose: String, CaseIterable {
    case loopback = "RELTUI_BIND"
    case http = "RELTUI_HTTP"
    case https = "RELTUI_HTTPS"
    case metrics = "RELTUI_METRICS"
  }
  private struct Listener {
    var purpose: Purpose
    var place: RouterSockets.Place
    var file: File
  }

  private let folder: RouterFolder
  private var listeners: [Listener] = []
  /// Without a socket of its own a frontend gets this one, which no client knows: HAProxy ends without any.
  private let spare: File
  /// What could not be opened, and why.
  private(set) var failures: [String] = []

  /// Milliseconds in which a HAProxy that leaves gives up its sockets.
  private static let handover: Int64 = 2000

  private static let ports: ClosedRange<UInt16> = 8080...8179

  /// Takes the port of before, or the first one that is free, on both loopback addresses.
  /// - Parameter endFormer: signals each HAProxy that an earlier parent has left.
  init(_ folder: RouterFolder, endFormer: (Signal) -> Void) throws {
    self.folder = folder
    spare = try ListeningSocket.tcp("127.0.0.1", 0)
    let known = Self.recordedPort(folder)
    let end = Clock.monotonic() + Self.handover
    for port in (known.map { [$0] } ?? []) + Self.ports {
      var first = try? ListeningSocket.tcp("127.0.0.1", port)
      while first == nil, port == known, Clock.monotonic() < end {
        // One that hangs does not leave.
        if Clock.monotonic() > end - Self.handover / 2 { endFormer(.kill) }
        Clock.pause(milliseconds: 20)
        first = try? ListeningSocket.tcp("127.0.0.1", port)
      }
      guard let first else { continue }
      listeners = [Listener(purpose: .loopback, place: .init("127.0.0.1", port), file: first)]
      if port != known {
        try Files.replace(folder.port, with: Array(PortRecord(port).text.utf8))
      }
      return
    }
    throw PosixError("listen on", "127.0.0.1:\(Self.ports.lowerBound)", .exists)
  }

  private static func recordedPort(_ folder: RouterFolder) -> UInt16? {
    let bytes = (try? Files.readIfThere(folder.port, limit: 4096)).flatMap { $0 } ?? []
    let port = PortRecord(text: String(decoding: bytes, as: UTF8.self))?.port ?? 0
    return port < 1024 ? nil : port
  }

  /// Opens what is wanted and closes what is not.
  /// - Returns: whether anything was opened or closed.
  mutating func follow() -> Bool {
    let wanted = wanted()
    let before = listeners.count
    listeners.removeAll { listener in
      !wanted.contains { $0 == (listener.purpose, listener.place) }
    }
    var isChanged = listeners.count != before
    failures = []
    for (purpose, place) in wanted
    where !listeners.contains(where: { ($0.purpose, $0.place) == (purpose, place) }) {
      do throws(PosixError) {
        let file = try ListeningSocket.tcp(place.address, place.port)
        listeners.append(Listener(purpose: purpose, place: place, file: file))
        isChanged = true
      } catch {
        // A host may have no IPv6.
        if error.errno != .noAddressFamily, place.address != "::1" || error.errno != .noAddress {
          failures.append("\(error.subject) \(error.errno)")
        }
      }
    }
    return isChanged
  }

  private func wanted() -> [(Purpose, RouterSockets.Place)] {
    let bytes = (try? Files.readIfThere(folder.sockets, limit: 65_536)).flatMap { $0 } ?? []
    let file = RouterSockets(text: String(decoding: bytes, as: UTF8.self))
    let own = listeners.first { $0.purpose == .loopback }.map { $0.place.port } ?? 0
    return [(.loopback, .init("127.0.0.1", own)), (.loopback, .init("::1", own))]
      + file.http.map { (.http, $0) } + file.https.map { (.https, $0) }
      + file.metrics.map { (.metrics, $0) }
  }

  func names(_ purpose: Purpose) -> [String] {
    listeners.filter { $0.purpose == purpose }.map(\.file.name)
  }

  /// The sockets in the order in which `environment` names their descriptors.
  var files: [File] { [spare] + listeners.map(\.file) }

  /// The variables with which HAProxy's configuration names its sockets: `fd@7,fd@8`
  /// - Parameter first: the descriptor of the first file.
  func environment(from first: Int) -> [String: String] {
    Purpose.allCases.reduce(into: [:]) { variables, purpose in
      let own = listeners.indices.filter { listeners[$0].purpose == purpose }
      let descriptors = own.isEmpty ? [first] : own.map { first + 1 + $0 }
      variables[purpose.rawValue] = descriptors.map { "fd@\($0)" }.joined(separator: ",")
    }
  }

  mutating func close() { listeners = [] }
}
