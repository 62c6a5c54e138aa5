import CommandLine
import Events
import HomeLayout
import Observation
import Posix

extension Verb {
  static let logs = Verb(
    Command(
      "logs", "APP[/INSTANCE]", count: 1...1, "show what the app writes",
      details: """
        A line is the moment, the instance with the number of its run, and the text. Values of
        config vars are masked as «NAME».
        """, options: [.follow, .lines, .json])
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
      home: home, app: name, only: instance, last: try call.lineCount() ?? 100)
    for line in reader.next() { call.show(line) }
    guard call.arguments.has("--follow") else { return .success }
    return try call.followSources(home) { watch throws(Cause) in
      for folder in reader.folders { try? watch.add(folder) }
      for line in reader.next() { call.show(line) }
    }
  }
}

extension Option {
  static let follow = Option("--follow", short: "-f", "go on as more comes")
  static let lines = Option(
    "--lines", short: "-n", value: "N", "how many of the last (default: 100)")
}

extension Call {
  func lineCount() throws(Cause) -> Int? {
    guard let text = arguments["--lines"] else { return nil }
    guard let count = Int(text), (0...1_000_000).contains(count) else {
      throw Cause(.usage, "'\(text)' is no number of lines")
    }
    return count
  }

  fileprivate func show(_ line: OutputLine) {
    if wantsJSON { return print(json: line) }
    context.print("\(line.time) \(line.instance)/\(line.run) \(shown(line.text))")
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
        let output = context.output.descriptor
        let ready = try Poll.wait(
          [watch.file.descriptor, signals.file.descriptor], written: [output])
        if signals.next() != nil || ready.contains(output) { return .success }
      }
    } catch { throw (error as? Cause) ?? Cause(.system, "\(error)") }
  }
}
