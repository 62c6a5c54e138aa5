import ErlangDistribution
import ErlangTerm
import Events

/// An expression that a node evaluates: as `bin/NAME rpc` does it, without a second VM.
public struct Evaluation: Sendable {
  public enum Language: Sendable {
    case elixir, erlang
  }

  public var text: String
  public var language: Language
  /// Milliseconds; nil waits as long as it takes.
  public var limit: Int64?

  public init(_ text: String, in language: Language, limit: Int64? = nil) {
    (self.text, self.language, self.limit) = (text, language, limit)
  }

  /// The Erlang program that evaluates it on the node; the expression is `Text`. It loads no module there.
  fileprivate var program: String {
    switch language {
    case .elixir: Self.elixir
    case .erlang: Self.erlang
    }
  }

  /// `Code.eval_string/3`, `inspect/2` and `Exception.format_banner/3` of Elixir.
  private static let elixir = """
    (fun() ->
      try
        {Value, _} = 'Elixir.Code':eval_string(Text, [], []),
        {value, 'Elixir.Kernel':inspect(Value, [{pretty, true}, {width, 80}])}
      catch
        Class:Reason:Stack ->
          {raised, 'Elixir.Exception':format_banner(Class, Reason, Stack)}
      end
    end)().
    """

  /// As the shell of Erlang does it: `erl_scan`, `erl_parse`, `erl_eval`, `erl_error` of STDLIB.
  private static let erlang = """
    (fun() ->
      Raised = fun(Words) -> {raised, unicode:characters_to_binary(Words)} end,
      case erl_scan:string(unicode:characters_to_list(Text)) of
        {error, {_, Scanner, Bad}, _} -> Raised(Scanner:format_error(Bad));
        {ok, Tokens, _} ->
          case erl_parse:parse_exprs(Tokens) of
            {error, {_, Parser, Bad}} -> Raised(Parser:format_error(Bad));
            {ok, Forms} ->
              try
                {value, Value, _} = erl_eval:exprs(Forms, []),
                {value, unicode:characters_to_binary(io_lib:format("~tp", [Value]))}
              catch
                Class:Reason:Stack ->
                  Raised(erl_error:format_exception(Class, Reason, Stack))
              end
          end
      end
    end)().
    """

  /// The expression. An Erlang expression needs a full stop at its end.
  fileprivate var source: Term {
    let isDone = language == .elixir || text.last == "."
    return .utf8(isDone ? text : text + ".")
  }
}

extension Client {
  /// Evaluates an expression and waits for it. It ends with the connection.
  /// - Parameter print: receives the text that it prints.
  /// - Returns: its value as the language shows it, or the language's own error message.
  public mutating func evaluate(
    _ evaluation: Evaluation, print: (String) -> Void
  ) throws(DistributionError) -> Result<String, Cause> {
    let scan = RemoteCall("erl_scan", "string", [.charlist(evaluation.program)])
    let scanned = try call(scan)
    guard let tokens = scanned.value?.tuple(tagged: "ok")?.first else {
      return evaluation.result(of: scanned, scan)
    }
    let parse = RemoteCall("erl_parse", "parse_exprs", [tokens])
    let parsed = try call(parse)
    guard let forms = parsed.value?.tuple(tagged: "ok")?.first else {
      return evaluation.result(of: parsed, parse)
    }
    let bindings = Term.list([.tuple([.atom("Text"), evaluation.source])])
    let run = RemoteCall(
      "erl_eval", "exprs", [forms, bindings], limit: evaluation.limit, isLinked: true)
    return evaluation.result(of: try call(run, print: print), run)
  }
}

extension Evaluation {
  /// Reads the answer of the program on the node.
  fileprivate func result(of answer: Answer, _ call: RemoteCall) -> Result<String, Cause> {
    if answer == .timedOut {
      return .failure(
        Cause(
          .nodeSilent, "the expression has no value after \((limit ?? 0) / 1000) s",
          remedy: "It was ended. Give it more time: --timeout SECONDS"))
    }
    if let cause = Cause(answer, of: call) { return .failure(cause) }
    guard let pair = answer.value?.tuple(tagged: "value")?.first?.tuple, pair.count == 2,
      let kind = pair.first?.atom, let bytes = pair.last?.binary
    else { return .failure(Cause(.nodeCall, "the node gave something that is no value")) }
    let text = String(decoding: bytes, as: UTF8.self)
    return kind == "value" ? .success(text) : .failure(Cause(.nodeCall, Self.sentence(of: text)))
  }

  /// The sentence of an error message: its first line, or two if the first ends with a colon. The rest shows the place.
  private static func sentence(of text: String) -> String {
    let lines = text.split(whereSeparator: \.isNewline).prefix(2)
      .map { String($0.drop { $0 == " " }) }
    guard let first = lines.first else { return "the expression failed" }
    return first.hasSuffix(":") ? lines.joined(separator: " ") : first
  }
}
