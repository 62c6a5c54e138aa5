import ErlangTerm
import Testing

@testable import ErlangDistribution

/// A session and a node that the test plays.
struct SessionTests {
  // MARK: - Calls

  @Test func callsByASpawnRequestWithAMonitor() throws {
    var played = Played()
    _ = try played.session.call(RemoteCall("m", "f", [.integer(7)]), now: played.now)
    let sent = try played.sent()
    let control = try #require(sent.first??.control.tuple)
    #expect(sent.count == 1)
    #expect(control[0] == .integer(29))
    #expect(control[4] == (try term("{erpc,execute_call,4}")))
    #expect(control[5] == (try term("[monitor]")))
    #expect(sent.first??.payload == (try term("[0,m,f,[7]]")))
    _ = try played.session.call(RemoteCall("m", "f", isLinked: true), now: played.now)
    #expect(try played.sent().first??.control.tuple?[5] == term("[monitor,link]"))
  }

  static let ends: [(String, Answer)] = [
    ("{0,return,{ok,1}}", .returned(.tuple([.atom("ok"), .integer(1)]))),
    (
      "{0,error,badarg,[]}",
      .raised(
        kind: "error", reason: .tuple([.atom("exception"), .atom("badarg"), .list([])]))
    ),
    ("{0,exit,bye}", .raised(kind: "exit", reason: .atom("bye"))),
    ("{0,throw,x}", .raised(kind: "throw", reason: .atom("x"))),
    ("killed", .raised(kind: "exit", reason: .atom("killed"))),
    ("noconnection", .raised(kind: "exit", reason: .atom("noconnection"))),
    (
      "{1,return,x}",
      .raised(kind: "exit", reason: .tuple([.integer(1), .atom("return"), .atom("x")]))
    ),
    ("{0,return}", .raised(kind: "exit", reason: .tuple([.integer(0), .atom("return")]))),
    ("[]", .raised(kind: "exit", reason: .list([]))),
  ]

  @Test(arguments: ends)
  func tellsHowACallEnded(_ reason: String, _ answer: Answer) throws {
    var played = Played()
    let (_, reference, _) = try played.begin()
    try played.spawned(reference)
    #expect(try played.down(reference, term(reason))?.answer == answer)
    #expect(played.session.openCalls == 0)
    // What comes twice is told once.
    #expect(try played.down(reference, term(reason)) == nil)
  }

  @Test func tellsThatANodeWouldNotBegin() throws {
    var played = Played()
    let (_, reference, _) = try played.begin()
    let reply = [.integer(31), reference, .pid(Played.own), .integer(0), .atom("system_limit")]
    #expect(try played.hear(reply)?.answer == .refused(.atom("system_limit")))
    #expect(played.session.openCalls == 0)
  }

  @Test func anAnswerThatCannotBeReadIsAnAnswer() throws {
    var played = Played()
    let (_, reference, _) = try played.begin()
    var down = try frame([.integer(28), .pid(Played.process), .pid(Played.own), reference])
    down.append(131)
    for _ in 0..<200 { down += [104, 1] }
    down.append(106)
    let event = try played.session.receive(down, now: played.now)
    guard case .unreadable(.external(.tooDeep, _)) = event?.answer else {
      Issue.record("\(String(describing: event))")
      return
    }
    #expect(event?.answer?.complaint?.contains("cannot be read") == true)
  }

  @Test func tellsCallsApart() throws {
    var played = Played()
    let calls = try (0..<1000).map { _ in try played.begin() }
    for (index, call) in calls.enumerated().reversed() {
      let event = try played.down(call.1, Played.returned(.integer(index)))
      guard case .answer(call.0, .returned(.integer(index))) = event else {
        Issue.record("\(index): \(String(describing: event))")
        return
      }
    }
  }

  static let strangers: [(String, @Sendable (inout Term.Reference) -> Void)] = [
    ("another node", { $0.node = "x@y" }), ("another life", { $0.creation = 6 }),
    ("too short", { $0.words.removeLast() }), ("too long", { $0.words.append(0) }),
    ("a third word", { $0.words[2] = 1 }), ("a wide first word", { $0.words[0] |= 1 << 18 }),
    ("the future", { $0.words[0] += 1 }), ("far away", { $0.words[1] = .max }),
    ("the beginning", { $0.words[0] = 0 }),
  ]

