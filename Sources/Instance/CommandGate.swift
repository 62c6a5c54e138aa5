import Diagnosis
import Posix
import ReleaseModel

/// The program that must pass once before a run counts as ready for the first time, with its tries.
public struct CommandGate: Sendable {
  private let check: AppJSON.HealthCheck
  private var command: GateCommand?
  /// Whether the other check has passed, so that only this one is left.
  public private(set) var isAsked = false
  /// When to try again, on the monotonic clock.
  private var tryAt: Int64 = 0

  /// Seconds for one try, if app.json does not say it.
  private static let seconds = 60

  /// - Parameter check: nil if there is none.
  public init?(_ check: AppJSON.HealthCheck?) {
    guard let check else { return nil }
    self.check = check
  }

  /// Milliseconds that all its tries may take.
  public var span: Int64 { check.span(attempts: 1, timeout: Self.seconds) }

  /// Becomes readable when the program ends.
  public var descriptor: Int32? { command?.descriptor }

  /// When to ask again, on the monotonic clock; nil if it is not its turn.
  public var wakeAt: Int64? {
    guard let command else { return isAsked ? tryAt : nil }
    return command.descriptor == nil ? Clock.monotonic() + 100 : command.deadline
  }

  /// Starts the program, or asks how it ended.
  /// - Returns: nil while it runs, and before its next try.
  public mutating func ask(beside run: RunSpecification) -> HTTPProbe.Verdict? {
    isAsked = true
    guard command == nil else { return outcome() }
    if Clock.monotonic() < tryAt { return nil }
    postpone()
    let seconds = min(max(check.timeout ?? Self.seconds, 1), 3600)
    do throws(PosixError) {
      command = try GateCommand(
        check.command?.words ?? [], beside: run, milliseconds: Int64(seconds) * 1000)
    } catch { return .notReady(CheckAnswer("\(error)")) }
    return nil
  }

  private mutating func outcome() -> HTTPProbe.Verdict? {
    guard let verdict = command?.advance() else { return nil }
    (command, isAsked) = (nil, verdict != .ready)
    postpone()
    return verdict
  }

  private mutating func postpone() {
    tryAt = Clock.monotonic() + Int64(min(max(check.wait ?? 1, 1), 3600)) * 1000
  }

  /// Ends the program.
  /// - Returns: the program, to be reaped.
  public mutating func stop() -> Child? {
    defer { (command, isAsked) = (nil, false) }
    return command?.takeAway()
  }
}

extension AppJSON.HealthCheck {
  /// Milliseconds that all tries may take: those of app.json, within reason.
  /// - Parameters:
  ///   - attempts: tries, if app.json does not say it.
  ///   - timeout: seconds for one try, if app.json does not say it.
  public func span(attempts: Int = 0, timeout: Int = 0) -> Int64 {
    func bounded(_ number: Int) -> Int64 { Int64(min(max(0, number), 3600)) }
    let each = bounded(wait ?? 1) + (timeout == 0 ? 0 : bounded(self.timeout ?? timeout))
    return bounded(self.attempts ?? attempts) * each * 1000
  }
}
