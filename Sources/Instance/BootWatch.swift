import Diagnosis
import ErlangDistribution
import Events
import NodeModel
import NodeWatch
import Posix

/// The boot of a run's node: whether the node answers, which application is starting, and whether all have started.
///
/// It never blocks: the caller polls `interests` and calls `advance`.
public struct BootWatch: Sendable {
  private var node: NodeMonitor
  /// Whether the node has reported the state of its boot.
  public private(set) var hasAnswered = false
  /// Whether the node reports that its boot is over and no application is starting.
  public private(set) var hasBooted = false

  public init(_ run: RunSpecification) {
    let origin = NodeReport.Origin.run(
      app: run.app, instance: run.run.instance, run: run.run.id, release: run.run.release)
    self.init(
      run.run.node ?? "", door: .epmd(port: run.epmdPort), cookieFile: run.cookieFile,
      origin: origin)
  }

  /// Watches a node that reltui starts.
  /// - Parameter host: the address to dial, if it differs from the host in the name.
  public init(
    _ name: String, host: String? = nil, door: NodeAddress.Door, isIPv6: Bool = false,
    cookieFile: String, origin: NodeReport.Origin = .given
  ) {
    node = NodeMonitor(NodeReport(id: name, name: name, origin: origin)) { () throws(Cause) in
      guard let name = ErlangDistribution.NodeName(name) else {
        throw Cause(.nodeName, "'\(name)' is not the name of a node")
      }
      do throws(Cookie.FileProblem) {
        let address = NodeAddress(name: name, host: host, door: door, isIPv6: isIPv6)
        return NodeAccess(address, try Cookie.read(file: cookieFile))
      } catch { throw Cause(error) }
    }
    node.parts = .boot
    node.isOurs = true
  }

  public var interests: [Poll.Interest] { node.interests }

  /// When to call `advance` at the latest, on the monotonic clock; nil if only `interests` matter.
  public var nextTick: Int64? { node.nextTick }

  /// Does everything that is possible without blocking.
  /// - Returns: whether anything but the times has changed.
  public mutating func advance(_ ready: [Poll.Ready], now: Int64 = Clock.monotonic()) -> Bool {
    let before = (hasAnswered, hasBooted, isRefused)
    _ = node.advance(ready, now: now)
    if node.report.state == .down {
      hasBooted = false
    } else if let isUp = node.hasBooted {
      (hasAnswered, hasBooted) = (true, isUp)
    }
    return before != (hasAnswered, hasBooted, isRefused)
  }

  /// Whether the node cannot be reached, or reports that it has not booted.
  public var isRefused: Bool { node.report.state == .down || node.hasBooted == false }

  /// The application that is starting and what it waits for; nil if none is starting.
  public var hang: WaitFacts.Hang? {
    guard node.report.state == .up, let boot = node.report.boot, let current = boot.current else {
      return nil
    }
    return WaitFacts.Hang(application: current, awaited: boot.awaited, stack: boot.stack)
  }

  /// Why the node has not booted, as far as is known.
  public var reason: String {
    hang?.words ?? node.report.cause?.sentence
      ?? (hasAnswered ? "its runtime has not started yet" : "its node does not answer")
  }

  /// Ends the connection for good.
  public mutating func leave() {
    node.parts = []
    node.leave()
  }
}
