import Diagnosis
import HomeLayout
import Posix

/// A program that decides whether a new run is ready: exit code 0 passes. It may be a whole test suite.
///
/// It runs beside the run, with its environment, in the slug's tree. It never blocks: the caller polls `descriptor`.
public struct GateCommand: Sendable {
  private let child: Child
  private let end: File?
  private var wasKilled = false
  private let folder: RunFolder
  public let deadline: Int64

  /// - Parameter milliseconds: the time limit.
  public init(_ words: [String], beside run: RunSpecification, milliseconds: Int64)
    throws(PosixError)
  {
    folder = run.folder
    let output = try File.open(folder.gateLog, .replace)
    child = try Child.start(
      run.client(words), output: .file(output), errors: .file(output),
      newSession: true, deathSignal: .kill)
    end = ProcessIdentity(of: child.pid)?.endWatch()
    deadline = Clock.monotonic() + milliseconds
  }

  /// Becomes readable when the program ends.
  public var descriptor: Int32? { end?.descriptor }

  /// The verdict; nil while the program runs.
  public mutating func advance() -> HTTPProbe.Verdict? {
    if let exit = child.exitIfEnded() {
      if exit == .code(0) { return .ready }
      let what = wasKilled ? "the check did not end in time" : "the check \(Self.words(exit))"
      return .notReady(CheckAnswer(what, detail: lastLine))
    }
    if !wasKilled, Clock.monotonic() >= deadline {
      child.signalGroup(.kill)
      wasKilled = true
    }
    return nil
  }

  /// Ends the program, and gives it away to be reaped.
  public func takeAway() -> Child {
    child.signalGroup(.kill)
    return child
  }

  private static func words(_ exit: Exit) -> String {
    switch exit {
    case .code(let code): "ended with exit code \(code)"
    case .signal(let signal): "was ended by signal \(signal.rawValue)"
    }
  }

  /// The last line of its output that is not empty.
  private var lastLine: String? {
    guard let file = try? File.open(folder.gateLog, .read), let size = try? file.size(),
      let bytes = try? file.read(upTo: 4096, at: max(0, size - 4096))
    else { return nil }
    // A line that is cut could hold a part of a value, which would not be masked.
    let whole = size > 4096 ? bytes.drop { $0 != UInt8(ascii: "\n") } : bytes[...]
    let lines = whole.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
    return lines.last { $0.contains { $0 > 32 } }.map { String(decoding: $0, as: UTF8.self) }
  }
}
