import ErlangDistribution
import Events
import NodeModel
import NodeWatch
import Posix

/// A run's node while it boots: whether it answers, which application it starts, how long each takes, and whether all
/// have started.
///
/// It never waits: the caller polls `interests` and calls `advance`.
public struct BootWatch: Sendable {
  private var node: NodeMonitor
  /// Whether the node has told how far it is.
  public private(set) var hasAnswered = false
  /// Whether the node says that its boot is over and no application is on its way.
  public private(set) var hasBooted = false
  /// Whether the node was not there yet when it was last looked for.
  private var wasAbsent = false
  /// Whether it has been watched from the moment it could be, without a gap.
  private var isWhole = false

  /// More applications than a release has; what a node tells must fit into a line of the log.
  private static let mostApplications = 500

  public init(_ run: RunSpecification) {
    let origin = NodeReport.Origin.run(
      app: run.app, instance: run.run.instance, run: run.run.id, release: run.run.release)
    self.init(
      run.run.node ?? "", door: .epmd(port: run.epmdPort), cookieFile: run.folder.cookie,
      origin: origin)
  }

  /// A node that is being started for us.
  /// - Parameter host: the address to dial, where it is another than the name's host.
  public init(
    _ name: String, host: String? = nil, door: NodeAddress.Door, isIPv6: Bool = false,
    cookieFile: String, origin: NodeReport.Origin = .given
  ) {
    node = NodeMonitor(NodeReport(id: name, name: name, origin: origin)) { () throws(Cause) in
      guard let name = ErlangDistribution.NodeName(name) else {
        throw Cause(.nodeName, "'\(name)' is no node's name")
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

  /// When `advance` is to be called at the latest, on the monotonic clock; nil where only `interests` matter.
  public var nextTick: Int64? { node.nextTick }

  /// Does what can be done without waiting.
  /// - Returns: whether anything has changed but the times.
  public mutating func advance(_ ready: [Poll.Ready], now: Int64 = Clock.monotonic()) -> Bool {
    let before = (hasAnswered, hasBooted, isRefused)
    _ = node.advance(ready, now: now)
    if node.report.state == .down {
      (isWhole, hasBooted) = (false, false)
      wasAbsent = node.report.cause?.id == ProblemID.nodeUnreachable.rawValue
    } else if let isUp = node.hasBooted {
      if wasAbsent { isWhole = true }
      (hasAnswered, hasBooted, wasAbsent) = (true, isUp, false)
    }
    return before != (hasAnswered, hasBooted, isRefused)
  }

  /// Whether it cannot be asked, or says that it has not booted.
  public var isRefused: Bool { node.report.state == .down || node.hasBooted == false }

  /// Milliseconds by application, those of the current one up to now; nil where its beginning was not seen.
  public var times: [String: Int]? {
    guard isWhole, let boot = node.report.boot, !boot.steps.isEmpty else { return nil }
    let longest = boot.milliseconds.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    let kept = longest.prefix(Self.mostApplications)
    return Dictionary(kept.map { ($0.key, Int(clamping: $0.value)) }) { first, _ in first }
  }

  /// Which application keeps it from being ready, and what that waits for; nil where none is being started.
  public var hang: String? {
    guard node.report.state == .up, let boot = node.report.boot, let current = boot.current else {
      return nil
    }
    return "it hangs starting '\(current)'" + (boot.hindrance.map { ", \($0)" } ?? "")
  }

  /// Why it has not booted, as far as is known.
  public var reason: String {
    hang ?? node.report.cause?.sentence
      ?? (hasAnswered ? "its runtime has not started yet" : "its node does not answer")
  }

  /// Where the process stands that everything waits for, the innermost function first.
  public var stack: [String] { hang == nil ? [] : node.report.boot?.stack ?? [] }

  /// Leaves the node, for good.
  public mutating func leave() {
    node.parts = []
    node.leave()
  }
}
