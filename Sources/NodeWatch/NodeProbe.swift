import ErlangDistribution
import ErlangTerm

/// A piece of Erlang that a node evaluates without loading a module: when its process ends, nothing of it is left.
/// Its source is in `Probes`; `scripts/probe-forms` writes the parsed form beside it.
struct NodeProbe {
  static let survey = NodeProbe(PackageResources.survey_forms)
  static let collector = NodeProbe(PackageResources.collector_forms)

  private let form: Term

  /// A test checks that the files match their sources, so the parser can read them.
  private init(_ bytes: [UInt8]) {
    form = ((try? TextFormat.consult(bytes)) ?? []).first ?? .list([])
  }

  /// Names of its arguments: atoms that every node has.
  private static let names = ["round", "self", "setelement", "size", "spawn", "split_binary"]

  /// A call that evaluates it. Source: `erl_eval:expr/3`, STDLIB reference manual; without the check that `expr/2`
  /// makes first, which costs more than most probes.
  func call(_ arguments: [Term], limit: Int64?, isLinked: Bool) -> RemoteCall {
    let names = Self.names.prefix(arguments.count).map { Term.atom($0) }
    let variables = names.map { Term.tuple([.atom("var"), .integer(0), $0]) }
    let call = Term.tuple([.atom("call"), .integer(0), form, .list(variables)])
    let bindings = Dictionary(zip(names, arguments)) { $1 }
    return RemoteCall(
      "erl_eval", "expr", [call, .map(bindings), .atom("none")], limit: limit, isLinked: isLinked)
  }

  /// The value that `erl_eval:expr/3` returned.
  static func value(_ term: Term) -> Term? { term.tuple(tagged: "value")?.first }
}
