import Diagnosis
import Events
import HomeLayout
import ReleaseModel
import Testing

/// Reasons as the VM prints them, of an application that did not start, or that ended.
@Suite struct ReasonTests {
  private static func facts(_ words: String..., served: Bool = false) -> FailureFacts {
    var facts = FailureFacts(app: "shop", subject: "web.1", process: "web")
    (facts.exit, facts.wasReady) = (.code(1), served)
    facts.output = words.map { LogLine(time: Timestamp(milliseconds: 0), text: $0) }
    return facts
  }

  private static func child(_ reason: String) -> String { ended(term(reason)) }

  private static func ended(_ term: String) -> String {
    "Kernel pid terminated (application_controller) (\(term))"
  }

  private static func term(_ reason: String) -> String {
    "{application_start_failure,shop,{{shutdown,{failed_to_start_child,'Elixir.Shop.Door',\(reason)}},"
      + "{'Elixir.Shop',start,[normal,[]]}}}"
  }

  /// `timeout` and `closed` are common words.
  static let children: [(reason: String, String)] = [
    ("{invalid_options,[{timeout,5000}]}", "did not start: {:invalid_options, [{:timeout, 5000}]}"),
    ("{error,timeout}", "did not start: :timeout"),
    ("{door,closed}", "did not start: {:door, :closed}"),
    ("econnrefused", "could not connect: connection refused; to which address is not known"),
    (
      "{failed_connect,[{to_address,{\"db\",5432}},{inet,[inet],timeout}]}",
      "could not connect to port 5432: connection timed out"
    ),
    (
      "{timeout,[{gen_tcp,connect,4,[{file,\"gen_tcp.erl\"},{line,1}]}]}",
      "could not connect: connection timed out; to which address is not known"
    ),
  ]

  @Test(arguments: children) func sentenceOfAChild(_ row: (reason: String, String)) {
    let cause = Diagnosis(Self.facts(Self.child(row.reason))).causeOfEnd()
    #expect(cause.sentence == "Shop.Door " + row.1)
  }

  @Test func whatHasServedDidStart() {
    let words =
      "Kernel pid terminated (application_controller) ({application_terminated,shop,{boom,[]}})"
    let cause = Diagnosis(Self.facts(words, served: true)).causeOfEnd()
    #expect(cause.id == ProblemID.applicationEnded.rawValue)
    #expect(cause.sentence == "web.1 ended: {:boom, []}, so application shop ended")
  }

  /// A value of a config var in every form in which the VM prints a text.
  static let forms: [String] = {
    let text = "schlüssel-7f3a9"
    let (bytes, codes) = (Array(text.utf8), text.unicodeScalars.map { $0.value })
    func numbers(_ all: [some BinaryInteger]) -> String {
      all.map { String($0) }.joined(separator: ",")
    }
    return [
      "<<\"\(text)\"/utf8>>", "\"\(text)\"", "<<\(numbers(bytes))>>", "[\(numbers(bytes))]",
      "[\(numbers(codes))]",
    ]
  }()

  private static func isTold(_ cause: Cause) -> Bool {
    let told = ([cause.sentence] + cause.facts.values + cause.evidence.map(\.text)).joined()
    return ["schl", "115,99", "115, 99", "7f3a9", "252"].contains { told.contains($0) }
  }

  @Test(arguments: forms) func aValueIsNotTold(_ form: String) {
    let reason = "{no_door,{key,\(form)}}"
    let bytes = Self.term(reason).utf8.map { String($0) }.joined(separator: ",")
    for line in [Self.child(reason), Self.ended("[\(bytes)]")] {
      let mask = { @Sendable (text: String) in text.replacing("schlüssel-7f3a9", with: "«KEY»") }
      var facts = Self.facts(mask(line))
      facts.mask = mask
      let cause = Diagnosis(facts).causeOfEnd()
      #expect(!Self.isTold(cause), "\(cause.sentence)")
      #expect(cause.sentence.hasPrefix("Shop.Door did not start: {:no_door, {:key, "))
      #expect(cause.sentence.contains("«KEY»"), "\(cause.sentence)")
      facts.otpRelease = try? Recorded.erlang()
      #expect(!Self.isTold(Diagnosis(facts).causeOfEnd()))
    }
  }

