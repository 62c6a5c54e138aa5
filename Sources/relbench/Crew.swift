import Posix

/// Processes that begin at the same moment. Each prints one line of nanoseconds: when it began, when it ended, and how
/// long each step of its work took.
struct Crew {
  /// From the first one's beginning to the last one's end.
  var seconds: Double
  /// Milliseconds of each step.
  var took: [Double]

  var rate: Double { Double(took.count) / seconds }

  /// Nanoseconds in which all processes can be started before they begin.
  private static let muster: Int64 = 400_000_000

  /// - Parameter member: makes the invocation of a process from the moment at which it begins.
  static func run(_ count: Int, _ member: (_ start: String) -> Invocation) throws(PosixError)
    -> Crew
  {
    let invocation = member(String(Stopwatch.now() + muster))
    var members: [(child: Child, output: File)] = []
    for _ in 0..<count { members.append(try invocation.startPiped(errors: .inherited)) }
    var (began, ended, took) = (Int64.max, Int64.min, [Double]())
    for member in members {
      let text = String(decoding: try member.output.readToEnd(), as: UTF8.self)
      let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Int64($0) }
      guard member.child.wait() == .code(0), numbers.count > 2 else {
        throw PosixError("run", invocation.arguments.joined(separator: " "), .invalid)
      }
      began = min(began, numbers[0])
      ended = max(ended, numbers[1])
      took += numbers[2...].map { Double($0) / 1e6 }
    }
    return Crew(seconds: Double(ended - began) / 1e9, took: took)
  }
}