  @Test(arguments: 0..<strangers.count)
  func referencesThatAreNotOursMeanNothing(_ index: Int) throws {
    var played = Played()
    let (_, reference, _) = try played.begin()
    guard case .reference(var other) = reference else { throw Played.Odd(text: "\(reference)") }
    Self.strangers[index].1(&other)
    #expect(try played.down(.reference(other), Played.returned(.atom("x"))) == nil)
    try played.spawned(.reference(other))
    #expect(played.session.openCalls == 1)
  }

  // MARK: - Time

  @Test func aCallThatTakesTooLongIsGivenUpAndItsProcessEnded() throws {
    var played = Played()
    let (id, reference, _) = try played.begin(RemoteCall("m", "f", limit: 500))
    try played.spawned(reference)
    #expect(played.session.nextTick == played.now + 500)
    #expect(try played.session.tick(now: played.now + 499).isEmpty)
    let late = try played.session.tick(now: played.now + 500)
    guard case .answer(id, .timedOut) = late.first else {
      Issue.record("\(late)")
      return
    }
    let sent = try played.sent()
    #expect(sent.count == 1)
    #expect(sent.first??.control == .tuple([.integer(26), .pid(Played.own), .pid(Played.process)]))
    #expect(sent.first??.payload == .atom("kill"))
    #expect(try played.down(reference, .atom("killed")) == nil)
    #expect(try played.session.tick(now: played.now + 600).isEmpty)
  }

  /// It was given up before we were told which process works at it.
  @Test func theProcessOfACanceledCallIsEndedWhenItIsKnown() throws {
    var played = Played()
    let (id, reference, _) = try played.begin()
    played.session.cancel(id, now: played.now)
    #expect(try played.operations() == [])
    try played.spawned(reference)
    #expect(try played.operations() == [26])
  }

  @Test(arguments: [nil, Int64.max, 0, -5, .min] as [Int64?])
  func anyLimitIsTaken(_ limit: Int64?) throws {
    var played = Played()
    _ = try played.begin(RemoteCall("m", "f", limit: limit))
    let late = try played.session.tick(now: played.now + 1).count
    #expect(late == ((limit ?? 1) <= 0 ? 1 : 0))
  }

  @Test func aDeadlineIsNoReasonToWakeUpOnceTheAnswerIsThere() throws {
    var played = Played()
    let (_, reference, _) = try played.begin(RemoteCall("m", "f", limit: 10))
    _ = try played.down(reference, Played.returned(.list([])))
    #expect(played.session.nextTick == played.now + 15_000)
  }

  @Test func deadlinesComeOneAfterTheOther() throws {
    var played = Played()
    for limit in [30, 10, 20] as [Int64] {
      _ = try played.begin(RemoteCall("m", "f", limit: limit))
    }
    var moments: [Int64] = []
    while played.session.openCalls > 0, moments.count < 10 {
      moments.append(played.session.nextTick - 1000)
      _ = try played.session.tick(now: played.session.nextTick)
    }
    #expect(moments == [10, 20, 30])
  }

  @Test func saysThatItIsThereAndEndsWhenTheNodeDoesNot() throws {
    var played = Played()
    var ticks = 0
    var moments: [Int64] = []
    for _ in 0..<100 {
      let next = played.session.nextTick
      moments.append(next - 1000)
      do { _ = try played.session.tick(now: next) } catch {
        #expect(error == .silent(seconds: 75))
        break
      }
      ticks += try played.sent().count { $0 == nil }
    }
    // The one at 60 s is a question that any node answers; it is no tick, but it says that we are there.
    #expect(moments == [15_000, 30_000, 45_000, 60_000, 75_000])
    #expect(ticks == 3)
  }

  @Test func asksANodeThatSaysLittle() throws {
    var played = Played()
    _ = try played.session.tick(now: 61_000)
    let question = try #require(try played.sent().first??.control.tuple)
    #expect(question[0] == .integer(19))
    #expect(question[2] == .atom(""))
    played.now = 62_000
    #expect(try played.down(question[3], .atom("noproc")) == nil)
    #expect(played.session.nextTick == 76_000)
    #expect(try played.session.tick(now: 120_000).isEmpty)
  }

  @Test func aTickOfTheNodeCountsAsLife() throws {
    var played = Played()
    for minute in 1...10 {
      played.now += 60_000
      #expect(try played.session.receive([], now: played.now) == nil, "\(minute)")
      #expect(try played.session.tick(now: played.now + 1).isEmpty)
    }
  }