  @Test func aReasonInBytesThatWasCut() {
    let bytes = Self.term("{no_door,{key,<<\"schlüssel-7f3a9\"/utf8>>}}").utf8.map { String($0) }
    for count in 60..<bytes.count {
      let cut = bytes.prefix(count).joined(separator: ",")
      var facts = Self.facts(String(Self.ended("[" + cut).dropLast()))
      facts.mask = { $0.replacing("schlüssel-7f3a9", with: "«KEY»") }
      let cause = Diagnosis(facts).causeOfEnd()
      #expect(!Self.isTold(cause), "\(cause.sentence)")
      if count > 120 { #expect(cause.sentence.hasPrefix("Shop.Door did not start: ")) }
    }
  }

  /// A line that was cut within a value, whose beginning no mask finds.
  @Test(arguments: forms) func theBeginningOfAValueIsNotTold(_ form: String) {
    let line = Self.child("{no_door,{key,\(form)}}")
    guard let start = line.firstRange(of: form)?.lowerBound else { return }
    for count in 4..<form.count {
      var facts = Self.facts(String(line[..<line.index(start, offsetBy: count)]))
      facts.mask = { $0.replacing("schlüssel-7f3a9", with: "«KEY»") }
      let sentence = Diagnosis(facts).causeOfEnd().sentence
      #expect(!["schlü", "115,", "115, "].contains { sentence.contains($0) }, "\(sentence)")
    }
  }

  @Test func textsInNumbersAreNoEvidence() throws {
    let secret = "a secret\nof two lines".utf8.map(String.init)
    let texts = [
      "<<\(secret.joined(separator: ","))>>", "[\(secret.joined(separator: ", "))]",
      "[\(secret.joined(separator: ",\n    "))]",
    ]
    for text in texts {
      let words = "{\"init terminating in do_boot\",{bad_thing,\(text),[{shop,run,2,[{line,7}]}]}}"
      var facts = Self.facts()
      facts.output = words.split(separator: "\n").map {
        LogLine(time: Timestamp(milliseconds: 0), text: String($0))
      }
      facts.mask = { $0.replacing("a secret\\nof two lines", with: "«KEY»") }
      let cause = Diagnosis(facts).causeOfEnd()
      let told = cause.evidence.map(\.text).joined() + cause.sentence
      #expect(told.contains("bad_thing"))
      #expect(!["97,32", "97, 32", "32,\n", "secret"].contains { told.contains($0) }, "\(told)")
    }
  }
}

/// Output that is made to keep the agent busy, or to end it.
@Suite struct HostileOutputTests {
  private func cause(_ lines: [String]) -> Cause {
    var facts = FailureFacts(app: "shop", subject: "web.1", process: "web")
    facts.exit = .code(1)
    facts.output = lines.map { LogLine(time: Timestamp(milliseconds: 0), text: $0) }
    return Diagnosis(facts).causeOfEnd()
  }

  @Test func aReportThatRunsIntoTheLastWords() {
    let end =
      "Kernel pid terminated (application_controller) (\"{application_terminated,shop,shutdown}\")"
    #expect(cause(["** (RuntimeError) boom", "x " + end]).sentence.contains("shop"))
    #expect(cause(["** (exit) boom:", end, end, "** (EXIT) x"]).sentence.contains("shop"))
  }

  /// With a search that is repeated at each level these take minutes.
  @Test(.timeLimit(.minutes(1))) func deepAndWideReasons() {
    let wide = Array(repeating: String(repeating: "a,", count: 8000), count: 12)
    let deep = String(repeating: "{z,", count: 11)
    let lines =
      ["** Reason for termination ==", "** \(deep){a,"] + wide.map { "    " + $0 }
      + ["    \"/x\",enoent}" + String(repeating: "}", count: 11)]
    #expect(!cause(lines).sentence.isEmpty)
    #expect(
      !cause(
        Array(repeating: "{\"msg\":\"" + String(repeating: "x\\n", count: 5000) + "\"}", count: 40)
      ).sentence.isEmpty)
  }

  @Test func aTextThatWasCutIsNoEvidence() {
    let line =
      "Kernel pid terminated (application_controller) ({application_start_failure,shop,{bad,<<\"supersecretva"
    let told = cause([line])
    #expect(!(told.sentence + told.evidence.map(\.text).joined()).contains("supersec"))
    let cut = cause(["** (RuntimeError) \"supersecretva\" <> ... is wrong"])
    #expect(cut.sentence == "web.1 raised RuntimeError: \"…\" <> ... is wrong")
  }

