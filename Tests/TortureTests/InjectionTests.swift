import EventLog
import Posix
import TestSupport
import Testing

/// System calls that fail, and writers that are killed at each one.
@Suite struct TortureBySystemCall {
  private func strace(_ rack: Rack, _ options: String...) throws -> [String] {
    [try Torture.tool("strace"), "-f", "-y", "-o", rack.folder.path + "/trace"] + options
  }

  private func trace(_ rack: Rack) throws -> [TracedCall] {
    String(decoding: try Files.read(rack.folder.path + "/trace"), as: UTF8.self)
      .split(separator: "\n").compactMap { TracedCall($0) }
  }

  /// A log with five lines, of which the next one begins another segment or not.
  private func five(_ rack: Rack, isFull: Bool) throws -> [UInt64: String] {
    let log = DurableLog(folder: rack.log.folder, segmentSize: isFull ? 1100 : 1 << 20)
    let keys = (1...5).map { "old-\($0)" }
    let lines = try log.append(keys.map { Rack.event($0) })
    return Dictionary(zip(lines.map(\.sequence), keys)) { $1 }
  }

  struct Failure: Sendable, CustomTestStringConvertible {
    var call: String
    var error: String
    var number: Int
    var isFull = false
    /// How many of five lines are acknowledged; nil where a failure costs nothing.
    var acknowledged: Int?
    var problem = ""
    var testDescription: String { "\(call) \(error) \(number)\(isFull ? ", full" : "")" }
  }

  /// Each line is a batch: one pwrite64 of the line, one of the note, one fdatasync.
  static let failures = [
    Failure(
      call: "fdatasync", error: "EIO", number: 1, acknowledged: 0, problem: "RT-LOG-UNSYNCED"),
    Failure(
      call: "fdatasync", error: "EIO", number: 3, acknowledged: 2, problem: "RT-LOG-UNSYNCED"),
    Failure(
      call: "fdatasync", error: "ENOSPC", number: 5, acknowledged: 4, problem: "RT-LOG-UNSYNCED"),
    Failure(call: "pwrite64", error: "ENOSPC", number: 1, acknowledged: 0, problem: "RT-LOG-FULL"),
    Failure(
      call: "pwrite64", error: "EIO", number: 5, acknowledged: 2, problem: "RT-HOME-UNWRITABLE"),
    // The note of the second line: the next writer finds the end the long way.
    Failure(call: "pwrite64", error: "EIO", number: 4),
    // In a full segment the first fdatasync is that of the segment being left: no other is begun behind what may not
    // be on the disk.
    Failure(
      call: "fdatasync", error: "EIO", number: 1, isFull: true, acknowledged: 0,
      problem: "RT-HOME-UNWRITABLE"),
    Failure(
      call: "fsync", error: "EIO", number: 1, isFull: true, acknowledged: 0,
      problem: "RT-HOME-UNWRITABLE"),
    Failure(
      call: "fsync", error: "ENOSPC", number: 2, isFull: true, acknowledged: 0,
      problem: "RT-LOG-FULL"),
    Failure(
      call: "rename", error: "ENOSPC", number: 1, isFull: true, acknowledged: 0,
      problem: "RT-LOG-FULL"),
    Failure(
      call: "rename", error: "EIO", number: 2, isFull: true, acknowledged: 0,
      problem: "RT-HOME-UNWRITABLE"),
    Failure(call: "ftruncate", error: "EIO", number: 1, isFull: true),
    Failure(
      call: "pwrite64", error: "EIO", number: 1, isFull: true, acknowledged: 0,
      problem: "RT-HOME-UNWRITABLE"),
    Failure(
      call: "pwrite64", error: "ENOSPC", number: 2, isFull: true, acknowledged: 0,
      problem: "RT-LOG-FULL"),
  ]

  @Test(arguments: failures) func aFailingCall(_ failure: Failure) throws {
    let rack = try Rack("failing")
    var acknowledged = try five(rack, isFull: failure.isFull)
    let segments = try rack.log.segments()
    let keys = (1...5).map { "new-\($0)" }
    let answer = try rack.converse(
      keys,
      under: strace(
        rack, "-e", "inject=\(failure.call):error=\(failure.error):when=\(failure.number)"))
    #expect(try trace(rack).contains { $0.isInjected && $0.name == failure.call })
    #expect(answer.numbers == Array(6..<UInt64(6 + (failure.acknowledged ?? 5))))
    #expect((answer.exit == .code(0)) == (failure.acknowledged == nil), "\(answer.errors)")
    #expect(answer.errors.contains(failure.problem) || failure.problem.isEmpty)
    acknowledged.merge(Rack.acknowledged(answer, of: keys)) { $1 }
    let lines = try rack.check(acknowledged)
    let next = try rack.emit(["next"])
    let number = UInt64(lines.count + 1)
    #expect(next.numbers == [number], "\(next.errors)")
    acknowledged[number] = "next"
    try rack.check(acknowledged, mayBeUnfinished: false)
    if failure.problem == "RT-LOG-UNSYNCED" {
      // No line is written behind lines that may not be on the disk.
      #expect(try rack.log.segments() == segments + [number])
    }
  }

