import ErlangDistribution
import Events
import HomeLayout
import NodeModel
import NodeWatch
import Posix
import TestSupport
import Testing

/// A node monitor, and a caller that waits for its reports.
struct Lookout {
  var watch: NodeMonitor
  var lines: [NodeLogLine] = []
  var lost = 0

  init(_ beam: Beam, parts: NodeAttention.Parts) throws {
    let name = try #require(NodeName(beam.name))
    let cookie = try #require(Cookie(beam.cookie))
    let address = NodeAddress(name: name, host: "127.0.0.1", door: .epmd(port: beam.epmdPort))
    let report = NodeReport(id: beam.name, name: beam.name, origin: .given)
    watch = NodeMonitor(report, address: address, cookie: cookie)
    watch.parts = parts
  }

  /// Goes on until it is so, or the time is up.
  mutating func wait(
    _ milliseconds: Int64 = 20_000, until condition: (Lookout) -> Bool
  ) throws -> Bool {
    let end = Clock.monotonic() + milliseconds
    while !condition(self) {
      let now = Clock.monotonic()
      if now >= end { return false }
      let next = min(end, watch.nextTick ?? end)
      let ready = try Poll.wait(watch.interests, milliseconds: max(0, next - now))
      _ = watch.advance(ready)
      if let part = watch.takeLog() {
        lines += part.lines
        lost += part.lost
      }
    }
    return true
  }

  mutating func rest(_ milliseconds: Int64) throws { _ = try wait(milliseconds) { _ in false } }
}
