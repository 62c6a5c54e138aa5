import ErlangTerm
import Posix
import TestSupport
import Testing

@testable import ErlangDistribution

/// Terms of real nodes, both ways.
@Suite(.serialized, .waitsForPrograms) struct RealTermTests {
  static let terms = [
    "[ok, '', 'with space', 'gr\\374n', '\\x{20ac}\\x{1F600}', list_to_atom(lists:duplicate(255, $a))]",
    "list_to_atom(lists:duplicate(255, 16#20AC))",
    "[0, 255, 256, -1, 1 bsl 27, -(1 bsl 27) - 1, 1 bsl 31, -(1 bsl 31), 1 bsl 59, -(1 bsl 59) - 1]",
    "[1 bsl 62, 1 bsl 63, -(1 bsl 63), 1 bsl 64, -(1 bsl 63) - 1, 1 bsl 2039, 1 bsl 2040, -(1 bsl 50000)]",
    "[0.0, 1.5, -2.25, 1.0e300, 5.0e-324, 1.7976931348623157e308]",
    "[<<>>, <<\"bytes\">>, <<1,2,5:3>>, <<1:1>>, <<0:7>>]",
    "binary:copy(<<\"0123456789abcdef\">>, 65536)",
    "[\"\", \"text\", [256], \"\\x{20ac}\", lists:duplicate(65535, 1), lists:duplicate(65536, 1)]",
    "[[a|b], [1,2|3], [[]], [a,[b,[c]]], [1|<<2>>]]",
    "[{}, {a}, {a,{b,{c}}}, list_to_tuple(lists:seq(1, 255)), list_to_tuple(lists:seq(1, 256))]",
    "[#{}, #{a => 1}, #{1 => a, 1.0 => b, \"k\" => #{<<\"v\">> => []}}, maps:from_list([{I,I} || I <- lists:seq(1, 100)])]",
    "[self(), whereis(init), list_to_pid(\"<0.1.2>\")]",
    "[hd(erlang:ports()), open_port({spawn, \"true\"}, [])]",
    "[make_ref(), erlang:alias()]",
    "[fun erlang:node/0, fun lists:map/2, fun nosuch:'odd name'/255]",
    "[fun(X) -> X + 1 end, fun() -> ok end]",
    "lists:foldl(fun(I, A) -> [I, A] end, [], lists:seq(1, 100))",
    "lists:foldl(fun(I, A) -> {A, I} end, {}, lists:seq(1, 100))",
    "erlang:system_info(allocated_areas)", "ets:info(code)", "application:get_all_env(kernel)",
    "erlang:process_info(whereis(code_server))", "erlang:get_module_info(lists)",
    "logger:get_config()",
  ]

  /// The node sends a term and its own encoding of it; we send the term back, and the node encodes what it got.
  @Test(arguments: Real.runtimes, terms)
  func travelsThereAndBack(_ runtime: Beam.Runtime, _ text: String) throws {
    var client = try Real.client(runtime)
    let pair = try client.eval("T = \(text), {T, term_to_binary(T, [deterministic])}")
    let parts = try #require(pair.tuple)
    let options = Term.list([.atom("deterministic")])
    let again = try client.value("erlang", "term_to_binary", [parts[0], options])
    #expect(again == parts[1])
    let same = try client.value("erlang", "=:=", [parts[0], parts[0]])
    #expect(same == .atom("true"))
    // A node's own encoding is one that we read, too, and ours one that it reads.
    let bytes = try #require(parts[1].binary)
    let decoded = try ExternalFormat.decode(bytes)
    let encoded = try ExternalFormat.encode(decoded)
    #expect(try client.value("erlang", "binary_to_term", [.binary(encoded)]) == parts[0])
  }

  @Test(arguments: Real.runtimes)
  func anExportAndAFunAreCalledThere(_ runtime: Beam.Runtime) throws {
    var client = try Real.client(runtime)
    let fun = try client.eval("Y = 40, fun(X) -> X + Y end")
    #expect(try client.value("erlang", "apply", [fun, .list([.integer(2)])]) == .integer(42))
    let export = try client.eval("fun erlang:length/1")
    let list = Term.list([.list([.atom("a"), .atom("b")])])
    #expect(try client.value("erlang", "apply", [export, list]) == .integer(2))
  }

  /// What we cannot take is an answer that says so, and the connection goes on.
  @Test(arguments: Real.runtimes)
  func aTermThatIsTooLargeFailsAlone(_ runtime: Beam.Runtime) throws {
    var client = try Real.client(runtime)
    let deep = "lists:foldl(fun(I, A) -> [I, A] end, [], lists:seq(1, 10000))"
    let forms = [
      try client.forms(deep), try client.forms("1 bsl 80000"),
      try client.forms("lists:duplicate(3000000, a)"),
    ]
    for form in forms {
      let answer = try client.call(RemoteCall("erl_eval", "exprs", [form, .list([])]))
      if case .unreadable = answer {} else { Issue.record("\(answer.complaint ?? "a value")") }
      #expect(try client.value("erlang", "node") == .atom(Real.node(runtime).name))
    }
  }

  /// Each way a call can end, as Erlang itself says it.
  @Test(arguments: Real.runtimes)
  func callsEndInEachWay(_ runtime: Beam.Runtime) throws {
    var client = try Real.client(runtime)
    let ways: [(String, String, [Term], Answer)] = [
      ("erlang", "error", [.atom("bad")], .raised(kind: "error", reason: .atom("bad"))),
      ("erlang", "exit", [.atom("bye")], .raised(kind: "exit", reason: .atom("bye"))),
      ("erlang", "throw", [.atom("x")], .raised(kind: "throw", reason: .atom("x"))),
      ("no_such_module", "f", [], .raised(kind: "error", reason: .atom("undef"))),
      ("erlang", "hd", [.list([])], .raised(kind: "error", reason: .atom("badarg"))),
    ]
    for (module, function, arguments, answer) in ways {
      var ended = try client.call(RemoteCall(module, function, arguments))
      // An error has its stack with it, which is the node's own affair.
      if case .raised("error", let reason) = ended {
        let inner = try #require(reason.tuple(tagged: "exception")?.first)
        ended = .raised(kind: "error", reason: inner)
      }
      #expect(ended == answer)
    }
    let suicide = try client.forms("exit(self(), kill)")
    #expect(
      try client.call(RemoteCall("erl_eval", "exprs", [suicide, .list([])]))
        == .raised(kind: "exit", reason: .atom("killed")))
  }
}
