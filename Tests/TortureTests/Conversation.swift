import Posix
import TestSupport

/// A writer under way, that is fed lines and heard.
final class Conversation {
  let child: Child
  private var input: File?
  private let output: File
  private let errors: String
  private var splitter = LineSplitter()
  private var numbers: [UInt64] = []
  private(set) var heard: [UInt64] = []

  init(_ rack: Rack, under wrapper: [String] = []) throws {
    errors = rack.folder.path + "/errors-\(Random.hex(4))"
    let command = wrapper + [try Workspace.program("relctl"), "events", "emit", "--stdin"]
    (child, input, output) = try Self.start(
      Invocation(command, in: rack.folder.path, environment: rack.environment()), errors)
  }

  /// Our copies of its ends are closed on return, so that its end can be heard.
  private static func start(_ invocation: Invocation, _ errors: String) throws
    -> (Child, File, File)
  {
    let (feeding, hearing) = (try File.pipe(), try File.pipe())
    let child = try Child.start(
      invocation, input: .file(feeding.reading), output: .file(hearing.writing),
      errors: .file(try .open(errors, .replace)))
    return (child, feeding.writing, hearing.reading)
  }

  /// - Returns: false if the writer has ended.
  func send(_ text: String) -> Bool {
    do { try input?.write(text) } catch { return false }
    return true
  }

  /// Waits for the next number; nil when it has ended.
  func next() -> UInt64? {
    while numbers.isEmpty {
      guard let part = try? output.read(upTo: 65_536, within: 60_000), !part.isEmpty else {
        return nil
      }
      for line in splitter.feed(part) { numbers.append(UInt64(line) ?? 0) }
    }
    heard.append(numbers[0])
    return numbers.removeFirst()
  }

  /// Ends the input and waits for its end.
  func finish() throws -> Rack.Answer {
    input = nil
    while next() != nil {}
    let exit = child.exit()
    let text = String(decoding: try Files.read(errors), as: UTF8.self)
    try Files.remove(errors)
    return Rack.Answer(exit: exit, output: heard.map { "\($0)\n" }.joined(), errors: text)
  }
}

extension Rack {
  /// Feeds a writer line by line, each one after the number of the one before: each is a batch of its own.
  func converse(_ keys: [String], pad: Int = 0, under wrapper: [String] = []) throws -> Answer {
    Signals.turnWriteFailuresIntoErrors()
    let conversation = try Conversation(self, under: wrapper)
    for key in keys {
      guard conversation.send(Self.line(key, pad: pad)), conversation.next() != nil else { break }
    }
    return try conversation.finish()
  }
}
