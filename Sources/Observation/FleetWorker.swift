import NodeModel
import Posix

/// A fleet of nodes on a thread of its own. Searching `/proc`, reading cookie files and asking port mappers may take
/// long. The thread that owns the screen sends orders and takes news without waiting.
public final class FleetWorker: Sendable {
  /// What the fleet is to do; its thread carries orders out one after the other.
  public typealias Order = @Sendable (inout NodeFleet) -> Void

  /// What has changed since the last news.
  public struct News: Sendable {
    /// All nodes, in the order in which they are listed; nil if nothing has changed.
    public var reports: [NodeReport]?
    public var logs: [NodeLogPart]
    public var outcomes: [NodeFleet.Outcome]
    /// The count of orders that have been carried out.
    public var done: Int
  }

  /// A nil order ends the thread.
  private let orders: ThreadQueue<Order?>
  private let news: ThreadQueue<News>

  public init(_ fleet: NodeFleet) throws(PosixError) {
    let (orders, news) = (try ThreadQueue<Order?>(), try ThreadQueue<News>())
    (self.orders, self.news) = (orders, news)
    try BackgroundThread.start {
      var loop = FleetLoop(fleet: fleet)
      while loop.turn(orders, news) {}
    }
  }

  deinit { orders.put(nil) }

  /// Readable when there is news.
  public var descriptor: Int32 { news.descriptor }

  public func send(_ order: @escaping Order) { orders.put(order) }

  public func takeNews() -> [News] { news.takeAll() }
}

/// The loop of the fleet's thread.
private struct FleetLoop {
  var fleet: NodeFleet
  var done = 0
  /// Whether reports have changed since they were last sent.
  var isStale = false
  var lastTold: Int64 = 0

  /// Milliseconds between two reports: a booting node changes many times a second.
  private static let tellInterval: Int64 = 100

  /// Waits until there is something to do, and does it.
  /// - Returns: whether the loop continues.
  mutating func turn(
    _ orders: ThreadQueue<FleetWorker.Order?>, _ news: ThreadQueue<FleetWorker.News>
  ) -> Bool {
    let next = [fleet.nextTick, isStale ? lastTold + Self.tellInterval : nil].compactMap { $0 }
    let interests = [Poll.Interest(orders.descriptor)] + fleet.interests
    let limit = next.min().map { max(0, $0 - Clock.monotonic()) }
    guard let ready = try? Poll.wait(interests, milliseconds: limit) else { return false }
    let new = orders.takeAll()
    for order in new {
      guard let order else { return false }
      order(&fleet)
      done += 1
    }
    if fleet.advance(ready) { isStale = true }
    let now = Clock.monotonic()
    // The answer to an order is sent at once.
    let tells = !new.isEmpty || isStale && now - lastTold >= Self.tellInterval
    if tells { (isStale, lastTold) = (false, now) }
    let told = FleetWorker.News(
      reports: tells ? fleet.reports : nil, logs: fleet.takeLogs(),
      outcomes: fleet.takeOutcomes(), done: done)
    if tells || !told.logs.isEmpty || !told.outcomes.isEmpty { news.put(told) }
    return true
  }
}
