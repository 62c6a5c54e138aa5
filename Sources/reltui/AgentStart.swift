import CommandLine
import Events
import HomeLayout
import Posix

/// A running `relctl agent start`.
struct AgentStart {
  private let child: Child
  private let reading: File
  private var said: [UInt8] = []

  init(program: String, home: Home, _ context: Context) throws(Cause) {
    do throws(PosixError) {
      let (reading, writing) = try File.pipe()
      let invocation = Invocation(
        [program, "agent", "start", "--home", home.root], environment: context.environment)
      child = try Child.start(invocation, output: .null, errors: .file(writing), newSession: true)
      self.reading = reading
    } catch { throw Cause(.agentAbsent, "the agent does not start: \(error)") }
  }

  var descriptor: Int32 { reading.descriptor }

  /// Call this when the descriptor can be read.
  /// - Returns: nil while it runs; at its end the cause of a failure, if it failed.
  mutating func read() -> Cause?? {
    let bytes = (try? reading.read(upTo: 4096)) ?? []
    said += bytes.prefix(max(0, 4096 - said.count))
    if !bytes.isEmpty { return nil }
    if child.wait() == .code(0) { return .some(nil) }
    return Self.cause(String(decoding: said, as: UTF8.self))
  }

  /// The cause in what `relctl` has printed: a line `relctl: SENTENCE [ID]`, and a remedy below it.
  static func cause(_ printed: String) -> Cause {
    let lines = printed.split(separator: "\n")
    guard let match = lines.first?.wholeMatch(of: /relctl: (.+) \[(RT-[A-Z-]+)\]/),
      let id = ProblemID(rawValue: String(match.2))
    else { return Cause(.agentAbsent, lines.first.map(String.init) ?? "the agent does not start") }
    let remedy = lines.dropFirst().first?.trimmingPrefix(while: \.isWhitespace)
    return Cause(id, String(match.1), remedy: remedy.map(String.init))
  }
}
