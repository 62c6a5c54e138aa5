import EventLog
import Posix
import TestSupport
import Testing

/// That nothing is acknowledged before it is on the disk, as seen by the kernel.
@Suite struct TortureBySight {
  let rack: Rack

  init() throws { rack = try Rack("sight") }

  private static let calls =
    "write,pwrite64,fdatasync,fsync,rename,renameat,renameat2,openat,unlink,ftruncate,mkdir"

  /// Runs a writer on these lines and looks at what a power cut could have taken.
  /// - Parameter unnamed: files whose names were not synced.
  ///   Lines with a pad are fed one by one, since only the beginning of what is written is traced.
  private func watched(_ keys: [String], pad: Int = 0, unnamed: [String] = []) throws -> PowerCut {
    let trace = rack.folder.path + "/trace-\(Random.hex(4))"
    let wrapper = [
      try Torture.tool("strace"), "-f", "-tt", "-y", "-s", "20000", "-o", trace, "-e",
      "trace=\(Self.calls)",
    ]
    let answer =
      pad == 0
      ? try rack.emit(keys, under: wrapper) : try rack.converse(keys, pad: pad, under: wrapper)
    #expect(answer.exit == .code(0), "\(answer.errors)")
    var cut = PowerCut(unnamed: Set(unnamed))
    for line in String(decoding: try Files.read(trace), as: UTF8.self).split(separator: "\n") {
      if let call = TracedCall(line) { cut.take(call) }
    }
    #expect(cut.acknowledged == answer.numbers && answer.numbers.count == keys.count)
    return cut
  }

  @Test func onAnEmptyHome() throws {
    let cut = try watched(["1", "2", "3"])
    #expect(cut.faults == [])
    #expect(cut.segments.count == 1)
    let after = try watched(["4"])
    #expect(after.faults == [] && after.segments.isEmpty)
  }

  @Test func manyAtOnce() throws {
    let cut = try watched((1...50).map { "\($0)" })
    #expect(cut.faults == [] && cut.segments.count == 1)
  }

  @Test func acrossRolls() throws {
    let cut = try watched((1...40).map { "\($0)" }, pad: 60_000)
    #expect(cut.faults == [])
    #expect(cut.segments.count > 2)
    try rack.check([:], mayBeUnfinished: false)
  }

  /// A writer that finds a folder or a segment whose maker was killed syncs its name.
  @Test(arguments: ["home", "events", "segment"]) func namesThatWereNotSynced(made: String) throws {
    var names = [rack.home]
    if made != "home" { names.append(rack.log.folder) }
    if made == "segment" { names.append(rack.log.folder + "/0000000000000001.jsonl") }
    for name in names {
      if name.hasSuffix(".jsonl") {
        try Files.replace(name, with: [UInt8](repeating: 0, count: 1 << 20))
      } else {
        try Files.makeFolder(name)
      }
    }
    #expect(try watched(["1"], unnamed: names).faults == [])
  }

  /// The eyes that all this is seen with.
  @Test func theTraceIsUnderstood() throws {
    let lines = [
      #"7 07:05:09.042 pwrite64(5</h/e/1.jsonl>, "{\"seq\":\"0000000000000042\",\"k\":\") = 7\"}\n", 9, 0) = 9"#,
      #"7 write(4<pipe:[812]>, "42\n", 3) = 3"#,
      #"7 fdatasync(5</h/e/1.jsonl>) = -1 EIO (Input/output error) (INJECTED)"#,
      #"7 write(4<pipe:[812]>, "42\n", 3) = 3"#,
      #"7 fdatasync(5</h/e/1.jsonl>) = 0"#,
      #"7 write(4<pipe:[812]>, "42\n", 3) = 3"#,
      #"7 +++ exited with 0 +++"#,
    ]
    let calls = lines.compactMap { TracedCall($0[...]) }
    #expect(calls.count == 6 && calls[0].numbers == [42] && calls[2].isInjected)
    #expect(calls[0].path == "/h/e/1.jsonl" && calls[1].texts == ["42\\n"])
    var cut = PowerCut()
    for call in calls { cut.take(call) }
    #expect(cut.faults.count == 2 && cut.acknowledged == [42, 42, 42])
  }
}
