import ErlangDistribution
import ErlangTerm
import HomeLayout
import NodeModel

/// The messages to and from the process on a node that sends us its log.
struct LogCollector {
  let call: CallID
  let mailbox: Mailbox
  let least: NodeLogLine.Level
  private(set) var pid: Term.Pid?

  init(call: CallID, mailbox: Mailbox, least: NodeLogLine.Level) {
    (self.call, self.mailbox, self.least) = (call, mailbox, least)
  }

  /// Names that our filter may have, one for each dashboard that watches at once. Every node has these atoms, so
  /// that no new one is left behind.
  private static let names = [
    "logger_olp", "logger_proxy", "logger_server", "logger_backend", "logger_config",
    "logger_filters", "logger_formatter", "logger_h_common",
  ]
  /// The most lines that may be sent and not yet acknowledged; the node counts further lines and drops them.
  private static let mostOnTheWay = 5000

  static func start(for pid: Term.Pid, least: NodeLogLine.Level) -> RemoteCall {
    NodeProbe.collector.call(
      [
        .pid(pid), .list(names.map { .atom($0) }), .atom(least.rawValue), .integer(mostOnTheWay),
        .atom("true"),
      ], limit: nil, isLinked: true)
  }

  enum News: Equatable {
    /// The collector works, or has found no free name for its filter.
    case started(hasFilter: Bool)
    /// Lines, the count of lines lost before them, and the acknowledgement that the collector waits for.
    case lines([NodeLogLine], lost: Int, acknowledgement: Term)
    /// An event of `erlang:system_monitor/2`.
    case happening(String)
  }

  mutating func read(_ message: Term) -> News? {
    guard let parts = message.tuple else { return nil }
    if parts.count == 2, let pid = parts[1].pid {
      self.pid = pid
      return .started(hasFilter: parts[0].atom != nil)
    }
    guard parts.count == 3 else { return nil }
    if let lines = parts[0].list, let lost = parts[1].integer {
      let taken = Term.tuple([.integer(2), .integer(lines.count)])
      return .lines(lines.compactMap(Self.line), lost: max(0, lost), acknowledgement: taken)
    }
    guard let kind = parts[1].atom else { return nil }
    let process = parts[0].pid?.short ?? "\(parts[0])"
    return .happening("\(kind) of \(process): \(String("\(parts[2])".prefix(200)))")
  }

  /// `{Microseconds, Level, Module, Pid, Text}`
  private static func line(_ term: Term) -> NodeLogLine? {
    guard let parts = term.tuple, parts.count == 5, let time = parts[0].integer,
      let level = parts[1].atom.flatMap(NodeLogLine.Level.init(rawValue:)),
      let text = parts[4].binary
    else { return nil }
    return NodeLogLine(
      time: Timestamp(milliseconds: Int64(time / 1000)), level: level,
      module: parts[2].atom ?? "", pid: parts[3].pid?.short ?? "",
      text: String(decoding: text, as: UTF8.self))
  }
}
