import DiskReserve
import Events
import HomeLayout
import Posix
import TestSupport
import Testing

@Suite struct ReservedSpaceTests {
  static let megabyte = 1 << 20

  @Test func freeSpaceDecidesTheLevel() {
    typealias Row = (space: Space, level: ReservedSpace.Level, withBallast: Bool, without: Bool)
    let rows: [Row] = [
      (Space(bytes: 0), .low, true, true),
      (Space(bytes: 4 * Self.megabyte - 1), .low, true, true),
      (Space(bytes: 4 * Self.megabyte), .tight, false, true),
      // The space left after the reserve was released on a disk without a free byte, and before it
      // is made again.
      (Space(bytes: Home.ballastSize), .tight, false, true),
      (Space(bytes: 32 * Self.megabyte - 1), .tight, false, true),
      (Space(bytes: 32 * Self.megabyte), .plenty, false, false),
      (Space(bytes: .max, files: .max), .plenty, false, false),
      (Space(bytes: .max, files: 0), .low, true, true),
      (Space(bytes: .max, files: 63), .low, true, true),
      (Space(bytes: .max, files: 128), .tight, false, true),
      (Space(bytes: .max, files: 512), .plenty, false, false),
    ]
    for row in rows {
      let level = ReservedSpace.Level(row.space)
      #expect(level == row.level, "\(row.space)")
      #expect(ReservedSpace.isMissed(level, isWhole: true) == row.withBallast, "\(row.space)")
      #expect(ReservedSpace.isMissed(level, isWhole: false) == row.without, "\(row.space)")
    }
  }

  /// Making the reserve must leave more space than the level at which it is released, and releasing
  /// it less than the level at which it is made.
  @Test func reserveDoesNotOscillate() {
    for bytes in stride(from: 0, through: 100 * Self.megabyte, by: Self.megabyte / 2) {
      switch ReservedSpace.Level(Space(bytes: bytes)) {
      case .low: #expect(ReservedSpace.Level(Space(bytes: bytes + Home.ballastSize)) != .plenty)
      case .plenty: #expect(ReservedSpace.Level(Space(bytes: bytes - Home.ballastSize)) != .low)
      case .tight: break
      }
    }
  }

  @Test func reserveIsMadeAndReleased() throws {
    let folder = try TemporaryFolder("ballast")
    let home = Home(root: folder.path)
    let ballast = ReservedSpace(home: home)
    try #require(ReservedSpace.Level(Files.space(at: folder.path)) == .plenty)
    #expect(!ballast.isWhole && !ballast.give() && ballast.shortage == nil)
    ballast.keep()
    #expect(ballast.isWhole)
    let usage = try Invocation(
      ["du", "-sk", home.ballast], environment: ["PATH": Invocation.standardPath]
    ).run()
    let kilobytes = usage.text.split(separator: "\t").first.flatMap { Int($0) } ?? 0
    #expect(kilobytes >= Home.ballastSize >> 10, "\(usage.text)")
    #expect(try Files.list(home.ballast).count == 128)
    let made = Files.modified(home.ballast)
    ballast.keep()
    ballast.giveIfLow()
    #expect(Files.modified(home.ballast) == made && ballast.isWhole)
    #expect(ballast.give() && !ballast.isWhole && !Files.exists(home.ballast))
    ballast.keep()
    #expect(ballast.isWhole)
  }

  @Test func fullDiskHasItsOwnCause() {
    let cases: [(PosixError, ProblemID)] = [
      (PosixError("write", "/proc/self/x/y", .noSpace), .diskFull),
      (PosixError("make folder", "/tmp/x", .quotaExceeded), .diskFull),
      (PosixError("write", "pipe", .noSpace), .diskFull),
      // This user has too many watches; the disk is not full.
      (PosixError("watch", "/tmp", .noSpace), .homeUnwritable),
      (PosixError("write", "/tmp/x", .accessDenied), .homeUnwritable),
    ]
    for (error, id) in cases {
      let cause = Cause(error, as: .homeUnwritable, lead: "so: ")
      #expect(cause.id == id.rawValue && cause.sentence == "so: \(error)", "\(cause)")
    }
    let remedy = Cause(PosixError("write", "/proc/self/x/y", .noSpace)).remedy ?? ""
    #expect(remedy.hasPrefix("Free some space on the file system at '/proc': "), "\(remedy)")
    #expect(Cause(PosixError("write", "x", .noSpace)).exitCode == 75)
    #expect(Cause(ifDiskIsFull: "/tmp/nothing/here") == nil)
  }
}
