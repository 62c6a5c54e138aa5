import Events
import HomeLayout
import ReleaseModel

/// Why a run is not ready: the answer of its check together with what was logged meanwhile, or what its node says of
/// its boot.
extension Diagnosis {
  /// - Parameter id: what the event means: not ready in time, not ready any more, not alive.
  public func cause(of wait: WaitFacts, _ id: ProblemID) -> Cause {
    var finding = wait.hang.map { hang($0, wait) } ?? logged(wait) ?? answer(wait)
    finding.id = id
    finding.facts.merge(wait.answer.facts) { $1 }
    var cause = cause(finding)
    cause.facts["ending"] = nil
    cause.evidence += (wait.hang?.stack ?? []).map {
      Cause.Evidence(kind: "process", place: wait.hang?.awaited ?? "", text: facts.mask($0))
    }
    return cause
  }

  // MARK: - A boot that hangs

  private func hang(_ hang: WaitFacts.Hang, _ wait: WaitFacts) -> Finding {
    let frames = hang.stack.compactMap(Failure.Frame.init(stackLine:))
    let own = frames.first { frame in
      facts.place(in: [frame]) != nil
    }
    let who = hang.awaited ?? own.map { CodeName.module($0.module) }
    let place = own.flatMap { facts.place(in: [$0]) }.map { " (\($0))" } ?? ""
    let function = (own ?? frames.first)?.function
    let waits =
      who.map { "\($0) waits" + (function.map { " in \($0)\(place)" } ?? "") }
      ?? function.map { "it waits in \($0)\(place)" } ?? "where it waits is not known"
    return Finding(
      id: .bootTimeout,
      sentence:
        "application \(hang.application) has not started\(wait.limit.map { " after \($0) s" } ?? ""): \(waits)",
      remedy:
        "Find out what it waits for; a start that needs long may say so in app.json (healthchecks, attempts).",
      facts: ["application": hang.application, "child": hang.awaited ?? ""], proof: recentErrors)
  }

  // MARK: - What was logged

  /// A fault of something that the app needs, or in its own code, that was logged lately. It is called the reason of the
  /// answer only if its record names the request, or if a client of a database wrote it; else it stands beside the
  /// answer.
  private func logged(_ wait: WaitFacts) -> Finding? {
    guard let question = wait.answer.question else { return nil }
    let found = troubles(question) + exceptions(question)
    return (found.last { $0.isReason } ?? found.last { !$0.isReason }).map { because($0, wait) }
  }

  private struct Trouble {
    var sentence: String
    var facts: [String: String]
    var remedy: String?
    var isReason: Bool
    var proof: ClosedRange<Int>
  }

  private func troubles(_ question: String) -> [Trouble] {
    text.recent.compactMap { index in
      LibraryWords.problem(in: text.lines[index].text).flatMap { problem in
        trouble(problem, at: index...index, question)
      }
    }
  }

  /// Any part of the app may have logged an exception meanwhile, so that a single one says nothing.
  private func exceptions(_ question: String) -> [Trouble] {
    let reports = ElixirReport.all(in: text, text.recent)
    let counts = Dictionary(grouping: reports) { $0.failure }.mapValues(\.count)
    return reports.compactMap { report in
      let isReason = mentions(question, report.range)
      guard isReason || counts[report.failure] ?? 0 > 2 else { return nil }
      let found = FailureSentence(facts: facts, text: text, failure: report.failure)
        .finding(report.range)
      return Trouble(
        sentence: found.sentence, facts: found.facts, remedy: found.remedy, isReason: isReason,
        proof: report.range)
    }
  }

  /// Whether the record around these lines names the request: `Request: GET /health`.
  private func mentions(_ question: String, _ range: ClosedRange<Int>) -> Bool {
    text.lines[max(0, range.lowerBound - 6)...range.upperBound].contains { line in
      line.text.ranges(of: question).contains { place in
        // Of another path this is only the beginning.
        line.text[place.upperBound...].first.map { $0.isWhitespace || "?\"',;)]}".contains($0) }
          ?? true
      }
    }
  }

