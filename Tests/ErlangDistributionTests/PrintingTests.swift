import ErlangTerm
import Testing

@testable import ErlangDistribution

/// What calls print comes to us, since their group leader is ours.
struct PrintingTests {
  static let requests: [(String, String?, String)] = [
    ("{put_chars,unicode,<<\"a\\xC3\\xBC\">>}", "aü", "ok"),
    ("{put_chars,unicode,[\"a\",[252,[8364|<<\"z\">>]],10]}", "aü€z\n", "ok"),
    ("{put_chars,latin1,<<252,10>>}", "ü\n", "ok"),
    ("{put_chars,latin1,[252]}", "ü", "ok"),
    ("{put_chars,<<252>>}", "ü", "ok"), ("{put_chars,unicode,[]}", nil, "ok"),
    ("{put_chars,unicode,[x]}", nil, "{error,put_chars}"),
    ("{put_chars,unicode,[-1]}", nil, "{error,put_chars}"),
    ("{put_chars,unicode,[16#D800]}", nil, "{error,put_chars}"),
    ("{put_chars,utf7,\"a\"}", nil, "{error,put_chars}"),
    ("{put_chars,unicode,io_lib,format}", nil, "{error,put_chars}"),
    ("{put_chars,unicode,m,f,no_list}", nil, "{error,put_chars}"),
    ("{requests,[{put_chars,unicode,\"a\"},{put_chars,unicode,\"b\"}]}", "ab", "ok"),
    ("{requests,[]}", nil, "ok"),
    (
      "{requests,[{put_chars,unicode,\"a\"},{get_line,unicode,\"x\"},{put_chars,unicode,\"b\"}]}",
      "a", "eof"
    ),
    ("{requests,[{requests,[{put_chars,unicode,\"a\"}]}]}", nil, "{error,enotsup}"),
    ("{get_line,unicode,\"> \"}", nil, "eof"), ("{get_chars,unicode,\"> \",3}", nil, "eof"),
    ("{get_until,unicode,\"> \",m,f,[]}", nil, "eof"), ("{get_password,unicode}", nil, "eof"),
    ("getopts", nil, "[]"), ("{setopts,[{echo,false}]}", nil, "ok"),
    ("{get_geometry,columns}", nil, "{error,enotsup}"), ("x", nil, "{error,request}"),
    ("{}", nil, "{error,request}"), ("[1]", nil, "{error,request}"),
  ]

