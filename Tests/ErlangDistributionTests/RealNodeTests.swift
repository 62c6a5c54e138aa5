import ErlangTerm
import Glibc
import Posix
import TestSupport
import Testing

@testable import ErlangDistribution

@Suite(.serialized, .waitsForPrograms) struct RealNodeTests {
  @Test(arguments: Real.runtimes)
  func aThousandCallsInFlight(_ runtime: Beam.Runtime) throws {
    var connection = try Real.node(runtime).connect()
    var waiting: [CallID: Int] = [:]
    for number in 0..<1000 {
      waiting[try connection.call(RemoteCall("erlang", "abs", [.integer(-number)]))] = number
    }
    try connection.run { (event) -> Void? in
      guard case .answer(let id, let answer) = event else { return nil }
      let number = waiting.removeValue(forKey: id)
      if answer != .returned(.integer(number ?? -1)) { Issue.record("\(id): \(answer)") }
      return waiting.isEmpty ? () : nil
    }
    #expect(connection.session?.openCalls == 0)
    #expect(connection.backlog == 0)
  }

  static let prints: [(String, String)] = [
    ("io:format(\"~p ~ts ~s~n\", [{a,\"b\"}, [8364], \"x\"])", "{a,\"b\"} € x\n"),
    ("io:put_chars(<<\"gr\\374n\"/utf8>>)", "grün"), ("io:put_chars(\"a\\x{20ac}\")", "a€"),
    ("io:nl(), io:fwrite(\"~w\", [x])", "\nx"),
    ("io:requests([{put_chars, unicode, \"a\"}, {format, \"~p\", [b]}, nl])", "ab\n"),
    ("io:format(\"~ts\", [lists:duplicate(100000, $x)])", String(repeating: "x", count: 100_000)),
    ("io:put_chars(latin1_, [])", ""),
    ("file:write(group_leader(), <<252>>)", "ü"),
    (
      "P = self(), spawn(fun() -> io:put_chars(\"child\"), P ! ok end), receive ok -> ok end",
      "child"
    ),
  ]

  @Test(arguments: Real.runtimes, prints)
  func whatIsPrintedThereComesHere(_ runtime: Beam.Runtime, _ print: (String, String)) throws {
    var client = try Real.client(runtime)
    let forms = try client.forms(print.0)
    var text = ""
    let answer = try client.call(RemoteCall("erl_eval", "exprs", [forms, .list([])])) { text += $0 }
    #expect(text == print.1, "\(answer)")
  }

  /// Debian's Elixir is compiled for OTP 25.
  static let elixirPrints: [(String, String)] = [
    ("'Elixir.IO':puts(<<\"\\x{20ac}\"/utf8>>)", "€\n"),
    ("'Elixir.IO':inspect({1, nil})", "{1, nil}\n"),
    ("'Elixir.IO':write([<<\"a\">>, $b])", "ab"),
  ]

  @Test(arguments: elixirPrints)
  func whatElixirPrintsComesHere(_ text: String, _ printed: String) throws {
    try whatIsPrintedThereComesHere(.otp25, (text, printed))
  }

  @Test(arguments: Real.runtimes)
  func nothingCanBeReadFromUs(_ runtime: Beam.Runtime) throws {
    var client = try Real.client(runtime)
    #expect(try client.eval("io:get_line(\"> \")") == .atom("eof"))
    #expect(try client.eval("io:read(\"> \")") == .atom("eof"))
    #expect(try client.eval("io:getopts()") == .list([]))
    #expect(try client.eval("io:columns()") == term("{error,enotsup}"))
  }

  /// A process that prints after its call has ended gets an answer; else it would wait for ever.
  @Test(arguments: Real.runtimes)
  func printingAfterTheCallDoesNotWait(_ runtime: Beam.Runtime) throws {
    var client = try Real.client(runtime)
    let text = """
      Me = self(), spawn(fun() -> \
      R = monitor(process, Me), receive {'DOWN', R, _, _, _} -> ok end, \
      register(late, self()), catch io:put_chars("late"), catch io:format("~p", [x]), \
      unregister(late), register(done, self()), receive stop -> ok end end)
      """
    _ = try client.eval(text)
    let isDone = try eventually { try client.eval("whereis(done)").pid != nil }
    #expect(isDone)
    _ = try client.eval("catch done ! stop")
  }

  // MARK: - Ends

