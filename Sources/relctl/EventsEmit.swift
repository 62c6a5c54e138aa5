import CommandLine
import Events
import JSONText
import Journal
import Posix

extension Command {
  static let eventsEmit = Command(
    CommandSyntax(
      "events emit", "TYPE", count: 0...1, "write an event of your own and print its number",
      details: """
        TYPE is two or more words joined by dots, the first one not of reltui's own types:
        ci.tests.passed. With --stdin each line is an event, {"type":…,"app":…,"data":{…}}, of which
        app and data may be missing; a number is printed for each as soon as it is on the disk. A line
        that cannot be read ends it; those before it are written.
        """,
      options: [
        Option("--app", value: "APP", "the app it is about; need not exist yet"),
        Option("--data", value: "JSON", "a JSON object, up to 64 KiB"),
        Option("--stdin", "read events from standard input"),
      ])
  ) { call throws(Cause) in
    let isStream = call.arguments.has("--stdin")
    let one = ["--app", "--data"].filter { call.arguments[$0] != nil } + call.arguments.positional
    if isStream, let word = one.first {
      throw Cause(.usage, "'\(word)' cannot go with --stdin", remedy: "The lines say it.")
    }
    if !isStream, call.arguments.positional.isEmpty {
      throw Cause(
        .usage, "'events emit' needs TYPE or --stdin",
        remedy: "As in: relctl events emit ci.tests.passed --app shop")
    }
    if isStream { return try call.emitLines() }
    try call.checkArguments()
    let event = try CustomEvent(
      type: call.positional(0), app: call.arguments["--app"],
      data: Array((call.arguments["--data"] ?? "{}").utf8))
    for number in try call.journal().append(custom: [event]) { call.context.print("\(number)") }
    return .success
  }
}

extension CommandCall {
  /// Refuses a command line that is not UTF-8. Swift has already replaced the invalid bytes in `arguments`.
  fileprivate func checkArguments() throws(Cause) {
    let words = try Cause.explaining(Files.read("/proc/self/cmdline", limit: 4 << 20))
    if (try? UTF8Span(validating: words.span)) == nil {
      throw Cause(.eventData, "a word of the command line is not UTF-8")
    }
  }

  func journal() throws(Cause) -> EventJournal { EventJournal(home: try home(), program: "relctl") }

  /// Writes lines that arrive together as one batch, so that it waits for the disk once per batch and not per line.
  fileprivate func emitLines() throws(Cause) -> Outcome {
    let journal = try journal()
    var lines = EventLines(
      input: File(owning: Descriptor.copy(of: 0), name: "standard input"))
    while let batch = try lines.next() {
      let numbers = try journal.append(custom: batch.events)
      if !numbers.isEmpty {
        // Unlike `context.print` this reports a closed pipe as an error, since the reader has not got all numbers.
        try Cause.explaining(context.output.write(numbers.map { "\($0)\n" }.joined()))
      }
      if let fault = batch.fault { throw fault }
    }
    return .success
  }
}

/// A reader of events from the lines of an input, in batches of lines that have arrived together.
struct EventLines {
  struct Batch {
    var events: [CustomEvent]
    /// The fault of the line after these events.
    var fault: Cause?
  }

  private let input: File
  /// Bytes that were read but not returned yet.
  private var buffer: [UInt8] = []
  private var isAtEnd = false
  private var count = 0

  /// The most bytes of a line: its data may contain as much white space again.
  static let longestLine = 2 * CustomEvent.longestData
  private static let mostLines = 1000
  private static let mostBytes = 512 << 10

  init(input: File) { self.input = input }

  /// Waits for at least one line; nil at the end of the input.
  mutating func next() throws(Cause) -> Batch? {
    while true {
      if let batch = take() { return batch }
      if isAtEnd { return nil }
      let part = try Cause.explaining(input.read(upTo: Self.mostBytes - buffer.count))
      buffer += part
      isAtEnd = part.isEmpty
    }
  }

  private mutating func take() -> Batch? {
    var batch = Batch(events: [])
    var start = 0
    while batch.events.count < Self.mostLines, batch.fault == nil, let end = lineEnd(from: start) {
      count += 1
      do throws(Cause) {
        if end - start > Self.longestLine {
          throw Cause(.eventData, "it is longer than \(Self.longestLine >> 10) KiB")
        }
        batch.events.append(try CustomEvent(line: Array(buffer[start..<end])))
      } catch {
        batch.fault = Cause(.eventData, "line \(count): \(error.sentence)", remedy: error.remedy)
      }
      start = min(end + 1, buffer.count)
    }
    buffer.removeFirst(start)
    return batch.events.isEmpty && batch.fault == nil ? nil : batch
  }

  /// The end of the line that starts here; nil if more of the line may come.
  private func lineEnd(from start: Int) -> Int? {
    if let newline = buffer.firstIndex(of: UInt8(ascii: "\n"), from: start) { return newline }
    let isWhole = isAtEnd && start < buffer.count
    return isWhole || buffer.count - start > Self.longestLine ? buffer.count : nil
  }
}
