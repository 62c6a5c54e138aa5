import Posix

/// An Erlang application whose top supervisor takes its time, for a node's code path.
public final class SlowApplication: Sendable {
  private let folder: TemporaryFolder
  public var path: String { folder.path }
  /// For `-eval`.
  public let start = "application:start(slow, permanent)"

  /// - Parameter milliseconds: how long its start takes; nil for ever.
  public init(milliseconds: Int?) throws {
    folder = try TemporaryFolder("slow")
    let pause = milliseconds.map { "\($0)" } ?? "infinity"
    try folder.write(
      "slow.erl",
      """
      -module(slow).
      -behaviour(application).
      -export([start/2, stop/1, init/1]).
      start(_, _) -> supervisor:start_link(?MODULE, []).
      stop(_) -> ok.
      init([]) -> timer:sleep(\(pause)), {ok, {{one_for_one, 1, 1}, []}}.
      """)
    try folder.write(
      "slow.app",
      """
      {application, slow, [{description, "slow"}, {vsn, "1"}, {modules, [slow]}, {registered, []},
        {applications, [kernel, stdlib]}, {mod, {slow, []}}]}.
      """)
    let compiled = try Invocation(
      ["erlc", "slow.erl"], in: folder.path, environment: Environment.current
    ).run(limit: 60_000)
    if !compiled.isSuccess { throw Beam.Failure(sentence: compiled.text) }
  }
}
