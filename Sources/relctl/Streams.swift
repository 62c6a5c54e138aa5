import CommandLine
import EventLog
import Journal
import Observation
import Posix
import ReleaseModel

extension Verb {
  private static let follow = Option("--follow", short: "-f", "go on as more comes")
  private static let count = Option(
    "--lines", short: "-n", value: "N", "how many of the last (default: 100)")

  static let logs = Verb(
    Command(
      "logs", "APP[/INSTANCE]", count: 1...1, "show what the app writes",
      details: """
        A line is the moment, the instance with the number of its run, and the text. Values of
        config vars are masked as «NAME».
        """, options: [follow, count, .json])
  ) { call throws(Cause) in
    let home = try call.home()
    let (name, instance) = try call.target()
    let app = try call.app(name)
    if let instance, !app.runs.contains(where: { $0.instance == instance }),
      !Files.isFolder(home.app(name).instances + "/\(instance)")
    {
      throw Cause(.instanceUnknown, "'\(name)' has no instance '\(instance)'")
    }
    var reader = OutputReader(
      home: home, app: name, only: instance, last: try call.lineCount())
    for line in reader.next() { call.show(line) }
    guard call.arguments.has("--follow") else { return .success }
    return try call.followSources(home) { watch throws(Cause) in
      for folder in reader.folders { try? watch.add(folder) }
      for line in reader.next() { call.show(line) }
    }
  }

  static let events = Verb(
    Command(
      "events", "", "show the event log",
      options: [
        follow, count, .json, Option("--app", value: "APP", "only this app's"),
      ])
  ) { call throws(Cause) in
    let home = try call.home()
    var reader = Reader(Journal(home: home, program: "relctl").log)
    let only = call.arguments["--app"]
    if let only { _ = try call.app(only) }
    func take() throws(Cause) -> [(Line, Event)] {
      do throws(EventLogError) {
        var lines: [Line] = []
        while true {
          let more = try reader.next()
          if more.isEmpty { break }
          lines += more
        }
        return lines.map { ($0, Event($0)) }.filter { only == nil || $0.1.app == only }
      } catch { throw Cause(error) }
    }
    let all = try take()
    let isWhole = call.wantsJSON && call.arguments["--lines"] == nil
    for (line, event) in isWhole ? all[...] : all.suffix(try call.lineCount()) {
      call.show(line, event)
    }
    for damage in reader.damage {
      call.context.note(
        "relctl: \(damage.path): \(damage.length) bytes at offset \(damage.offset) are no event [RT-LOG-DAMAGED]"
      )
    }
    guard call.arguments.has("--follow") else { return .success }
    return try call.followSources(home) { _ throws(Cause) in
      for (line, event) in try take() { call.show(line, event) }
    }
  }
}

extension Call {
  fileprivate func lineCount() throws(Cause) -> Int {
    guard let text = arguments["--lines"] else { return 100 }
    guard let count = Int(text), (0...1_000_000).contains(count) else {
      throw Cause(.usage, "'\(text)' is no number of lines")
    }
    return count
  }

  fileprivate func show(_ line: OutputLine) {
    if wantsJSON { return print(json: line) }
    context.print("\(line.time) \(line.instance)/\(line.run) \(shown(line.text))")
  }

  fileprivate func show(_ line: Line, _ event: Event) {
    if wantsJSON { return context.print(String(decoding: line.bytes, as: UTF8.self)) }
    let facts = event.data.summary
    context.print(
      shown("\(event.time) \(event.sequence) \(event.typeName) \(event.app ?? "–") \(facts)"))
  }

  /// Waits for the log or a watched folder to change, again and again, until somebody ends us.
  fileprivate func followSources(_ home: Home, _ take: (FolderWatch) throws(Cause) -> Void)
    throws(Cause) -> Outcome
  {
    do {
      let signals = try Signals([2, 15])
      try Files.makeFolder(home.events)
      let watch = try FolderWatch(home.events)
      while true {
        watch.drain()
        try take(watch)
        _ = try Poll.wait([watch.file.descriptor, signals.file.descriptor])
        if signals.next() != nil { return Outcome(exitCode: ExitCode.success) }
      }
    } catch { throw (error as? Cause) ?? Cause(.system, "\(error)") }
  }
}
