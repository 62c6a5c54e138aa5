import CommandLine
import ErlangDistribution
import ErlangTerm
import Events
import Posix

extension Command {
  static let nodeRPC = Command(
    CommandSyntax(
      "node rpc", "NAME@HOST[:PORT] MODULE FUNCTION [ARGS]", count: 3...4,
      "call a function of a running node",
      details: """
        ARGS is a list of Erlang terms, as in: '[kernel, "text", <<"binary">>, #{a => 1}]'
        Modules of Elixir are called by their whole name: Elixir.Enum. What the call prints is printed as
        it comes, then its value as a term. The node is one of ours, or any other that we have the cookie of.
        """,
      options: [
        .cookieFile, .tlsOptions, .timeout("5"),
        Option(
          "--repeat", value: "N", "call it N times, and tell on standard error how long it took"),
        .json,
      ])
  ) { call throws(Cause) in
    let function = try call.function()
    let count = try call.repetitions()
    let node = try call.nodeLocator().node(named: call.positional(0))
    var client = try call.connect(node)
    var output = CallOutput(call)
    var times: [Int64] = []
    var value = ""
    for _ in 0..<count {
      let start = Clock.microseconds()
      let answer: Answer
      do throws(DistributionError) {
        answer = try client.call(function) { output.take($0) }
      } catch {
        output.end()
        throw Cause(error)
      }
      times.append(Clock.microseconds() - start)
      if let cause = Cause(answer, of: function) {
        output.end()
        throw cause
      }
      if times.count == count { value = answer.value?.description ?? "" }
    }
    output.end(node: node.name, value: value, milliseconds: Double(times.last ?? 0) / 1000)
    return Outcome(
      exitCode: ExitCode.success,
      report: call.arguments["--repeat"] == nil ? [] : [Latency(times).line])
  }
}

extension CommandCall {
  /// The function to call, from the command's arguments.
  fileprivate func function() throws(Cause) -> RemoteCall {
    let call = RemoteCall(
      positional(1), positional(2), try TermList.parse(positional(3)),
      limit: try timeout() ?? 5000, isLinked: true)
    do throws(TermError) {
      let what: [Term] = [.atom(call.module), .atom(call.function), .list(call.arguments)]
      _ = try ExternalFormat.encode(.list(what))
    } catch { throw Cause(.usage, "the call cannot be sent: \(error)") }
    return call
  }

  fileprivate func repetitions() throws(Cause) -> Int {
    try number("--repeat", in: 1...1_000_000, of: "calls", remedy: "Write it as in: 1000") ?? 1
  }
}

/// The arguments of a call, as typed on the command line.
enum TermList {
  /// Parses a list of terms; blank text is the empty list.
  static func parse(_ text: String) throws(Cause) -> [Term] {
    if text.allSatisfy(\.isWhitespace) { return [] }
    let remedy = "Write a list of Erlang terms, as in: '[kernel, \"text\", 42]'"
    let term: Term
    do throws(TermError) { term = try TextFormat.parse(text) } catch {
      throw Cause(.usage, "the arguments cannot be read: \(error)", remedy: remedy)
    }
    guard let list = term.list else {
      throw Cause(.usage, "the arguments are no list: \(text.prefix(100))", remedy: remedy)
    }
    return list
  }
}

/// How long calls took.
struct Latency {
  private let times: [Int64]

  /// - Parameter times: microseconds, in any order; at least one.
  init(_ times: [Int64]) { self.times = times.sorted() }

  var line: String {
    let total = times.reduce(0, +)
    return "\(times.count) calls in \(total) µs, p50 \(percentile(50)) µs, p99 \(percentile(99)) µs"
  }

  /// The time that this percentage of the calls did not exceed (nearest rank).
  private func percentile(_ percent: Int) -> Int64 {
    let rank = (times.count * percent + 99) / 100
    return times.isEmpty ? 0 : times[min(max(rank, 1), times.count) - 1]
  }
}
