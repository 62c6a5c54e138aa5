import EventLog
import Posix
import Synchronization
import TestSupport
import Testing

/// Too little of everything: room, size, rights, time.
@Suite struct TortureByWant {
  private func old(_ rack: Rack, count: Int = 3) throws -> [UInt64: String] {
    let keys = (1...count).map { "old-\($0)" }
    let lines = try rack.log.append(keys.map { Rack.event($0) })
    return Dictionary(zip(lines.map(\.sequence), keys)) { $1 }
  }

  @Test func twoWritersOnAnEmptyHome() throws {
    for round in 0..<20 {
      let rack = try Rack("two")
      let all = Threads.collect(2) { index -> [UInt64: String] in
        let keys = (1...3).map { "\(index)-\($0)" }
        guard let answer = try? rack.emit(keys) else { return [:] }
        #expect(answer.exit == .code(0) && answer.numbers.count == 3, "\(answer.errors)")
        return Rack.acknowledged(answer, of: keys)
      }
      let told = all.reduce([:]) { $0.merging($1) { _, _ in "twice" } }
      #expect(told.count == 6, "round \(round)")
      try rack.check(told, mayBeUnfinished: false, "round \(round)")
    }
  }

  /// The home lies on a file system of 6 MiB, which is filled, found full, and emptied again.
  @Test func aFullFileSystem() throws {
    let rack = try Rack("full")
    let program = try Workspace.program("relctl")
    let keys = (1...200).map { "many-\($0)" }
    try rack.folder.write("many", keys.map { Rack.line($0, pad: 60_000) }.joined())
    let answer = try rack.run(
      command: Torture.namespace(
        """
        mkdir disk
        mount -t tmpfs -o size=6m tmpfs disk
        export RELTUI_HOME="$PWD/disk/home"
        emit() { '\(program)' events emit "$@"; }
        emit torture.line --data '{"k":"first"}' > first
        head -c 3000000 /dev/zero > disk/filler
        emit --stdin < many > acks 2> full && exit 7
        emit --stdin < many > acks2 2> full2 && exit 8
        rm disk/filler
        emit torture.line --data '{"k":"last"}' > last
        cp -a disk/home home
        """))
    #expect(answer.exit == .code(0), "\(answer)")
    func text(_ name: String) throws -> String {
      String(decoding: try Files.read(rack.folder.path + "/" + name), as: UTF8.self)
    }
    func numbers(_ name: String) throws -> [UInt64] {
      try text(name).split(separator: "\n").compactMap { UInt64($0) }
    }
    #expect(try text("full").contains("RT-LOG-FULL") && text("full2").contains("RT-LOG-FULL"))
    var told = try Dictionary(zip(numbers("first") + numbers("acks"), ["first"] + keys)) { $1 }
    #expect(told.count > 10 && told.count < keys.count)
    let last = try #require(numbers("last").first)
    told[last] = "last"
    let again = try numbers("acks2").count
    // What fitted still when it was full bears keys that are there already.
    if again == 0 { try rack.check(told, mayBeUnfinished: false) }
    #expect(try rack.log.verify().damage == [] && rack.log.lastLine()?.sequence == last)
  }

  /// A limit on the size of files, met in the middle of a segment, or before there is one.
  @Test(arguments: [true, false]) func aLimitOnFiles(isMidway: Bool) throws {
    let rack = try Rack("limit")
    var told = isMidway ? try old(rack) : [:]
    let keys = (1...100).map { "new-\($0)" }
    let limited = try rack.converse(
      keys, pad: 300, under: [try Torture.tool("prlimit"), "--fsize=20000:20000"])
    #expect(limited.isRefused && limited.errors.contains("RT-LOG-FULL"), "\(limited)")
    #expect(isMidway ? (20...60).contains(limited.numbers.count) : limited.numbers.isEmpty)
    told.merge(Rack.acknowledged(limited, of: keys)) { $1 }
    let lines = try rack.check(told, mayBeUnfinished: false)
    #expect(lines.count == told.count)
    #expect(try rack.emit(["next"]).numbers == [UInt64(lines.count + 1)])
    try rack.check(told, mayBeUnfinished: false)
  }

