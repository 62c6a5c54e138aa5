import Diagnosis
import Events
import HomeLayout
import ReleaseModel
import Testing

/// Programs that are no BEAM, and lines that only look like a cause.
@Suite struct OtherProgramTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var exit: RunStatus.Exit = .code(5)
    /// Seconds between the first line and the end, and the lines.
    var age: Int64 = 0
    var lines: [String]
    var wasReady = false
    /// Nil if the cause is not known.
    var sentence: String?
  }

  private static let foo = "the program 'foo' is not on this host (Procfile, web)"

  static let cases = [
    Case(
      testDescription: "a connection in the last line",
      lines: ["connect to db.internal:5432 failed: connection refused"],
      sentence: "web.1 could not connect to db.internal:5432: connection refused"),
    Case(
      testDescription: "the program went on without it",
      lines: ["connect to cache.internal:6379 failed: connection refused, skipped"]),
    Case(
      testDescription: "a connection that was lost long before", age: 60,
      lines: ["connect to db.internal:5432 failed: connection refused"]),
    Case(
      testDescription: "words of another program",
      lines: ["Traceback (most recent call last):", "KeyError: 'x'"]),
    Case(
      testDescription: "a shell that could not run its program", exit: .code(127),
      lines: ["sh: 1: exec: foo: not found"], sentence: foo),
    Case(
      testDescription: "the words of bash", exit: .code(127),
      lines: ["bash: line 1: foo: command not found"], sentence: foo),
    Case(
      testDescription: "the last of two is the one that ended it", exit: .code(127),
      lines: ["sh: 1: curlx: not found", "sh: 2: foo: not found", "bye"], sentence: foo),
    Case(
      testDescription: "a script that went on without a tool", exit: .code(3),
      lines: ["sh: 1: curlx: not found"]),
    Case(
      testDescription: "a script that ended because of a program of the slug", exit: .code(3),
      lines: ["sh: 1: bin/absent: not found"],
      sentence: "bin/absent is not in the slug; a script of the release calls it"),
    Case(
      testDescription: "a file that a tool may not read", exit: .code(126),
      lines: ["cat: /run/secrets/token: Permission denied"]),
    Case(
      testDescription: "a user's name that is in use", exit: .code(1),
      lines: ["** (RuntimeError) the user name ada is already in use"],
      sentence: "web.1 raised RuntimeError: the user name ada is already in use"),
    Case(
      testDescription: "connections in use", exit: .code(1),
      lines: ["3 connections to db:5432 in use at exit"]),
    Case(
      testDescription: "a variable with a wrong value", exit: .code(1),
      lines: ["environment variable SHOP_LIMIT must be set to a number, not \"abc\""]),
    Case(
      testDescription: "a variable with a wrong URL", exit: .code(1),
      lines: ["environment variable SHOP_URL has a scheme that is missing a host"]),
    Case(
      testDescription: "a child that was restarted before the end", exit: .code(3),
      lines: [
        "GenServer Shop.Till terminating", "** (RuntimeError) the till is empty", "State: 1",
        "licence expired, stopping",
      ]),
    Case(
      testDescription: "a child that ended with the program", exit: .code(3),
      lines: [
        "GenServer Shop.Till terminating", "** (RuntimeError) the till is empty", "State: 1",
      ], sentence: "Shop.Till raised RuntimeError: the till is empty"),
    Case(
      testDescription: "a shell whose program got a signal", exit: .code(143),
      lines: ["GenServer Shop.Till terminating", "** (RuntimeError) the till is empty"]),
    Case(
      testDescription: "a log of data", exit: .code(3),
      lines: [#"{"level":"info","msg":"in","payload":"** (RuntimeError) from a client"}"#]),
    Case(
      testDescription: "memory of a VM that the program survived", exit: .code(1),
      lines: [
        #"eheap_alloc: Cannot allocate 318267840 bytes of memory (of type "heap")."#, "1", "2", "3",
        "fatal: config file is damaged",
      ]),
    Case(
      testDescription: "how to try again is no second try",
      lines: ["could not connect to db.local:5432: connection refused - start it, then try again"],
      sentence: "web.1 could not connect to db.local:5432: connection refused"),
    Case(
      testDescription: "what an app says of its data", exit: .code(127),
      lines: ["shop: customer 42: not found"]),
    Case(
      testDescription: "a program that served", exit: .code(127),
      lines: ["sh: 1: exec: foo: not found"], wasReady: true),
    Case(
      testDescription: "a library that a tool lacked long before", age: 60,
      lines: [
        "tool: error while loading shared libraries: libx.so.1: cannot open shared object file"
      ]
    ),
    Case(
      testDescription: "a library that a tool lacked, and much output since",
      lines: [
        "tool: error while loading shared libraries: libx.so.1: cannot open shared object file"
      ] + (1...9).map { "line \($0)" }),
    Case(
      testDescription: "a VM of long before", age: 60,
      lines: [
        "Kernel pid terminated (application_controller) ({application_start_failure,shop,{bad,{shop,start,[normal,[]]}}})"
      ]),
    Case(
      testDescription: "memory of another program",
      lines: ["convert: Cannot allocate 1048576 bytes of memory"]),
    Case(
      testDescription: "memory of the VM",
      lines: [#"eheap_alloc: Cannot allocate 318267840 bytes of memory (of type "heap")."#],
      sentence: "the VM ran out of memory: it could not allocate 303 MB more"),
    Case(
      testDescription: "memory of a VM of long before", age: 60,
      lines: [#"eheap_alloc: Cannot allocate 318267840 bytes of memory (of type "heap")."#]),
    Case(
      testDescription: "an exception that was logged and handled", exit: .code(3),
      lines: ["12:00:00 [error] ** (RuntimeError) no luck with the newsletter", "all is well"]),
    Case(
      testDescription: "a line that looks like a banner", exit: .code(3),
      lines: ["** (admin) logged in"]),
    Case(
      testDescription: "an exception that is the last that was printed", exit: .code(1),
      lines: ["** (RuntimeError) no luck", "    lib/news.ex:7: News.send/1"],
      sentence: "News.send/1 raised RuntimeError: no luck"),
  ]

  private func facts(_ item: Case) -> FailureFacts {
    var facts = FailureFacts(app: "shop", subject: "web.1", process: "web")
    (facts.exit, facts.command, facts.wasReady) = (item.exit, "foo --bar", item.wasReady)
    let start = Timestamp(milliseconds: 1_800_000_000_000)
    facts.output = item.lines.map { LogLine(time: start, text: $0) }
    facts.ended = start + item.age * 1000
    return facts
  }

  @Test(arguments: cases) func sentence(_ item: Case) {
    let cause = Diagnosis(facts(item)).causeOfEnd()
    #expect(cause.sentence == item.sentence ?? "web.1 \(ExitWords.of(item.exit)); why is not known")
  }

  /// What a program said has nothing to do with a signal that ended it.
  @Test(arguments: cases) func sentenceOfASignal(_ item: Case) {
    var facts = facts(item)
    facts.exit = .signal(15)
    let isOfVM = item.lines[0].contains("eheap_alloc") && item.sentence != nil
    let sentence = "web.1 was ended by signal 15; why is not known"
    #expect(Diagnosis(facts).causeOfEnd().sentence == (isOfVM ? item.sentence : sentence))
  }
}
