import ErlangTerm
import Events
import HomeLayout
import ReleaseModel

/// Finds the cause of a run's failure: a sentence with a subject, made from facts.
public struct Diagnosis {
  let facts: FailureFacts
  let text: OutputText

  /// Of a run that has ended, or that is waited for.
  public init(_ facts: FailureFacts) {
    var facts = facts
    let words = facts.output.last { line in Self.lastWords.contains { line.text.contains($0) } }
    let start = Self.start(facts, words)
    // A VM that was ended while it printed may have left its last words in the crash dump only.
    if let slogan = facts.slogan, !Self.says(words?.text, slogan) {
      let time = facts.ended ?? facts.output.last?.time ?? Timestamp(milliseconds: 0)
      facts.output.append(LogLine(time: time, text: slogan))
    }
    self.facts = facts
    text = OutputText(facts.output, since: start, mask: facts.mask)
  }

  /// When the first line was printed in which a cause is looked for; nil for all lines.
  private static func start(_ facts: FailureFacts, _ words: LogLine?) -> Timestamp? {
    guard let ended = facts.ended else { return facts.now.map { $0 + -recentForACheck } }
    let start = ended + -recentForAnEnd
    guard let words else { return start }
    // After its last words the VM writes its crash dump, which may take long.
    let isOfEnd = words.time >= start || facts.slogan.map { says(words.text, $0) } ?? false
    return isOfEnd ? words.time + -recentForAnEnd : start
  }

  /// Whether a line has the words of a slogan, in which quotes may be written in another way.
  private static func says(_ line: String?, _ slogan: String) -> Bool {
    func letters(_ text: String) -> [UInt8] {
      text.utf8.filter { (48...57).contains($0) || (97...122).contains($0 | 32) }
    }
    let start = letters(slogan).prefix(200)
    return letters(line ?? "").prefix(start.count + 100).firstRange(of: start) != nil
  }

  /// What a VM prints when it gives up.
  private static let lastWords = [
    "Kernel pid terminated", "init terminating", "could not start kernel pid",
    "_alloc: Cannot allocate", "_alloc: Cannot reallocate",
  ]
  /// Milliseconds before the end in which what was printed may be the reason.
  private static let recentForAnEnd: Int64 = 5000
  /// Milliseconds for which a logged error may explain an answer. Clients of databases try again after up to 30 s.
  private static let recentForACheck: Int64 = 45_000

  /// A cause without the instance, which stands beside it wherever it is shown.
  struct Finding {
    var id: ProblemID
    var sentence: String
    var remedy: String?
    var facts: [String: String] = [:]
    /// The lines of the text that prove it.
    var proof: ClosedRange<Int>?
  }

  /// The cause of the run's end.
  public func causeOfEnd() -> Cause { cause(findEnd()) }

  private func findEnd() -> Finding {
    switch facts.exit {
    case .notStarted(let errno): return notStarted(errno)
    // The output of a killed program does not say why it was killed.
    case .signal(9): return killed
    case .code(137): return killedBelow
    case nil: return lost
    case .code, .signal: break
    }
    return StartFault(diagnosis: self).find() ?? allocation ?? findInVM()
      ?? BootFault(diagnosis: self).find() ?? findInReports() ?? findInLastLine
      ?? unknown
  }

  // MARK: - What the VM and the loggers say

  private var reasons: ErlangReason { ErlangReason(write: facts.write) }

  private func findInVM() -> Finding? {
    guard let report = VMReport.last(in: text) else { return nil }
    let proof = report.line...report.line
    switch report.end {
    case .notStarted(let application, let reason):
      var failure = reasons.failure(reason, of: application)
      var range = proof
      if let written = ElixirReport.last(in: text, text.recent.clamped(to: 0..<report.line)),
        written.failure.application == application
      {
        failure.take(written.failure)
        range = written.range
      }
      return sentence(of: failure, range)
    case .ended(let application, let reason): return ended(application, reason, report)
    case .boot(let reason): return BootFault(diagnosis: self).find(reason, at: report.line)
    case .kernel(let words): return BootFault(diagnosis: self).find(words, at: report.line)
    }
  }

  /// An application that must run has ended: its supervisor gave up, and a log may say why.
  private func ended(_ application: String, _ reason: Term, _ report: VMReport) -> Finding {
    let proof = report.line...report.line
    var found = findInReports(before: report.line, self.reports(before: report.line))
    if found == nil, reason.atom != "shutdown", reason.atom != "normal" {
      var failure = reasons.failure(reason)
      failure.isAfterStart = true
      found = sentence(of: failure, proof)
    }
    guard var found else {
      return Finding(
        id: .applicationEnded,
        sentence: "application \(application) ended, and the VM with it; no log says why",
        facts: ["application": application], proof: proof)
    }
    if [.crashed, .bootFailed].contains(found.id) { found.id = .applicationEnded }
    found.sentence += ", so application \(application) ended"
    found.facts["application"] = application
    return found
  }