  /// Lines from the future, and four writers whose clocks are behind them.
  @Test func aClockThatJumpsBack() throws {
    let rack = try Rack("clock")
    let path = rack.log.folder + "/0000000000000001.jsonl"
    try Files.makeFolder(rack.log.folder)
    let id = String(repeating: "a", count: 32)
    let covered = Array(
      (#"{"seq":"0000000000000001","specversion":"1.0","id":"\#(id)","#
        + #""time":"2999-11-21T07:05:09.042Z","source":"host/hand","type":"torture.line","#
        + #""data":{"k":"future"}"#).utf8)
    let sum = String(0x1_0000_0000 + UInt64(CRC32C.checksum(covered)), radix: 16).dropFirst()
    try Files.replace(path, with: covered + Array(",\"crc32c\":\"\(sum)\"}\n".utf8))
    let all = Threads.collect(4) { index -> [UInt64: String] in
      let keys = (1...5).map { "\(index)-\($0)" }
      return (try? rack.converse(keys)).map { Rack.acknowledged($0, of: keys) } ?? [:]
    }
    let told = all.reduce([1: "future"]) { $0.merging($1) { _, _ in "twice" } }
    #expect(told.count == 21)
    let lines = try rack.check(told, mayBeUnfinished: false)
    #expect(Set(lines.map(\.time)).count == 1)
  }
}

/// Other users, and homes that may only be read.
@Suite struct TortureByRights {
  /// Runs a program as the user `nobody`, which only root can.
  private static func asNobody() throws -> [String] {
    if User.isRoot {
      return [try Torture.tool("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups"]
    }
    Issue.record("only root can become another user: run the tests as root")
    throw PosixError("become", "another user", .notPermitted)
  }

  /// A home whose programs every user can run.
  private func open(_ name: String) throws -> Rack {
    let rack = try Rack(name)
    _ = try rack.emit(["1", "2"])
    return rack
  }

  private func give(_ path: String, to user: String) throws {
    let result = try Invocation(
      ["chown", "-R", user, path], environment: Environment.current
    ).run()
    #expect(result.isSuccess)
  }

  @Test func anotherUserIsKeptOut() throws {
    let rack = try open("foreign")
    for path in [rack.home, rack.log.folder] {
      #expect(try Files.info(path)?.mode == 0o700, "\(path)")
    }
    let nobody = try Self.asNobody()
    for mode in [UInt32(0o700), 0o755, 0o711] {
      try Files.setMode(rack.home, mode)
      for arguments in [["events"], ["events", "emit", "a.b"], ["events", "--follow"], ["ps"]] {
        let answer = try rack.run(["relctl"] + arguments, under: nobody)
        #expect(answer.isRefused && answer.output == "", "\(arguments): \(answer)")
        #expect(answer.errors.contains("RT-HOME-FOREIGN"), "\(arguments): \(answer.errors)")
      }
      // The lock's file cannot be opened, so the user cannot hold the lock.
      for file in try Files.list(rack.log.folder) {
        let answer = try rack.run(command: nobody + ["cat", rack.log.folder + "/" + file])
        #expect(answer.exit == .code(1), "\(file)")
        #expect(try Files.info(rack.log.folder + "/" + file)?.mode == 0o600, "\(file)")
      }
    }
    #expect(try rack.emit(["3"]).numbers == [3])
  }

  /// Made by hand, with the mode that mkdir(1) gives.
  @Test func aHomeThatWasThere() throws {
    let rack = try Rack("loose")
    try Files.makeFolder(rack.home, mode: 0o755)
    #expect(try rack.emit(["1"]).numbers == [1])
    #expect(try Files.info(rack.log.folder)?.mode == 0o700)
    try Files.setMode(rack.home, 0o777)
    let answer = try rack.emit(["2"])
    #expect(answer.isRefused && answer.errors.contains("RT-HOME-FOREIGN"))
    try Files.setMode(rack.home, 0o755)
    #expect(try rack.emit(["2"]).numbers == [2])
    let link = rack.folder.path + "/link"
    try Files.symbolicLink(to: rack.home, at: link)
    #expect(try rack.run(["relctl", "events", "emit", "a.b"], home: link).numbers == [3])
  }

  @Test func everyProgramMakesItForItsOwner() throws {
    for arguments in [
      ["relctl", "events", "emit", "a.b"], ["relctl", "config", "shop", "set", "A=b"],
      ["relctl", "ps"], ["relctl", "agent", "stop"], ["reltui", "--once"],
    ] {
      let rack = try Rack("made")
      _ = try rack.run(arguments)
      _ = try rack.run(["relctl", "agent", "stop"])
      guard let home = try Files.info(rack.home) else {
        #expect(arguments[1] != "config" && arguments[1] != "events")
        continue
      }
      #expect(arguments[0] != "reltui" && home.mode == 0o700, "\(arguments)")
    }
  }

  /// What root writes into a user's home is the user's.
  @Test func rootInAUsersHome() throws {
    let nobody = try Self.asNobody()
    let rack = try Rack("root")
    try Files.makeFolder(rack.home)
    try give(rack.home, to: "65534:65534")
    // Root makes the log and comes to its second segment; then the user goes on.
    #expect(try rack.emit((1...30).map { "root-\($0)" }, pad: 50_000).numbers.count == 30)
    #expect(try rack.log.segments().count > 1)
    for name in try [""] + Files.list(rack.log.folder).map({ "/" + $0 }) {
      #expect(try Files.info(rack.log.folder + name)?.owner == 65_534, "\(name)")
    }
    let answer = try rack.emit(["user"], under: nobody)
    #expect(answer.numbers == [31], "\(answer.errors)")
    // What the user has put there does not lead root elsewhere.
    let victim = rack.folder.path + "/victim"
    try rack.folder.write("victim", "mine")
    for name in [".lock", ".spare.new", "0000000000000001.jsonl"] {
      try Files.remove(rack.log.folder + "/" + name)
      try Files.symbolicLink(to: victim, at: rack.log.folder + "/" + name)
    }
    _ = try rack.emit(["root again"])
    #expect(try Files.read(victim) == Array("mine".utf8))
    #expect(try Files.info(victim)?.owner == 0)
  }

  @Test func aFolderThatMayNotBeWritten() throws {
    let rack = try open("locked")
    let nobody = User.isRoot ? try Self.asNobody() : []
    if User.isRoot { try give(rack.home, to: "65534:65534") }
    try Files.setMode(rack.log.folder + "/.lock", 0o400)
    try Files.setMode(rack.log.folder, 0o500)
    let refused = try rack.emit(["3"], under: nobody)
    #expect(refused.isRefused && refused.errors.contains("RT-HOME-UNWRITABLE"))
    #expect(refused.numbers == [])
    let read = try rack.run(["relctl", "events", "--json"], under: nobody)
    #expect(read.exit == .code(0) && read.output.split(separator: "\n").count == 2)
    try Files.setMode(rack.log.folder, 0o700)
    try Files.setMode(rack.log.folder + "/.lock", 0o600)
    #expect(try rack.emit(["3"], under: nobody).numbers == [3])
    try rack.check([1: "1", 2: "2", 3: "3"], mayBeUnfinished: false)
  }

  /// Everything that looks works where nothing can be written.
  @Test func aReadOnlyMount() throws {
    let rack = try open("read-only")
    let (relctl, reltui) = (try Workspace.program("relctl"), try Workspace.program("reltui"))
    let answer = try rack.run(
      command: Torture.namespace(
        """
        mount --bind home home
        mount -o remount,bind,ro home
        '\(relctl)' events --json > events
        '\(relctl)' events --follow --json > followed & follower=$!
        for i in $(seq 100); do [ "$(wc -l < followed)" = 2 ] && break; sleep 0.05; done
        kill -INT $follower
        wait $follower
        '\(relctl)' ps > ps
        '\(reltui)' --once > once
        if '\(relctl)' events emit a.b 2> refused; then exit 7; fi
        """))
    #expect(answer.exit == .code(0), "\(answer)")
    for name in ["events", "followed"] {
      let text = String(decoding: try Files.read("\(rack.folder.path)/\(name)"), as: UTF8.self)
      #expect(text.split(separator: "\n").count == 2, "\(name): \(text)")
    }
    let refused = String(decoding: try Files.read(rack.folder.path + "/refused"), as: UTF8.self)
    #expect(refused.contains("RT-HOME-UNWRITABLE"))
    #expect(try Files.read(rack.folder.path + "/once").isEmpty == false)
    #expect(try rack.log.verify().lines == 2)
  }
}
