import EventLog
import Posix
import TestSupport
import Testing

/// A home on which real writers are tortured, and the lines that they were told are safe.
final class Rack: Sendable {
  let folder: TemporaryFolder
  let home: String
  var log: DurableLog { DurableLog(folder: home + "/events") }

  init(_ name: String, inMemory: Bool = true) throws {
    folder = try TemporaryFolder(name, inMemory: inMemory)
    home = folder.path + "/home"
  }

  struct Answer {
    var exit: Exit
    var output: String
    var errors: String
    /// Whether it ended by itself and with an error.
    var isRefused: Bool { if case .code(let code) = exit { code != 0 } else { false } }
    /// The numbers that were acknowledged.
    var numbers: [UInt64] { output.split(separator: "\n").compactMap { UInt64($0) } }
  }

  func environment(home: String? = nil) -> [String: String] {
    let path = Environment.current["PATH"] ?? Invocation.standardPath
    return ["PATH": path, "HOME": folder.path, "RELTUI_HOME": home ?? self.home, "LANG": "C.UTF-8"]
  }

  /// Runs a program of ours to its end.
  /// - Parameter wrapper: a program that runs it, with its arguments.
  func run(
    _ arguments: [String], under wrapper: [String] = [], input: String = "", home: String? = nil
  ) throws -> Answer {
    var program = arguments
    program[0] = try Workspace.program(program[0])
    return try run(command: wrapper + program, input: input, home: home)
  }

  func run(command: [String], input: String = "", home: String? = nil) throws -> Answer {
    let errors = folder.path + "/errors-\(Random.hex(4))"
    let result = try Invocation(
      command, in: folder.path, environment: environment(home: home)
    ).run(
      input: .file(try .holding(Array(input.utf8))), errors: .file(try .open(errors, .replace)),
      limit: 120_000)
    let text = String(decoding: try Files.read(errors), as: UTF8.self)
    try Files.remove(errors)
    return Answer(exit: result.exit, output: result.text, errors: text)
  }

  /// Feeds lines to a writer and gives its answer.
  func emit(_ keys: [String], pad: Int = 0, under wrapper: [String] = []) throws -> Answer {
    try run(
      ["relctl", "events", "emit", "--stdin"], under: wrapper,
      input: keys.map { Self.line($0, pad: pad) }.joined())
  }

  /// A line for `emit --stdin`, known again by its key.
  static func line(_ key: String, pad: Int = 0) -> String {
    #"{"type":"torture.line","data":{"k":"\#(key)","pad":"\#(String(repeating: "x", count: pad))"}}"#
      + "\n"
  }

  static func event(_ key: String, pad: Int = 0) -> NewEvent {
    NewEvent(
      source: "host/test", type: "torture.line", subject: nil,
      data: Array(
        #"{"k":"\#(key)","pad":"\#(String(repeating: "x", count: pad))"}"#.utf8))
  }

  /// By what a line is known again; empty for one of another type.
  static func key(_ line: Line) -> String {
    let mark = Array(#""data":{"k":""#.utf8)
    var rest = line.bytes[...]
    while let quote = rest.firstIndex(of: mark[0]) {
      rest = rest[quote...]
      if rest.starts(with: mark) {
        return String(
          decoding: rest.dropFirst(mark.count).prefix { $0 != mark[0] }, as: UTF8.self)
      }
      rest = rest.dropFirst()
    }
    return ""
  }

  /// Whether everything that was acknowledged is there, once, in order and under its number, and the log is without a
  /// gap or a damage.
  @discardableResult
  func check(
    _ acknowledged: [UInt64: String], mayBeUnfinished: Bool = true, _ note: String = "",
    location: SourceLocation = #_sourceLocation
  ) throws -> [Line] {
    var lines: [Line] = []
    let verification = try log.verify { lines.append($0) }
    let comment = Comment(rawValue: note)
    #expect(verification.damage == [], comment, sourceLocation: location)
    #expect(
      mayBeUnfinished || verification.unfinished == nil, comment, sourceLocation: location)
    #expect(
      lines.map(\.sequence) == Array(1..<UInt64(lines.count + 1)), comment,
      sourceLocation: location)
    let keys = lines.map(Self.key)
    #expect(Set(keys).count == keys.count, "doubled \(note)", sourceLocation: location)
    let lost = acknowledged.filter { Int($0) > keys.count || keys[Int($0) - 1] != $1 }
    #expect(lost == [:], "lost or moved \(note)", sourceLocation: location)
    return lines
  }

  /// Takes a file of a log away. Where one is removed, tmpfs gives the folder a time that may be some milliseconds old
  /// and does not differ from the one before.
  static func takeAway(_ path: String) throws { try Files.rename(path, to: path + ".gone") }

  /// What a writer acknowledged of the lines it was fed: the first number is the first line's.
  static func acknowledged(_ answer: Answer, of keys: [String]) -> [UInt64: String] {
    Dictionary(zip(answer.numbers, keys)) { $1 }
  }
}

enum Torture {
  /// Rounds of the long form; nil where the short one is wanted.
  static let rounds = Environment.current["RELTUI_TORTURE"].flatMap { Int($0) }
  static let isLong = rounds != nil

  /// The path of a tool that the tests cannot do without.
  static func tool(_ name: String) throws -> String {
    do { return try Invocation([name], environment: Environment.current).program() } catch {
      Issue.record("\(name) is not installed: run scripts/deps")
      throw error
    }
  }

  /// A shell script in a mount namespace of its own: as root, or as root of a user namespace.
  static func namespace(_ script: String) throws -> [String] {
    let unshare = try tool("unshare")
    for flags in [["-m"], ["-r", "-m"]] {
      let probe = try Invocation(
        [unshare] + flags + ["true"], environment: Environment.current
      ).run(errors: .null)
      if probe.isSuccess { return [unshare] + flags + ["sh", "-euc", script] }
    }
    Issue.record("no mount namespace can be had: run the tests as root, or allow user namespaces")
    throw PosixError("make", "a mount namespace", .notPermitted)
  }
}
