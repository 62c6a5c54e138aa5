/// A failure as Elixir writes it: what failed, a banner such as `** (RuntimeError) message`, and a stack trace. Source:
/// `Exception.format/3` of Elixir.
struct ElixirReport {
  var failure: Failure
  /// Its lines in the text.
  var range: ClosedRange<Int>
  /// Whether it is the end of a process or an application, and not only a logged exception.
  var isEnd = false

  /// Lines before the banner in which the name of what failed is looked for, and behind it for the message.
  private static let before = 8
  private static let after = 60

  /// The report with the last banner in a part of the text.
  static func last(in text: OutputText, _ range: Range<Int>) -> ElixirReport? {
    let lines = text.lines[range]
    guard let last = lines.lastIndex(where: { Banner($0.text) != nil }) else { return nil }
    // Nested banners belong together: each is indented more than the one before it.
    var first = last
    while first > range.lowerBound,
      let outer = lines[max(range.lowerBound, first - before)..<first].lastIndex(where: { line in
        guard let banner = Banner(line.text), let inner = Banner(lines[first].text) else {
          return false
        }
        return banner.indent < inner.indent && banner.isExit
      })
    { first = outer }
    return ElixirReport(lines, from: first)
  }

  /// The last reports in a part of the text, the first one first.
  static func all(in text: OutputText, _ range: Range<Int>) -> [ElixirReport] {
    var (found, end): ([ElixirReport], Int) = ([], range.upperBound)
    while found.count < most, let report = last(in: text, range.lowerBound..<end) {
      found.append(report)
      end = report.range.lowerBound
    }
    return found.reversed()
  }

  private static let most = 20

  /// Whether a line can be the end of a report, behind the reason.
  static func continues(_ line: String) -> Bool {
    line.hasPrefix("** ") || Reader.begins(line) || line.contains("Crash dump is being written")
  }

  private init(_ lines: ArraySlice<OutputText.Line>, from first: Int) {
    var reader = Reader(lines: lines, at: first)
    reader.read()
    (failure, range, isEnd) = (reader.failure, reader.first...reader.last, reader.isEnd)
  }

  /// `** (RuntimeError) the till is empty`
  struct Banner {
    var kind: String
    var message: String
    var indent: Int

    init?(_ line: String) {
      guard let start = line.firstRange(of: "** ("),
        let close = line[start.upperBound...].firstIndex(of: ")")
      else { return nil }
      kind = String(line[start.upperBound..<close])
      guard Self.isKind(kind) else { return nil }
      message = line[line.index(after: close)...].trimmingSpaces
      let isAtStart = line[..<start.lowerBound].allSatisfy(\.isWhitespace)
      indent = isAtStart ? line.distance(from: line.startIndex, to: start.lowerBound) : 0
    }

    /// The name of an exception's module, or how a process ended: `EXIT from #PID<0.1.0>`.
    private static func isKind(_ text: String) -> Bool {
      if ["exit", "throw", "stop"].contains(text) || text.hasPrefix("EXIT") { return true }
      return text.first?.isUppercase == true
        && text.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }
    }