  private func trouble(_ problem: Failure.Problem, at line: ClosedRange<Int>, _ question: String)
    -> Trouble?
  {
    let said = text.lines[line.lowerBound].text.lowercased()
    // A log of success may tell of the failure before it.
    if Self.wordsOfSuccess.contains(where: said.contains) { return nil }
    let isError = ["error", "** (", "critical", "fatal"].contains(where: said.contains)
    switch problem {
    case .system(let name, let address):
      guard SystemWords.connecting[name] != nil, let target = address.text else { return nil }
      let what = name == "nxdomain" ? "has no address (no such host)" : "does not answer"
      return Trouble(
        sentence: "\(target) \(what)",
        facts: ["address": target, "error": name, "service": address.service ?? ""],
        remedy: "Start \(address.server), or correct the config var that names it.",
        isReason: address.service != nil && isError || mentions(question, line), proof: line)
    case .refused(let server, let words):
      return Trouble(
        sentence: "\(server) refuses the connection (\(words))", facts: ["service": server],
        remedy: "Check the config vars with which it connects: relctl config \(facts.app)",
        isReason: true, proof: line)
    default: return nil
    }
  }

  private static let wordsOfSuccess = [
    "[info]", "[debug]", "[notice]", " is back", "restored", "reconnected", "connected again",
  ]

  private func because(_ trouble: Trouble, _ wait: WaitFacts) -> Finding {
    let answer = wait.answer.brief + wait.after
    return Finding(
      id: .notReady,
      sentence: trouble.isReason
        ? "\(trouble.sentence), so \(answer)" : "\(answer); it logged: \(trouble.sentence)",
      remedy: trouble.isReason ? trouble.remedy : nil, facts: trouble.facts, proof: trouble.proof)
  }

  // MARK: - The answer alone

  private func answer(_ wait: WaitFacts) -> Finding {
    var sentence = wait.answer.text
    if wait.limit != nil {
      sentence = wait.answer.brief + wait.after + (wait.answer.detail.map { ": \($0)" } ?? "")
    }
    if wait.answer.facts["listener"] != nil, !wait.listening.isEmpty {
      sentence =
        "\(wait.answer.brief)\(wait.after); the app listens on \(wait.listening.joined(separator: ", "))"
    }
    return Finding(id: .notReady, sentence: sentence, remedy: remedy(wait), proof: recentErrors)
  }

  private func remedy(_ wait: WaitFacts) -> String? {
    let known = wait.answer.facts
    if known["listener"] != nil { return portRemedy }
    if known["location"] != nil {
      return "Name a path in app.json (healthchecks) that is answered without a redirect."
    }
    if known["status"] == "404" {
      return
        "Name a path in app.json (healthchecks) that the app answers, or let it answer this one."
    }
    return nil
  }

  /// The app may take its port from another variable.
  private var portRemedy: String {
    let variables = facts.variables
    let other = variables.first { $0.name.hasSuffix("_PORT") && !$0.name.contains("DATABASE") }
    guard let other, !variables.contains(where: { $0.name == "PORT" }) else {
      return "Listen on all addresses or 127.0.0.1, on the port in the environment variable PORT."
    }
    return "Write in the Procfile: \(facts.process): \(other.name)=$PORT \(facts.command)"
  }

  /// The lines of the last few records of errors, for who wants to read them.
  private var recentErrors: ClosedRange<Int>? {
    guard let last = text.lines.lastIndex(where: { !$0.text.trimmingSpaces.isEmpty }) else {
      return nil
    }
    return max(0, last - 4)...last
  }
}

extension WaitFacts {
  /// ` even after 60 s`
  fileprivate var after: String { limit.map { " even after \($0) s" } ?? "" }
}

extension Failure.Frame {
  /// `Elixir.Process:sleep/1 (lib/process.ex:250)`
  init?(stackLine line: String) {
    let words = line.split(separator: " ", maxSplits: 1)
    guard let call = words.first, let colon = call.lastIndex(of: ":") else { return nil }
    let (module, rest) = (String(call[..<colon]), call[call.index(after: colon)...])
    let slash = rest.lastIndex(of: "/")
    let name = slash.map { rest[..<$0] } ?? rest
    let arity = slash.flatMap { Int(rest[rest.index(after: $0)...]) }
    self.init(module: module, function: CodeName.function(module, String(name), arity))
    guard words.count == 2 else { return }
    let place = words[1].filter { $0 != "(" && $0 != ")" }.split(separator: ":")
    file = place.first.map(String.init)
    self.line = place.count > 1 ? Int(place[1]) : nil
  }
}
