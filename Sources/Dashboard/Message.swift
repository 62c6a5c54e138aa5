import Events
import HomeLayout
import NodeModel
import Operations
import ReleaseModel
import Terminal

/// Something that happened outside the dashboard.
public enum Message: Sendable {
  case key(Key)
  case resize(Size)
  /// The time, and seconds east of UTC.
  case clock(Timestamp, utcOffset: Int)
  case board(Board)
  case agent(isAlive: Bool)
  /// New events, oldest first.
  case events([Event])
  case lines([OutputLine])
  /// All known nodes, in the order in which they are listed; they replace those before.
  case nodes([NodeReport])
  /// New lines of a node's log.
  case nodeLog(NodeLogPart)
  /// The answer to `Effect.readManifest`.
  case manifest(slug: String, Result<Manifest, Cause>)
  /// The answer to `Effect.checkRollback`.
  case rollbackCheck(Rollback, RollbackCheck)
  /// A request of this dashboard is in the log.
  case requested(Event)
  /// An effect failed.
  case failed(Cause)
  /// A line that answers a key.
  case said(String)
  /// A problem that lasts; nil when it is solved.
  case alert(String?)
}

/// Something that is to be done outside the dashboard.
public enum Effect: Equatable, Sendable {
  /// Write a request to the log, and start an agent if none runs.
  case append(EventType, app: String, EventData)
  case readManifest(slug: String)
  /// Read what tells how a rollback would go.
  case checkRollback(Rollback)
  /// Send the last lines of an app or of one of its instances, then new ones, and no other lines.
  case readOutput(app: String, InstanceName?)
  /// Do something to the node of a report; `app` is the app whose run it is, if any.
  case act(node: String, name: String, app: String?, NodeAction)
  /// Open an address in the operator's browser.
  case open(url: String)
  /// Send every cell again.
  case redraw
  case quit
}