  /// A failing fdatasync while others write: each acknowledged number has its line.
  @Test func aFailingSyncAmongOthers() throws {
    let rack = try Rack("failing-among")
    let acknowledged = try five(rack, isFull: false)
    let wrapper = try strace(rack, "-e", "inject=fdatasync:error=EIO:when=4")
    let all = Threads.collect(4) { index -> [UInt64: String] in
      let keys = (1...20).map { "\(index)-\($0)" }
      guard let answer = try? rack.converse(keys, under: index == 0 ? wrapper : []) else {
        return [:]
      }
      #expect(answer.numbers.count == (index == 0 ? 3 : 20), "\(answer.errors)")
      return Rack.acknowledged(answer, of: keys)
    }
    try rack.check(all.reduce(acknowledged) { $0.merging($1) { _, _ in "twice" } })
  }

  // MARK: - Killed at each call

  private static let changing = [
    "mkdir", "pwrite64", "fdatasync", "fsync", "rename", "ftruncate", "unlink", "write",
  ]
  private static let looking = [
    "openat", "pread64", "read", "fcntl", "fstat", "newfstatat", "close", "lseek",
  ]

  enum Case: String, CaseIterable { case simple, rolling, empty, recovering }

  /// Before each call of an append the writer is killed; the next one must find all in order.
  @Test(arguments: Case.allCases) func killedAtEachCall(_ which: Case) throws {
    let calls = Self.changing + (Torture.isLong ? Self.looking : [])
    let original = try Rack("calls")
    let acknowledged = try prepare(original, which)
    var counts: [String: Range<Int>] = [:]
    let probe = try copy(original)
    let answer = try probe.emit(["new"], under: strace(probe, "-e", "trace=" + list(calls)))
    #expect(answer.exit == .code(0), "\(answer.errors)")
    // Of what a program does before it comes to the log, nothing is worth dying at.
    var isBegun = false
    for call in try trace(probe) {
      isBegun = isBegun || call.arguments.contains("/events")
      let range = counts[call.name, default: 1..<1]
      counts[call.name] =
        (isBegun ? range.lowerBound : range.upperBound + 1)..<(range.upperBound + 1)
    }
    let moments = counts.sorted { $0.key < $1.key }.flatMap { name, range in
      range.map { (name, $0) }
    }
    #expect(moments.count > (which == .simple ? 3 : 8), "\(moments)")
    for (name, number) in moments {
      let rack = try copy(original)
      let wrapper = try strace(
        rack, "-e", "trace=\(name)", "-e", "inject=\(name):signal=KILL:when=\(number)")
      let killed = try rack.emit(["new"], under: wrapper)
      #expect(killed.exit == .signal(.kill), "\(name) \(number): \(killed.errors)")
      var told = acknowledged.merging(Rack.acknowledged(killed, of: ["new"])) { $1 }
      let lines = try rack.check(told, "\(name) \(number)")
      let next = try rack.log.append(Rack.event("next"))
      #expect(next?.sequence == UInt64(lines.count + 1), "\(name) \(number)")
      told[UInt64(lines.count + 1)] = "next"
      try rack.check(told, mayBeUnfinished: false, "\(name) \(number)")
    }
  }

  /// Calls that this machine does not have are left out: `?`.
  private func list(_ calls: [String]) -> String { calls.map { "?" + $0 }.joined(separator: ",") }

  private func prepare(_ rack: Rack, _ which: Case) throws -> [UInt64: String] {
    if which == .empty { return [:] }
    let acknowledged = try five(rack, isFull: which == .rolling)
    if which == .recovering {
      // A writer died in the middle of a line.
      let path = rack.log.folder + "/0000000000000001.jsonl"
      let end = try Files.read(path).countWithoutZeros
      try File.open(path, .change).write(Array(#"{"seq":"0000"#.utf8), at: end)
    }
    return acknowledged
  }

  private func copy(_ rack: Rack) throws -> Rack {
    let copy = try Rack("calls")
    if Files.isFolder(rack.home) { try FileTree.copy(rack.home, to: copy.home) }
    return copy
  }
}