  @Test func whatIsSaidIsATickToo() throws {
    var played = Played()
    _ = try played.session.call(RemoteCall("m", "f", limit: nil), now: 15_000)
    #expect(played.session.nextTick == 30_000)
  }

  // MARK: - Mailboxes, monitors, manners

  @Test func aMailboxGetsItsMessages() throws {
    var played = Played()
    let (first, firstPid) = played.session.openMailbox()
    let (second, secondPid) = played.session.openMailbox()
    #expect(first != second)
    let event = try played.hear([.integer(2), .atom(""), .pid(secondPid)], .atom("hi"))
    guard case .message(second, .atom("hi")) = event else {
      Issue.record("\(String(describing: event))")
      return
    }
    let control = try frame([.integer(2), .atom(""), .pid(firstPid)])
    guard case .unreadable(first, _) = try played.session.receive(control + [131], now: 1) else {
      Issue.record("nothing told")
      return
    }
  }

  @Test func thereAreMailboxesForEver() {
    var played = Played()
    var seen: Set<UInt32> = []
    for _ in 0..<1_100_000 { seen.insert(played.session.openMailbox().1.id) }
    #expect(seen.allSatisfy { $0 > 256 && $0 < 1 << 20 })
  }

  static let questions: [(String, [Term], Term?, [Term])] = [
    (
      "an unlink is acknowledged",
      [.integer(35), .integer(9), .pid(Played.process), .pid(Played.own)], nil,
      [.integer(36), .integer(9), .pid(Played.own), .pid(Played.process)]
    ),
    (
      "we start nothing",
      [
        .integer(29), .reference(ControlTests.reference), .pid(Played.process),
        .pid(Played.process), .tuple([.atom("m"), .atom("f"), .integer(0)]), .list([]),
      ], .list([]),
      [
        .integer(31), .reference(ControlTests.reference), .pid(Played.process), .integer(0),
        .atom("notsup"),
      ]
    ),
    (
      "no process has a name",
      [
        .integer(19), .pid(Played.process), .atom("rex"), .reference(ControlTests.reference),
      ], nil,
      [
        .integer(28), .atom("rex"), .pid(Played.process), .reference(ControlTests.reference),
      ]
    ),
  ]

  @Test(arguments: questions)
  func answersRequestsToProcessesThatDoNotExist(
    _ what: String, _ control: [Term], _ payload: Term?, _ answer: [Term]
  ) throws {
    var played = Played()
    #expect(try played.hear(control, payload) == nil)
    #expect(try played.sent().map { $0?.control } == [.tuple(answer)])
  }

  @Test func answersAPing() throws {
    var played = Played()
    let ping = try term("{'$gen_call',{x,[alias|y]},{is_auth,'n@host'}}")
    let control: [Term] = [.integer(6), .pid(Played.process), .atom(""), .atom("net_kernel")]
    try played.hear(control, ping)
    let sent = try played.sent()
    #expect(sent.first??.payload == (try term("{[alias|y],yes}")))
    try played.hear(control, .atom("nonsense"))
    #expect(try played.operations() == [])
  }

  // MARK: - The server for old nodes

  @Test func asksRexWhereANodeCannotSpawnForUs() throws {
    var played = Played(flags: 0)
    let id = try played.session.call(RemoteCall("m", "f", [.integer(1)]), now: played.now)
    let sent = try #require(try played.sent().first ?? nil)
    #expect(sent.control.tuple?.last == .atom("rex"))
    let request = try #require(sent.payload?.tuple(tagged: "$gen_call").map(Array.init))
    #expect(
      request[1].tuple.map { Array($0.prefix(4)) } == [
        .atom("call"), .atom("m"), .atom("f"), .list([.integer(1)]),
      ])
    let reference = try #require(request[0].tuple?[1])
    let to: [Term] = [.integer(2), .atom(""), .pid(Played.own)]
    let event = try played.hear(to, .tuple([reference, .atom("value")]))
    guard case .answer(id, .returned(.atom("value"))) = event else {
      Issue.record("\(String(describing: event))")
      return
    }
    _ = try played.session.call(RemoteCall("m", "f"), now: played.now)
    let second = try played.sent().first??.payload?.tuple(tagged: "$gen_call")?.first?.tuple?[1]
    let failed = try term("{badrpc,{'EXIT',x}}")
    #expect(
      try played.hear(to, .tuple([try #require(second), failed]))?.answer
        == .raised(kind: "error", reason: try term("{'EXIT',x}")))
  }
}