  /// Children of a supervisor that gives up may need longer to end than what counts as recent.
  @Test func aCrashLongBeforeTheEndOfItsSiblings() {
    var facts = FailureFacts(app: "shop", subject: "web.1", process: "web")
    (facts.exit, facts.wasReady) = (.code(1), true)
    facts.output = [
      (0, "GenServer Shop.Till terminating"), (0, "** (RuntimeError) the till is empty"),
      (
        20_000,
        "Kernel pid terminated (application_controller) ({application_terminated,shop,shutdown})"
      ),
    ].map { LogLine(time: Timestamp(milliseconds: $0), text: $1) }
    facts.ended = Timestamp(milliseconds: 20_100)
    #expect(
      Diagnosis(facts).causeOfEnd().sentence
        == "Shop.Till raised RuntimeError: the till is empty, so application shop ended")
  }

  /// The words of a VM that ended before do not hide those in the dump.
  @Test func theDumpOfTheVMThatEnded() {
    var facts = FailureFacts(app: "shop", subject: "web.1", process: "web")
    facts.exit = .code(1)
    facts.output = [
      LogLine(
        time: Timestamp(milliseconds: 0), text: "{\"init terminating in do_boot\",{badmatch,old}}")
    ]
    facts.ended = Timestamp(milliseconds: 8000)
    facts.slogan = "eheap_alloc: Cannot allocate 318267840 bytes of memory (of type \"heap\")."
    #expect(
      Diagnosis(facts).causeOfEnd().sentence
        == "the VM ran out of memory: it could not allocate 303 MB more")
  }
}

/// What loggers write, in their many forms.
@Suite struct ReportTests {
  private static let report = [
    "12:00:01.000 [error] GenServer Shop.Till terminating", "** (RuntimeError) the till is empty",
    "State: [1]",
  ]

  private func sentence(_ lines: [String], ended: String? = "shop") -> String {
    var facts = FailureFacts(app: "shop", subject: "web.1", process: "web")
    (facts.exit, facts.wasReady) = (.code(1), true)
    let end =
      "Kernel pid terminated (application_controller) ({application_terminated,shop,shutdown})"
    facts.output = (lines + [end]).map { LogLine(time: Timestamp(milliseconds: 0), text: $0) }
    return Diagnosis(facts).causeOfEnd().sentence
  }

  private static let blamed =
    "Shop.Till raised RuntimeError: the till is empty, so application shop ended"

  @Test func theStateOfAProcessIsNoPartOfItsReason() {
    #expect(sentence(Self.report) == Self.blamed)
    let supervisor = [
      "[error] Child Shop.Till of Supervisor Shop.Supervisor terminated",
      "** (exit) :no_money", "Pid: #PID<0.250.0>", "Start Call: Shop.Till.start_link([])",
    ]
    #expect(sentence(supervisor) == "Shop.Till ended: :no_money, so application shop ended")
  }

  @Test func anExceptionInAnyMemberOfJSONIsFound() {
    let text = Self.report.joined(separator: "\\n")
    let lines = [
      "{\"@m\":\"\(text)\"}", "{\"log\":{\"body\":{\"stack\":\"\(text)\"}}}",
      "{\"level\":\"error\",\"reason\":\"\(text)\"}",
      "{\"message\":\"GenServer Shop.Till terminating\",\"error\":\"** (RuntimeError) the till is empty\"}",
    ]
    for line in lines { #expect(sentence([line]) == Self.blamed, "\(line)") }
  }

  @Test func onlyEndsOfProcessesEndAnApplication() {
    #expect(
      sentence(["[error] ** (RuntimeError) handled"])
        == "application shop ended, and the VM with it; no log says why")
  }

  /// A migration is blamed only until its end was logged.
  @Test func aMigrationThatHasEndedIsNotBlamed() {
    let run = "[info] == Running 20260101120000 Shop.Repo.Migrations.CreateUsers.change/0 forward"
    let end = "[info] == Migrated 20260101120000 in 0.0s"
    let banner = "** (RuntimeError) no seeds"
    for (lines, sentence) in [
      (
        [run, banner],
        "migration 20260101120000 failed: the release phase raised RuntimeError: no seeds"
      ),
      ([run, end, banner], "the release phase raised RuntimeError: no seeds"),
    ] {
      var facts = FailureFacts(app: "shop", subject: "release.1", process: "release")
      facts.exit = .code(1)
      facts.output = lines.map { LogLine(time: Timestamp(milliseconds: 0), text: $0) }
      // Its beginning may be long ago.
      facts.output[0].time = Timestamp(milliseconds: -600_000)
      facts.ended = Timestamp(milliseconds: 0)
      #expect(Diagnosis(facts).causeOfEnd().sentence == sentence)
    }
  }
}
