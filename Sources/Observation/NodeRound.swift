import Events
import NodeModel
import NodeWatch
import Posix
import Redaction

/// One round of questions to several nodes at the same time.
public enum NodeRound {
  /// Asks until each node has answered what is wanted or cannot be reached, or the time is up.
  /// - Parameters:
  ///   - parts: the parts wanted of each.
  ///   - milliseconds: the time for all together.
  /// - Returns: one report for each, in their order; one that is not `up` has a cause.
  public static func ask(
    _ nodes: [KnownNode], for parts: NodeAttention.Parts, mask: Redactor, milliseconds: Int64
  ) throws(Cause) -> [NodeReport] {
    var watches = nodes.map { watch($0, parts, mask) }
    let end = Clock.monotonic() + milliseconds
    for index in watches.indices { _ = watches[index].advance([], now: Clock.monotonic()) }
    while Clock.monotonic() < end {
      let open = watches.indices.filter { !isDone(watches[$0].report, parts) }
      if open.isEmpty { break }
      var loop = EventLoop<Int>()
      for index in open {
        loop.watch(watches[index].interests, as: index)
        loop.wake(index, at: watches[index].nextTick)
      }
      let turn: EventLoop<Int>.Turn
      do throws(PosixError) { turn = try loop.wait(until: end) } catch { throw Cause(error) }
      for index in open {
        _ = watches[index].advance(turn.ready[index] ?? [], now: Clock.monotonic())
      }
    }
    return watches.map { ended($0.report, parts, milliseconds) }
  }

  private static func watch(
    _ node: KnownNode, _ parts: NodeAttention.Parts, _ mask: Redactor
  ) -> NodeMonitor {
    var watch = NodeMonitor(node.report) { () throws(Cause) in try node.access.get() }
    watch.parts = parts
    watch.mask = mask
    return watch
  }

  private static func isDone(_ report: NodeReport, _ parts: NodeAttention.Parts) -> Bool {
    switch report.state {
    case .down, .silent: true
    case .idle, .connecting: false
    case .up: report.snapshot != nil && (!parts.contains(.settings) || hasSettings(report))
    }
  }

  /// Settings arrive in several answers, none of which is ever empty.
  private static func hasSettings(_ report: NodeReport) -> Bool {
    guard let settings = report.settings, !settings.flags.isEmpty, !settings.values.isEmpty else {
      return false
    }
    let hasHandler = report.snapshot?.applications.contains {
      $0.name == "sasl" && $0.state == .running
    }
    return hasHandler != true || !settings.releases.isEmpty
  }

  private static func ended(
    _ report: NodeReport, _ parts: NodeAttention.Parts, _ milliseconds: Int64
  ) -> NodeReport {
    var report = report
    if report.state == .connecting || report.state == .up && report.snapshot == nil {
      report.state = .silent
      report.cause = Cause(
        .nodeSilent, "\(report.name) has not answered within \(milliseconds / 1000) s",
        remedy: "It may be suspended or overloaded: try again.")
    }
    return report
  }
}