    /// Whether it is about a reason to exit and not about an exception.
    var isExit: Bool { kind.first?.isLowercase == true || kind.hasPrefix("EXIT") || kind == "Mix" }
  }

  private struct Reader {
    let lines: ArraySlice<OutputText.Line>
    var first: Int
    var last: Int
    var failure = Failure(problem: .other(""))
    var isEnd = false

    init(lines: ArraySlice<OutputText.Line>, at index: Int) {
      (self.lines, first, last) = (lines, index, index)
    }

    mutating func read() {
      readHead()
      while let banner = Banner(lines[last].text), banner.isExit, !banner.kind.isEmpty {
        if !readExit(banner) { return }
      }
      guard let banner = Banner(lines[last].text) else { return }
      let said =
        lines[last].text.firstRange(of: "** (").map { lines[last].text[..<$0.lowerBound] } ?? ""
      let message = readMessage(banner.message)
      failure.problem =
        LibraryWords.problem(
          in: said.trimmingSpaces.isEmpty ? message : said + message, of: banner.kind)
        ?? Self.exception(banner.kind, message)
      readFrames()
    }

    // MARK: What failed

    private mutating func readHead() {
      for index in (max(lines.startIndex, first - ElixirReport.before)..<first).reversed() {
        let line = lines[index].text
        if line.trimmingSpaces.isEmpty { return }
        if Self.isHead(line) {
          readHead(line)
          first = index
          return
        }
      }
      readHead(lines[first].text)
    }

    private static func isHead(_ line: String) -> Bool {
      [" exited: ", " terminating", " terminated", " raised an exception", "failed to start child"]
        .contains { line.contains($0) }
    }

    private mutating func readHead(_ line: String) {
      if let start = line.firstRange(of: "Application "),
        let end = line[start.upperBound...].firstRange(of: " exited: ")
      {
        failure.application = String(line[start.upperBound..<end.lowerBound])
        isEnd = true
        if let call = line[end.upperBound...].firstRange(of: ".start(:normal") {
          let module = line[..<call.lowerBound].split { $0.isWhitespace }.last ?? ""
          failure.callback = "\(module).start/2"
        }
      }
      // A task is named by its function, which the stack shows, and not by the process that started it.
      if Self.isHead(line), ["Task ", "Process "].contains(where: { line.contains($0) }) {
        (isEnd, failure.isAfterStart) = (true, true)
      }
      for mark in ["GenServer ", "Agent ", ":gen_statem ", "running ", "Child "] {
        guard let start = line.firstRange(of: mark),
          line[start.upperBound...].contains(" terminat")
            || line[start.upperBound...].contains(" of Supervisor")
        else { continue }
        if mark != "running " { (isEnd, failure.isAfterStart) = (true, true) }
        addChild(line[start.upperBound...].prefix { !$0.isWhitespace })
        return
      }
      readChild(line)
    }

    private mutating func readChild(_ line: String) {
      guard let start = line.firstRange(of: "failed to start child: ") else { return }
      addChild(line[start.upperBound...])
    }

    private mutating func addChild(_ name: Substring) {
      // `{Shop.Endpoint, :http}` is a child of that module.
      let name = name.drop { $0 == "{" }.prefix { !"},(".contains($0) }.trimmingSpaces
      if name.isEmpty || name.hasPrefix("#PID") { return }
      failure.children.append(name.hasPrefix(":") ? String(name.dropFirst()) : name)
    }

    // MARK: Reasons

    /// - Returns: whether another banner follows that says more.
    private mutating func readExit(_ banner: Banner) -> Bool {
      readChild(lines[last].text)
      let next = lines[(last + 1)...].prefix(3).firstIndex { Banner($0.text) != nil }
      if let next,
        banner.message.hasSuffix(":") || banner.message.contains("failed to start child")
          || banner.message.hasPrefix("exited in")
      {
        if banner.message.hasPrefix("exited in"), let end = ending(of: banner.message, next) {
          failure.problem = end
          last = next
          readFrames()
          return false
        }
        last = next
        return true
      }
      let message = readMessage(banner.message)
      failure.problem = Self.reason(message)
      readFrames()
      return false
    }

    /// What `exited in: GenServer.call(Shop.Stock, …)` says with the banner behind it.
    private func ending(of message: String, _ next: Int) -> Failure.Problem? {
      let target = message.firstRange(of: ".call(").map {
        message[$0.upperBound...].prefix { $0 != "," && $0 != ")" }.trimmingSpaces
      }
      let reason = Banner(lines[next].text)?.message ?? ""
      if reason.hasPrefix("time out") { return .noAnswer(from: target) }
      if reason.hasPrefix("no process"), let target { return .notRunning(target) }
      return nil
    }

    private static func reason(_ words: String) -> Failure.Problem {
      if words == "killed" { return .killed }
      if let problem = LibraryWords.problem(in: words) { return problem }
      let name = words.hasPrefix(":") ? String(words.dropFirst()) : words
      if SystemWords.words(name) != nil, !SystemWords.common.contains(name) {
        return .system(name, Failure.Address())
      }
      if words.contains(":"), let name = SystemWords.name(of: words) {
        return .system(name, LibraryWords.address(in: words))
      }
      return .other(words)
    }

    private static func exception(_ module: String, _ message: String) -> Failure.Problem {
      if module == "UndefinedFunctionError",
        let function = message.split(separator: " ").dropFirst().first
      {
        let name = function.lastIndex(of: ".").map { function[..<$0] } ?? function
        return .undefined(module: "Elixir." + name, function: String(function))
      }
      if let problem = fileOrSyntax(module, message) { return problem }
      if message.contains("{:error, :"), let name = SystemWords.name(of: message) {
        return .system(name, LibraryWords.address(in: message))
      }
      return .exception(module: module, message: message)
    }

    /// `releases/0.1.0/runtime.exs:5:1: missing terminator: end`
    private static func fileOrSyntax(_ module: String, _ message: String) -> Failure.Problem? {
      guard ["SyntaxError", "TokenMissingError", "MismatchedDelimiterError"].contains(module)
      else { return nil }
      // Newer versions of Elixir write the place behind "invalid syntax found on", and draw it below.
      let text =
        message.firstRange(of: "found on ").map { message[$0.upperBound...] } ?? message[...]
      let parts = text.split(separator: ":", maxSplits: 3)
      guard parts.count >= 2, let line = Int(parts[1]) else { return nil }
      let words = parts.count > 3 && Int(parts[2]) != nil ? parts[3] : parts.last ?? ""
      return .syntax(file: String(parts[0]), line: line, words: words.trimmingSpaces)
    }

    // MARK: Lines

    /// The message with the lines that continue it.
    private mutating func readMessage(_ start: String) -> String {
      var parts = [start]
      var index = last + 1
      while index < lines.endIndex, index - last < ElixirReport.after {
        let text = lines[index].text
        let plain = text.trimmingSpaces
        if Self.frame(text) != nil || Banner(text) != nil || Self.begins(text) { break }
        if !plain.isEmpty {
          parts.append(plain)
        } else if parts.count > 1 || !start.hasSuffix(":") {
          break
        }
        index += 1
      }
      last = index - 1
      return parts.joined(separator: " ").trimmingSpaces
    }

    /// Whether another record of a logger begins: with a time, or as the VM's own words; or the part of this record
    /// that describes the process.
    static func begins(_ text: String) -> Bool {
      let head = text.prefix(12)
      return head.count { $0 == ":" } >= 2 && head.first?.isNumber == true
        || beginnings.contains { text.hasPrefix($0) }
    }

    /// Source: `Logger.Translator` of Elixir, `logger_formatter`
    private static let beginnings = [
      "{\"", "Kernel pid", "init ", "=", "Last message", "State: ", "Client ", "Pid: ",
      "Start Call: ", "Restart: ", "Shutdown: ", "Type: ", "Initial Call: ", "Ancestors: ",
      "Message Queue ", "Messages: ", "Links: ", "Dictionary: ", "Trapping Exits: ", "Status: ",
      "Heap Size: ", "Stack Size: ", "Reductions: ", "Neighbours:", "Function: ", "    Args: ",
    ]

    private mutating func readFrames() {
      var index = last + 1
      while index < lines.endIndex, index - last < ElixirReport.after {
        let text = lines[index].text
        if let frame = Self.frame(text) {
          failure.frames.append(frame)
          last = index
        } else if !failure.frames.isEmpty || Banner(text) != nil || Self.begins(text) {
          return
        }
        index += 1
      }
    }

    /// `(shop 0.1.0) lib/shop/faults.ex:75: Shop.Cache.init/1`
    static func frame(_ line: String) -> Failure.Frame? {
      var text = line.trimmingSpaces[...]
      guard line.first?.isWhitespace == true else { return nil }
      var application: String?
      if text.first == "(", let close = text.firstIndex(of: ")") {
        application = text[text.index(after: text.startIndex)..<close].split(separator: " ").first
          .map(String.init)
        text = text[text.index(after: close)...].drop { $0 == " " }
      }
      let parts = text.split(separator: ":", maxSplits: 2)
      guard parts.count == 3, let number = Int(parts[1]), !parts[0].contains(" ") else {
        return nil
      }
      let function = parts[2].trimmingSpaces
      let module = function.split(separator: " ").last ?? ""
      return Failure.Frame(
        module: module.hasPrefix(":")
          ? String(module.dropFirst().prefix { $0 != "." })
          : "Elixir." + module.prefix { $0 != "/" },
        function: function, file: String(parts[0]), line: number, application: application)
    }
  }
}
