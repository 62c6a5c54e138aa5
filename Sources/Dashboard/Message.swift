import Events
import HomeLayout
import NodeModel
import Operations
import ReleaseModel
import Terminal

/// What the dashboard is told.
public enum Message: Sendable {
  case key(Key)
  case resize(Size)
  /// The time, and seconds east of UTC.
  case clock(Timestamp, utcOffset: Int)
  case board(Board)
  case agent(isAlive: Bool)
  /// Events that have come since, oldest first.
  case events([Event])
  /// Output that has come since.
  case lines([OutputLine])
  /// All nodes that are known, in the order in which they are listed; they replace those before.
  case nodes([NodeReport])
  /// What a node has logged since.
  case nodeLog(NodeLogPart)
  /// The manifest of a slug that was asked for.
  case manifest(slug: String, Result<Manifest, Cause>)
  /// A request of ours is in the log.
  case requested(Event)
  /// Something that was asked for did not work.
  case failed(Cause)
  /// Something stays wrong, or no longer is.
  case alert(String?)
}

/// What the dashboard wants done outside.
public enum Effect: Equatable, Sendable {
  /// Write a request to the log, and see that an agent lives to carry it out.
  case append(EventType, app: String, EventData)
  case readManifest(slug: String)
  /// Give the last lines of an app or of one instance of it, then what comes, and of no other.
  case readOutput(app: String, InstanceName?)
  /// Do something to the node of a report; the app is that whose run it is.
  case act(node: String, name: String, app: String?, NodeAction)
  /// Send every cell again.
  case redraw
  case quit
}
