import CommandLine
import Events
import HomeLayout
import Observation
import Posix

extension Command {
  static let logs = Command(
    CommandSyntax(
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
      for folder in reader.folders { _ = try? watch.add(folder) }
      for line in reader.next() { call.show(line) }
    }
  }
}

/// A source that wakes a command while it follows a log.
enum StreamSource {
  case changes
  /// The program or terminal that reads our output is gone.
  case reader
}

extension Option {
  static let follow = Option("--follow", short: "-f", "go on as more comes")
  static let lines = Option(
    "--lines", short: "-n", value: "N", "how many of the last (default: 100)")
}

extension CommandCall {
  func lineCount() throws(Cause) -> Int? {
    try number("--lines", in: 0...1_000_000, of: "lines")
  }

  fileprivate func show(_ line: OutputLine) {
    if wantsJSON { return print(json: line) }
    context.print("\(line.time) \(line.instance)/\(line.run) \(shown(line.text))")
  }

  /// Calls `take` after each change of the log or a watched folder, until a signal arrives or the reader is gone.
  fileprivate func followSources(_ home: Home, _ take: (FolderWatch) throws(Cause) -> Void)
    throws(Cause) -> Outcome
  {
    do {
      var loop = EventLoop<StreamSource>(signals: try Signals([.int, .term]))
      try Files.makeFolder(home.events)
      let watch = try FolderWatch(home.events)
      loop.watch(watch.file.descriptor, as: .changes)
      loop.watch([.close(ofReaderOf: context.output.descriptor)], as: .reader)
      while true {
        watch.drain()
        try take(watch)
        let turn = try loop.wait()
        if !turn.signals.isEmpty || turn.has(.reader) { return .success }
      }
    } catch { throw (error as? Cause) ?? Cause(.system, "\(error)") }
  }
}
