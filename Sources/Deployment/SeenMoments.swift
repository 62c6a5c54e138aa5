import Events
import HomeLayout
import Operations
import Posix

/// When this agent first saw the moments from which it measures an app's pauses and limits, on the monotonic clock. So
/// setting the host's clock neither ends a pause nor makes it longer. That clock is read once for each moment.
struct SeenMoments {
  /// A moment in the app's state. It is known until the state has changed.
  private enum Moment: Hashable {
    case deadline(request: String)
    case switchOver(ReleaseNumber, Timestamp)
    case start(UInt64)
    case state(UInt64, RunState, Timestamp)
    case replacement(UInt64, Timestamp)
    case crash(InstanceName, Int, Timestamp)
  }

  private var known: [Moment: Int64] = [:]

  /// Moves the moments of an app and its requests to where the host's clock would have them if it had always been as it
  /// is now. The plans compare them with that clock.
  ///
  /// An agent that sees a moment for the first time takes the log's word for it: a past one was not later than now, and
  /// a deadline was not longer ahead than requests have time.
  mutating func adjust(
    _ app: inout Board.App, _ requests: inout [Board.Request],
    operations: OperationTable = .standard, now: Int64 = Clock.monotonic(),
    clock: Timestamp = Timestamp(milliseconds: Clock.now())
  ) {
    let before = known
    known = [:]
    func move(_ time: inout Timestamp, _ moment: Moment, ahead: Int64 = 0) {
      let seen = before[moment] ?? now + min(time - clock, ahead)
      known[moment] = seen
      time = clock + (seen - now)
    }
    for index in requests.indices {
      guard var deadline = requests[index].data.deadline else { continue }
      let limit = operations.operation(requests[index]).map { type(of: $0).limit } ?? .max
      move(&deadline, .deadline(request: requests[index].id), ahead: limit)
      requests[index].data.deadline = deadline
    }
    if let deployment = app.deployment, var switched = deployment.switched {
      move(&switched, .switchOver(deployment.release, switched))
      app.deployment?.switched = switched
    }
    for index in app.runs.indices {
      let run = app.runs[index]
      move(&app.runs[index].started, .start(run.id))
      move(&app.runs[index].since, .state(run.id, run.state, run.since))
      if var replaced = run.replaced {
        move(&replaced, .replacement(run.id, replaced))
        app.runs[index].replaced = replaced
      }
    }
    for (instance, crashes) in app.crashes {
      var last = crashes.last
      move(&last, .crash(instance, crashes.count, last))
      app.crashes[instance]?.last = last
    }
  }
}

enum MonotonicTime {
  /// The monotonic time of a moment in the log; now if that moment is in the future.
  static func of(
    _ time: Timestamp, now: Int64 = Clock.monotonic(),
    clock: Timestamp = Timestamp(milliseconds: Clock.now())
  ) -> Int64 {
    now - clock.elapsed(since: time)
  }
}