  /// Milliseconds that the children of a supervisor which gives up may need to end.
  private static let longestEnding: Int64 = 60_000

  /// The reports of the crashes before an application ended: those of the five seconds before the last one.
  private func reports(before line: Int) -> [ElixirReport] {
    let start = text.time(of: line) + -Self.longestEnding
    let ends = ElixirReport.all(in: text, text.lines(since: start, before: line)).filter(\.isEnd)
    guard let last = ends.last else { return [] }
    let first = text.time(of: last.range.lowerBound) + -Self.recentForAnEnd
    return ends.filter { text.time(of: $0.range.lowerBound) >= first }
  }

  private func findInReports(before line: Int, _ ends: [ElixirReport]) -> Finding? {
    let erlang = ErlangReport.last(in: text, reasons)
    if let erlang, erlang.range.upperBound > ends.last?.range.upperBound ?? -1 {
      return sentence(of: erlang.failure, erlang.range)
    }
    return decisive(ends).map { sentence(of: $0.failure, $0.range) }
  }

  /// What the loggers say if the VM says nothing.
  private func findInReports() -> Finding? {
    // A signal comes from outside, or from native code; what was logged before has nothing to do with it.
    if !endedByItself { return nil }
    let all = ElixirReport.all(in: text, text.recent)
    let ends = all.filter { $0.isEnd || text.lines[$0.range.lowerBound].text.hasPrefix("** (") }
    guard let found = findInReports(before: text.lines.count, ends), let proof = found.proof else {
      return nil
    }
    // After another line, that one is nearer to the end.
    return isLastPrinted(proof, all.map(\.range)) ? found : nil
  }

  /// Whether nothing was printed behind these lines but other reports, and the rest of this one.
  private func isLastPrinted(_ lines: ClosedRange<Int>, _ reports: [ClosedRange<Int>]) -> Bool {
    ((lines.upperBound + 1)..<max(lines.upperBound + 1, text.lines.count)).allSatisfy { index in
      let line = text.lines[index].text
      return line.first?.isWhitespace ?? true || ElixirReport.continues(line)
        || reports.contains { $0.contains(index) }
    }
  }

  /// The report that tells why a supervisor gave up, and not what came of that: that of the child which crashed most
  /// often, or the first one of the last second.
  private func decisive(_ ends: [ElixirReport]) -> ElixirReport? {
    guard let last = ends.last else { return nil }
    let counts = Dictionary(grouping: ends) { $0.failure.subject ?? "" }.mapValues(\.count)
    let most = counts.values.max() ?? 0
    if most > 1 { return ends.last { counts[$0.failure.subject ?? ""] == most } }
    let end = text.time(of: last.range.lowerBound)
    return ends.first { end - text.time(of: $0.range.lowerBound) <= 1000 }
  }

  private func sentence(of failure: Failure, _ range: ClosedRange<Int>) -> Finding {
    FailureSentence(facts: facts, text: text, failure: failure).finding(range)
  }

  /// Whether the program ended by itself and with an error. A shell whose program was ended by a signal returns a code
  /// above 128.
  var endedByItself: Bool {
    if case .code(let code) = facts.exit { return (1...128).contains(code) }
    return false
  }

  /// What a program that is no BEAM says before it ends with an error, as far as its words are understood.
  private var findInLastLine: Finding? {
    guard endedByItself, let index = text.lastLines(1).first else { return nil }
    let line = text.lines[index].text
    // It may have gone on without.
    let lower = line.lowercased()
    if ["skip", "ignor", "warn", "continuing", "will retry", "trying again"].contains(
      where: lower.contains)
    {
      return nil
    }
    switch LibraryWords.problem(in: line) {
    case .system(let name, let address) where address.text != nil:
      return sentence(of: Failure(problem: .system(name, address)), index...index)
    case .missingVariable(let name):
      return sentence(of: Failure(problem: .missingVariable(name)), index...index)
    default: return nil
    }
  }

  // MARK: - Ends without words

  /// `eheap_alloc: Cannot allocate 318267840 bytes of memory (of type "heap").` Source: `erts_exit` in the VM's allocators
  private var allocation: Finding? {
    let found = text.last { line -> Substring? in
      guard let mark = line.firstRange(of: ": Cannot "),
        line[..<mark.lowerBound].hasSuffix("_alloc"), line.contains("bytes of memory")
      else { return nil }
      return line[mark.upperBound...]
    }
    // A program of the app may have survived its own want of memory.
    guard let (line, words) = found, text.lastLines(3).contains(line) else { return nil }
    let bytes = words.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    let size = bytes.map { $0 < 1 << 20 ? "\($0) bytes more" : "\($0 >> 20) MB more" }
    return Finding(
      id: .memoryGone,
      sentence: "the VM ran out of memory: it could not allocate \(size ?? "more memory")",
      remedy: "See what it holds: relctl limits \(facts.app), and the crash dump of the run.",
      facts: ["bytes": bytes.map(String.init) ?? ""], proof: line...line)
  }