  @Test(arguments: Real.runtimes)
  func aCallThatHangsIsGivenUpAndItsProcessIsGone(_ runtime: Beam.Runtime) throws {
    var client = try Real.client(runtime)
    let hang = try client.forms(
      "register(hanging, self()), process_flag(trap_exit, true), receive never -> ok end")
    #expect(
      try client.call(RemoteCall("erl_eval", "exprs", [hang, .list([])], limit: 300)) == .timedOut)
    let isGone = try eventually { try client.eval("whereis(hanging)") == .atom("undefined") }
    #expect(isGone)
  }

  @Test(arguments: Real.runtimes)
  func linkedCallsEndWhenWeVanish(_ runtime: Beam.Runtime) throws {
    var client = try Real.client(runtime)
    var other = try Real.node(runtime).connect()
    for (name, isLinked) in [("linked", true), ("loose", false)] {
      let hang = try client.forms("register(\(name), self()), receive stop -> ok end")
      _ = try other.call(
        RemoteCall("erl_eval", "exprs", [hang, .list([])], limit: nil, isLinked: isLinked))
    }
    let areThere = try eventually {
      try client.eval("is_pid(whereis(linked)) andalso is_pid(whereis(loose))") == .atom("true")
    }
    #expect(areThere)
    other.close()
    let isGone = try eventually { try client.eval("whereis(linked)") == .atom("undefined") }
    #expect(isGone)
    #expect(try client.eval("is_pid(whereis(loose))") == .atom("true"))
    _ = try client.eval("loose ! stop")
  }

  @Test(arguments: Real.runtimes)
  func mailboxes(_ runtime: Beam.Runtime) throws {
    var client = try Real.client(runtime)
    var connection = try Real.node(runtime).connect()
    let (mailbox, own) = try connection.openMailbox()
    let answer = try client.eval(
      "spawn(fun() -> receive {From, X} -> From ! {got, X} end end)"
    )
    let process = try #require(answer.pid)
    try connection.send(.tuple([.pid(own), .atom("hi")]), to: process)
    let message: Term = try connection.run {
      if case .message(mailbox, let term) = $0 { term } else { nil }
    }
    #expect(message == (try term("{got,hi}")))
  }

  /// What the node's own processes may try with us; none must wait.
  @Test(arguments: Real.runtimes)
  func behavesTowardsTheNode(_ runtime: Beam.Runtime) throws {
    let node = try Real.node(runtime)
    var asker = try node.client()
    var connection = try node.connect()
    let own = try #require(connection.session?.identity.ownName)
    let questions = [
      ("net_adm:ping('\(own)')", "pong"),
      ("catch erpc:call('\(own)', erlang, node, [], 5000)", "{'EXIT',{{erpc,notsup},_}}"),
      ("catch gen_server:call({nobody, '\(own)'}, hi, 5000)", "{'EXIT',{noproc,_}}"),
      ("lists:member('\(own)', nodes())", "false"),
      ("lists:member('\(own)', nodes(hidden))", "true"),
    ]
    for (question, answer) in questions {
      let forms = try asker.forms("case \(question) of \(answer) -> yes; Other -> Other end")
      let id = try asker.connection.call(
        RemoteCall("erl_eval", "exprs", [forms, .list([])], limit: 8000))
      // Both sides go on at once: the one asks the node to ask the other.
      var found: Answer?
      let end = Clock.monotonic() + 10_000
      while found == nil, Clock.monotonic() < end {
        let interests = [asker.connection.interest, connection.interest].compactMap { $0 }
        let ready = try Poll.wait(interests, milliseconds: 100)
        _ = try connection.advance(ready.first { $0.descriptor == connection.interest?.descriptor })
        let events = try asker.connection.advance(
          ready.first { $0.descriptor == asker.connection.interest?.descriptor })
        for case .answer(id, let answer) in events { found = answer }
      }
      #expect(found?.value?.tuple?[1] == .atom("yes"), "\(question): \(String(describing: found))")
    }
  }

  @Test(arguments: Real.runtimes)
  func asksRexOfARealNode(_ runtime: Beam.Runtime) throws {
    var connection = try Real.node(runtime).connect()
    connection.forgetSpawn()
    #expect(
      try connection.answer(to: RemoteCall("erlang", "abs", [.integer(-3)]))
        == .returned(.integer(3)))
    #expect(
      try connection.answer(to: RemoteCall("erlang", "node"))
        == .returned(.atom(Real.node(runtime).name))
    )
    guard
      case .raised("error", let reason) = try connection.answer(
        to: RemoteCall("erlang", "error", [.atom("x")]))
    else {
      Issue.record("no error")
      return
    }
    #expect(reason.tuple(tagged: "EXIT") != nil)
    #expect(
      try connection.answer(to: RemoteCall("timer", "sleep", [.integer(60_000)], limit: 200))
        == .timedOut
    )
    let id = try connection.call(RemoteCall("io", "put_chars", [.charlist("hi")]))
    var text = ""
    try connection.run { (event) -> Void? in
      if case .output(id, let more) = event { text += more }
      if case .answer(id, .returned(.atom("ok"))) = event { return () }
      return nil
    }
    #expect(text == "hi")
  }

  // MARK: - The trace we leave

  @Test(arguments: Real.runtimes)
  func leavesNothingBehind(_ runtime: Beam.Runtime) throws {
    let beam = try Beam(runtime, name: "trace")
    func counts() throws -> [Int] {
      let text = try beam.eval(
        "[erlang:system_info(atom_count), erlang:system_info(process_count), erlang:system_info(port_count), length(code:all_loaded()), length(ets:all())]"
      )
      return try term(text).list?.compactMap(\.integer) ?? []
    }
    // What any first caller makes the node load is not ours.
    for _ in 0..<3 { _ = try counts() }
    var first = try beam.client()
    _ = try first.value("erlang", "node")
    first.connection.close()
    let before = try counts()
    for _ in 0..<50 {
      var client = try beam.client()
      for _ in 0..<20 { _ = try client.value("erlang", "node") }
      client.connection.close()
    }
    let isSame = try eventually { try counts()[1...] == before[1...] }
    let after = try counts()
    #expect(isSame, "\(before) \(after)")
    #expect(after[0] - before[0] <= 1, "\(before) \(after)")
  }
}
