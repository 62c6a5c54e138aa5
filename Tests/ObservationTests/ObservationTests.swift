import ConfigStore
import Events
import HomeLayout
import Instance
import Observation
import Posix
import Redaction
import TestSupport
import Testing

/// A home whose runs are folders made by hand.
private struct Place {
  let folder: TemporaryFolder
  let home: Home

  init() throws {
    folder = try TemporaryFolder("observation")
    home = Home(root: folder.path + "/home")
  }

  func run(_ instance: String, _ run: UInt64) throws -> RunFolder {
    let folder = home.app("shop").run(instance, run)
    try Files.makeFolder(folder.log)
    return folder
  }

  func write(_ text: String, to folder: RunFolder) throws {
    try File.open(folder.currentLog, .append).write(text)
  }

  func line(_ second: Int, _ text: String) -> String {
    "\(Timestamp(milliseconds: Int64(second) * 1000)) \(text)\n"
  }
}

struct OutputReaderTests {
  @Test func theOutputOfAllRunsInTheOrderOfItsMoments() throws {
    let place = try Place()
    let (first, second) = (try place.run("web.1", 3), try place.run("web.2", 4))
    try place.write(place.line(1, "a") + place.line(4, "d"), to: first)
    try place.write(place.line(2, "b") + place.line(3, "c") + "torn", to: second)
    var reader = OutputReader(home: place.home, app: "shop", last: 3)
    #expect(reader.next().map(\.text) == ["b", "c", "d"])
    #expect(reader.next().isEmpty)

    // What comes later, a torn line's rest and a run that is new included, comes once.
    try place.write("\n" + place.line(6, "f"), to: second)
    try place.write(place.line(5, "e"), to: place.run("web.1", 9))
    #expect(reader.next().map(\.text) == ["torn", "e", "f"])
    #expect(reader.next().isEmpty)

    var only = OutputReader(
      home: place.home, app: "shop", only: InstanceName("web", 1), last: 100)
    #expect(only.next().map(\.text) == ["a", "d", "e"])
  }

  @Test func aFullFileIsReadToItsEndBeforeTheNew() throws {
    let place = try Place()
    let folder = try place.run("web.1", 3)
    try place.write(place.line(1, "a") + place.line(2, "b"), to: folder)
    var reader = OutputReader(home: place.home, app: "shop", last: 1)
    #expect(reader.next().map(\.text) == ["b"])
    try place.write(place.line(3, "c"), to: folder)
    try Files.rename(folder.currentLog, to: folder.log + "/1")
    try place.write(place.line(4, "d"), to: folder)
    #expect(reader.next().map(\.text) == ["c", "d"])
    var late = OutputReader(home: place.home, app: "shop", last: 3)
    #expect(late.next().map(\.text) == ["b", "c", "d"])
  }

  @Test func aRunsLinesKeepTheirOrderWhenItsClockIsSetBack() throws {
    let place = try Place()
    let folder = try place.run("web.1", 3)
    try place.write([9, 2, 3].map { place.line($0, "\($0)") }.joined(), to: folder)
    try place.write(place.line(5, "other"), to: place.run("web.2", 4))
    var reader = OutputReader(home: place.home, app: "shop", last: 10)
    #expect(reader.next().map(\.text) == ["other", "9", "2", "3"])
  }

  @Test func valuesOfConfigVarsAreMasked() throws {
    let place = try Place()
    let configs = ConfigSets(home: place.home, app: "shop")
    _ = try configs.save(ConfigSet(["KEY": "s3cr3t-canary", "N": "1"]))
    try place.write(place.line(1, "key is s3cr3t-canary, 1"), to: place.run("web.1", 3))
    var reader = OutputReader(home: place.home, app: "shop", last: 10)
    #expect(reader.next().map(\.text) == ["key is «KEY», 1"])
    // Set while the output is read.
    _ = try configs.save(ConfigSet(["PIN": "4711"], secret: ["PIN"]))
    try place.write(place.line(2, "4711"), to: place.run("web.1", 3))
    #expect(reader.next().map(\.text) == ["«PIN»"])
  }
}

struct LiveBoardTests {
  /// A board on which `web.1` is ready, and what its folder says.
  private func state(_ prepare: (RunFolder) throws -> Void) throws -> [RunState] {
    let place = try Place()
    try prepare(try place.run("web.1", 3))
    var board = Board()
    var app = Board.App(name: "shop", changed: board.time)
    app.runs = [
      Board.Run(
        id: 3, instance: InstanceName("web", 1), release: ReleaseNumber(1), state: .ready,
        since: board.time)
    ]
    board.apps["shop"] = app
    return LiveBoard.overlay(board, home: place.home).apps["shop"]?.runs.map(\.state) ?? []
  }

  private func status(_ exit: RunStatus.Exit?) -> [UInt8] {
    var status = RunStatus(
      boot: ProcessTable.bootID, shim: RunStatus.Process(pid: 1, started: 1))
    status.exit = exit
    return Array(status.text.utf8)
  }

  @Test func whatTheRunsSayIsLaidOverTheBoard() throws {
    let ended = try state { try Files.replace($0.status, with: status(.code(0))) }
    let lost = try state { try Files.replace($0.status, with: status(nil)) }
    let gone = try state { _ in }
    #expect([ended, lost, gone] == [[.crashed], [.crashed], [.crashed]])
    var lock: Lock?
    let live = try state { folder in
      try Files.replace(folder.status, with: status(nil))
      lock = try Lock.take(folder.lock)
    }
    #expect(live == [.ready] && lock != nil)
  }
}
