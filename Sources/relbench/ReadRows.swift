import EventLog
import Events

struct ReadRows {
  let log: DurableLog

  func show() throws {
    var lines = 0
    let read = try (0..<5).map { _ in
      lines = 0
      return try Stopwatch.time { try each { lines += $0.count } }
    }
    var readable = 0
    let decoded = try (0..<3).map { _ in
      try Stopwatch.time {
        try each { for line in $0 where Event(line).isReadable { readable += 1 } }
      }
    }
    Row.show(what: "read", ours: rate(lines, read, "lines"))
    Row.show(what: "read and decode", ours: rate(lines, decoded, "events"))
  }

  private func each(_ take: ([Line]) -> Void) throws {
    var reader = Reader(log)
    while true {
      let lines = try reader.next()
      if lines.isEmpty { return }
      take(lines)
    }
  }

  private func rate(_ count: Int, _ times: [Double], _ what: String) -> String {
    "\((Double(count) / times.median).short)k \(what)/s"
  }
}
