import CommandLine
import EventLog
import Events
import Journal

extension Command {
  static let eventsRetention = Command(
    CommandSyntax(
      "events retention", "", "show or set how much of the past the event log keeps",
      details: """
        With an option that limit is set, and what is beyond it goes at once and from then on; none
        takes a limit away. The oldest events go, some thousands at a time. What they have led to
        stays: apps, releases, open requests.
        """,
      options: [
        Option("--size", value: "SIZE", "bytes to keep, as in 500KB, 64MB, 1GB"),
        Option("--age", value: "AGE", "how far back to keep events, as in 12h, 90d"),
        Option("--count", value: "N", "how many events to keep"),
        .json,
      ])
  ) { call throws(Cause) in
    let journal = try call.journal()
    var dropped: [UInt64] = []
    var retention: Retention
    do throws(EventLogError) { retention = try journal.log.retention() } catch {
      throw Cause(error)
    }
    if try call.change(&retention) {
      // Following the log saves checkpoints. Events that no checkpoint covers would not be dropped.
      var follower = Follower(journal)
      _ = try follower.take()
      do throws(EventLogError) { try journal.log.set(retention) } catch { throw Cause(error) }
      dropped = try journal.dropOld()
    }
    if call.wantsJSON {
      return call.report(json: RetentionReport(retention, dropped: dropped.count))
    }
    let size: String? = retention.bytes.map { Grouped.text($0, "byte") }
    let age: String? = retention.age.map { Age.text($0) }
    let count: String? = retention.count.map { Grouped.text(Int(clamping: $0), "event") }
    let rows = [("size", size), ("age", age), ("count", count)].map { [$0, $1 ?? "no limit"] }
    call.context.print(trimmed(Table.render(rows)))
    if !dropped.isEmpty {
      call.context.print("dropped \(dropped.count) segment\(dropped.count == 1 ? "" : "s")")
    }
    return .success
  }
}

extension CommandCall {
  fileprivate func change(_ retention: inout Retention) throws(Cause) -> Bool {
    let size = try limit("--size", ["": 1, "KB": 1000, "MB": 1_000_000, "GB": 1_000_000_000])
    let age = try limit("--age", ["h": 3_600_000, "d": 86_400_000])
    let count = try limit("--count", ["": 1])
    if let size { retention.bytes = size.map { Int($0) } }
    if let age { retention.age = age }
    if let count { retention.count = count.map { UInt64($0) } }
    return size != nil || age != nil || count != nil
  }

  /// The value of a limit: a number with one of these units, or inner nil for `none`. Outer nil: no such option.
  private func limit(_ option: String, _ units: [String: Int64]) throws(Cause) -> Int64?? {
    guard let text = arguments[option] else { return nil }
    if text == "none" { return .some(nil) }
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    if let unit = units[String(text.dropFirst(digits.count))], let number = Int64(digits),
      number > 0, case (let value, let isTooGreat) = number.multipliedReportingOverflow(by: unit),
      !isTooGreat
    {
      return value
    }
    let names = units.keys.filter { !$0.isEmpty }.sorted().joined(separator: ", ")
    throw Cause(
      .usage, "'\(text)' is no limit for \(option)",
      remedy: "A number above 0" + (names.isEmpty ? "" : " with \(names)") + ", or none.")
  }
}

private struct RetentionReport: Encodable {
  var size: Int?
  /// Milliseconds.
  var age: Int64?
  var count: UInt64?
  /// Segments.
  var dropped: Int

  init(_ retention: Retention, dropped: Int) {
    (size, age, count) = (retention.bytes, retention.age, retention.count)
    self.dropped = dropped
  }
}