  @Test(arguments: requests)
  func answersEachRequest(_ request: String, _ text: String?, _ answer: String) throws {
    var played = Played()
    let (id, _, leader) = try played.begin()
    let event = try played.request(try Self.parse(request), of: leader)
    #expect(event?.output == text)
    if case .output(let call, _) = event { #expect(call == id) }
    let sent = try played.sent()
    #expect(sent.count == 1)
    #expect(sent.first??.control == .tuple([.integer(2), .atom(""), .pid(Played.process)]))
    #expect(sent.first??.payload == (try term("{io_reply,re,\(answer)}")))
  }

  /// Binaries in term text are bytes below 128; the others are written by number here.
  private static func parse(_ text: String) throws -> Term {
    try term(text.replacing("<<\"a\\xC3\\xBC\">>", with: "<<97,195,188>>"))
  }

  private func format(_ format: String) throws -> Term {
    try term("{put_chars,unicode,io_lib,format,[\"\(format)\",[]]}")
  }

  @Test func textThatAFunctionMakesIsAskedForThere() throws {
    var played = Played()
    let (id, reference, leader) = try played.begin()
    #expect(try played.request(format("~p"), of: leader) == nil)
    let asked = try #require(try played.sent().first ?? nil)
    #expect(asked.payload == (try term("[0,io_lib,format,[\"~p\",[]]]")))
    #expect(asked.control.tuple?[5] == (try term("[monitor,link]")))
    #expect(played.session.openCalls == 1)
    let maker = try #require(asked.control.tuple?[1])
    let event = try played.down(maker, Played.returned(term("[\"a\",228]")))
    guard case .output(id, "aä") = event else {
      Issue.record("\(String(describing: event))")
      return
    }
    #expect(try played.sent().first??.payload == term("{io_reply,re,ok}"))
    #expect(try played.down(reference, Played.returned(.atom("ok")))?.answer != nil)
  }

  @Test func severalRequestsKeepTheirOrder() throws {
    var played = Played()
    let (_, _, leader) = try played.begin()
    let several = Term.tuple([
      .atom("requests"),
      .list([
        try term("{put_chars,unicode,\"a\"}"), try format("1"),
        try term("{put_chars,latin1,io_lib,format,[\"2\",[]]}"),
        try term("{put_chars,unicode,\"z\"}"),
      ]),
    ])
    #expect(try played.request(several, of: leader)?.output == "a")
    let first = try #require(try played.sent().first??.control.tuple?[1])
    #expect(try played.down(first, Played.returned(.charlist("1")))?.output == "1")
    let second = try #require(try played.sent().first??.control.tuple?[1])
    #expect(try played.down(second, Played.returned(.binary([252])))?.output == "üz")
    #expect(try played.sent().map { $0?.payload } == [term("{io_reply,re,ok}")])
  }

  static let failures: [(String, String)] = [
    ("{0,error,badarg,[]}", "{error,put_chars}"), ("{0,return,{no,text}}", "{error,put_chars}"),
    ("killed", "{error,put_chars}"),
  ]

  @Test(arguments: failures)
  func textThatIsNotMadeIsAnError(_ reason: String, _ answer: String) throws {
    var played = Played()
    let (_, _, leader) = try played.begin()
    _ = try played.request(format("~p"), of: leader)
    let maker = try #require(try played.sent().first??.control.tuple?[1])
    #expect(try played.down(maker, term(reason)) == nil)
    #expect(try played.sent().first??.payload == term("{io_reply,re,\(answer)}"))
  }

  @Test func textThatTakesTooLongIsAnErrorAndNoTimeOut() throws {
    var played = Played()
    let (_, _, leader) = try played.begin(RemoteCall("m", "f", limit: nil))
    _ = try played.request(format("~p"), of: leader)
    _ = try played.sent()
    #expect(try played.session.tick(now: played.now + 5000).isEmpty)
    #expect(try played.sent().last??.payload == term("{io_reply,re,{error,timeout}}"))
  }

  /// A process that a call started prints later: its group leader is gone.
  @Test func whoPrintsTooLateIsTold() throws {
    var played = Played()
    let (_, reference, leader) = try played.begin()
    _ = try played.down(reference, Played.returned(.atom("ok")))
    #expect(try played.request(term("{put_chars,unicode,\"late\"}"), of: leader) == nil)
    #expect(try played.sent().first??.payload == term("{io_reply,re,{error,terminated}}"))
  }

  @Test func textMadeTooLateIsNotTold() throws {
    var played = Played()
    let (_, reference, leader) = try played.begin()
    _ = try played.request(format("x"), of: leader)
    let maker = try #require(try played.sent().first??.control.tuple?[1])
    _ = try played.down(reference, Played.returned(.atom("ok")))
    #expect(try played.down(maker, Played.returned(.charlist("x"))) == nil)
    #expect(try played.operations() == [2])
  }

  @Test func whoAsksForTooMuchAtOnceIsRefused() throws {
    var played = Played()
    let (_, _, leader) = try played.begin()
    for _ in 0..<2000 { _ = try played.request(format("x"), of: leader) }
    let refused = try term("{io_reply,re,{error,system_limit}}")
    #expect(try played.sent().count { $0?.payload == refused } == 1000)
    #expect(played.session.openCalls == 1)
  }

  /// Group leaders have 27 bits of a call's number.
  @Test(arguments: [1, 0x7FF_FFFE, 0x7FF_FFFF, 0x800_0000, 0xFFF_FFFF, 1 << 40] as [UInt64])
  func callsAreToldApartWhereNumbersWrap(_ start: UInt64) throws {
    var played = Played()
    played.session.skip(to: start)
    let calls = try (0..<4).map { _ in try played.begin() }
    #expect(Set(calls.map(\.2.id)).count == 4)
    for (id, reference, leader) in calls {
      #expect(leader.id < 1 << 28)
      let event = try played.request(term("{put_chars,unicode,\"x\"}"), of: leader)
      if case .output(id, "x") = event {} else { Issue.record("\(id) \(leader)") }
      #expect(try played.down(reference, Played.returned(.atom("x")))?.answer != nil)
    }
  }

  @Test(arguments: [0, 1, 2, 256, 1 << 20, UInt32.max] as [UInt32])
  func messagesToUnknownPidsDoNoHarm(_ id: UInt32) throws {
    var played = Played()
    let pid = Term.Pid(node: Played.ownName, id: id, serial: 9, creation: 0)
    for message in ["x", "{io_request,x,y,z}", "{1,2}", "{io_request,a}"] {
      _ = try played.hear([.integer(2), .atom(""), .pid(pid)], term(message))
    }
    #expect(try played.operations() == [])
  }
}