  private var killed: Finding {
    if let words = facts.host.memoryKill() {
      return Finding(
        id: .memoryGone,
        sentence:
          "the kernel killed \(facts.subject), because this host ran out of memory; \(words)",
        remedy:
          "Run less on this host, or limit what each app may use: relctl limits \(facts.app) memory=…",
        proof: lastLines)
    }
    return Finding(
      id: .killed,
      sentence: "another program killed \(facts.subject) (SIGKILL); which one is not known",
      remedy: "If the kernel killed it because memory ran out, this shows it: dmesg | grep -i oom",
      proof: lastLines)
  }

  /// A shell ends with 128 and the number of the signal that ended its program.
  private var killedBelow: Finding {
    Finding(
      id: .killed,
      sentence:
        "\(facts.subject) ended with exit code 137, which a shell returns if its program was killed (SIGKILL)",
      remedy: "If the kernel killed it because memory ran out, this shows it: dmesg | grep -i oom",
      proof: lastLines)
  }

  private var lost: Finding {
    Finding(
      id: .runLost,
      sentence: "the relshim of \(facts.subject) was killed, so how the run ended is not known",
      remedy: "reltui started a new run; nothing is left to do unless this happens again.")
  }

  private func notStarted(_ errno: Int32) -> Finding {
    Finding(
      id: .startFailed,
      sentence:
        "the command of \(facts.subject) could not be started: \(SystemWords.words(errno: errno))",
      facts: ["errno": String(errno)])
  }

  private var unknown: Finding {
    let ending = ExitWords.of(facts.exit)
    let isSilent = !text.lines.contains { !$0.text.trimmingSpaces.isEmpty }
    let why = isSilent ? "it printed nothing" : "why is not known"
    return Finding(
      id: facts.scriptFailure ?? (facts.wasReady ? .crashed : .bootFailed),
      sentence: facts.exit == .code(0)
        ? "\(facts.subject) stopped itself (exit code 0)" : "\(facts.subject) \(ending); \(why)",
      remedy: facts.exit == .code(0)
        ? "A process type must not end by itself; see what the command does: \(facts.command)"
        : nil,
      facts: ["reason": Self.unknownReason], proof: lastLines)
  }

  /// The value of the fact `reason` of a cause that says only how the run ended.
  public static let unknownReason = "unknown"

  private var lastLines: ClosedRange<Int>? {
    guard let last = text.lines.lastIndex(where: { !$0.text.trimmingSpaces.isEmpty }) else {
      return nil
    }
    return max(0, last - 9)...last
  }

  // MARK: - The cause

  /// The most characters of a sentence.
  static let longest = 200
  private static let mostLines = 60
  private static let longestLine = 4000
  private static let longestEvidence = 16_000

  func cause(_ finding: Finding) -> Cause {
    // The text is masked before it is cut, because a cut value would not be found.
    let sentence = facts.mask(facts.short(finding.sentence)).withoutNumbers.withoutParts.cut(
      to: Self.longest)
    var known = finding.facts.filter { !$0.value.isEmpty }
    known["ending"] = ExitWords.of(facts.exit)
    if let port = facts.port, known["port"] == nil { known["port"] = String(port) }
    let record = finding.proof.map { [evidence(text.origins($0))] } ?? []
    return Cause(
      finding.id, sentence, remedy: finding.remedy.map(facts.mask),
      facts: known.mapValues(facts.mask),
      evidence: record.filter { !$0.text.isEmpty })
  }

  /// The record in these lines of output, whole unless it is too long for an event.
  private func evidence(_ lines: ClosedRange<Int>) -> Cause.Evidence {
    let told = facts.output[lines].drop { $0.text.trimmingSpaces.isEmpty }
    let text = told.map { $0.text.cut(to: Self.longestLine) }.suffix(Self.mostLines)
      .map(\.withoutParts).joined(separator: "\n").withoutNumbers.trimmingSpaces
    return Cause.Evidence(
      kind: "log", place: "\(facts.subject) \(told.first?.time ?? Timestamp(milliseconds: 0))",
      text: text.cut(to: Self.longestEvidence))
  }
}

extension String {
  /// The text, or its beginning with `…` if it is longer.
  func cut(to count: Int) -> String {
    self.count <= count ? self : self.prefix(count - 1) + "…"
  }
}

/// A program's end in words.
public enum ExitWords {
  /// `ended with exit code 1`; `is gone` if the process left no status.
  public static func of(_ exit: RunStatus.Exit?) -> String {
    switch exit {
    case .code(let code): "ended with exit code \(code)"
    case .signal(9): "was killed (SIGKILL)"
    case .signal(11): "was ended by signal 11 (SIGSEGV)"
    case .signal(6): "was ended by signal 6 (SIGABRT)"
    case .signal(let signal): "was ended by signal \(signal)"
    case .notStarted(let errno): "could not be started (\(SystemWords.words(errno: errno)))"
    case nil: "is gone"
    }
  }
}
