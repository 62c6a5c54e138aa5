import ErlangDistribution
import Events
import HomeLayout
import Instance
import Posix

/// The home's epmd: started when it is needed and does not answer, without blocking.
final class PortMapper {
  private let keeper: EPMDKeeper
  private let environment: [String: String]
  /// When epmd was started, on the monotonic clock; nil once it has answered.
  private var startedAt: Int64?
  /// When a caller needed it last.
  private var neededAt: Int64?

  /// Milliseconds after a start until epmd is tried again.
  static let pause: Int64 = 20
  /// Milliseconds in which a started epmd must answer.
  private static let limit: Int64 = 10_000

  init(home: Home, environment: [String: String]) {
    (keeper, self.environment) = (EPMDKeeper(home: home), environment)
  }

  /// - Parameters:
  ///   - tree: a slug with an `erts-*/bin/epmd`; without one, `epmd` from `PATH` is started.
  ///   - start: starts a program without waiting for it.
  /// - Returns: whether epmd answers; if not, it was started and should be tried again after
  ///   `pause`.
  /// - Throws: `RT-EPMD` if it cannot be started or does not answer in time.
  func ensure(_ tree: String, start: (Invocation) throws(PosixError) -> Void) throws(Cause) -> Bool
  {
    let (port, now) = (try keeper.port(environment: environment), Clock.monotonic())
    // An epmd that was started for another caller, long ago, may have ended since.
    if let neededAt, now - neededAt >= Self.limit { startedAt = nil }
    neededAt = now
    let isLate = startedAt.map { now - $0 >= Self.limit } ?? false
    // On a busy host an answer may take long, so the last attempt waits longer.
    if keeper.answers(port, milliseconds: isLate ? EPMD.patience : 20) {
      startedAt = nil
      return true
    }
    if startedAt != nil, !isLate { return false }
    if isLate {
      startedAt = nil
      throw Cause(
        .epmd, "the home's epmd does not answer on 127.0.0.1:\(port)",
        remedy: "See what holds the port: ss -ltnp 'sport = :\(port)'",
        facts: ["port": String(port)])
    }
    let command = try keeper.command(tree, port: port, environment: environment)
    do throws(PosixError) { try start(command) } catch {
      throw Cause(.epmd, "\(error)", remedy: "Install epmd, or deploy a release with its own ERTS.")
    }
    startedAt = now
    return false
  }

  func stopIfUnused() { keeper.stopIfUnused() }
}
