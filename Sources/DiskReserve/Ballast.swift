import Events
import HomeLayout
import Posix

/// Space that is kept for a full disk: what an operator asks for then needs some, for a run's folder and its files.
///
/// A folder with a file that is big and many that are empty, since a file system may run out of either. The agent makes
/// it while there is plenty; whoever must write and cannot gives it away.
public struct Ballast: Sendable {
  private let home: Home

  public init(home: Home) { self.home = home }

  private var bytes: String { home.ballast + "/bytes" }
  private static let emptyFiles = 127

  /// How much is left, in the only steps that matter.
  public enum Level: Equatable, Sendable {
    /// Too little to start a run.
    case low
    case tight
    /// So much that the ballast can be made without getting near `low`.
    case plenty

    private static let fewFiles = 64
    private static let fewBytes = 4 << 20

    public init(_ space: Space) {
      let files = space.files ?? .max
      if space.bytes < Self.fewBytes || files < Self.fewFiles {
        self = .low
      } else if space.bytes < 4 * Home.ballastSize || files < 4 * Ballast.emptyFiles {
        self = .tight
      } else {
        self = .plenty
      }
    }
  }

  /// Its big file is made last and goes first.
  public var isWhole: Bool { Files.exists(bytes) }

  /// Whether an operator must know: nothing is left, or what was kept is in use.
  public static func isMissed(_ level: Level, isWhole: Bool) -> Bool {
    level == .low || level == .tight && !isWhole
  }

  /// What is wrong with the home's disk, if anything is.
  public var shortage: Cause? {
    guard let space = try? Files.space(at: home.root),
      Self.isMissed(Level(space), isWhole: isWhole)
    else { return nil }
    return Cause(fullDiskOf: home.root, space)
  }

  /// Whether there is, or can be made, space for another run.
  public var hasRoom: Bool { isWhole || level != .low }

  /// For what only fills the disk further.
  /// - Throws: `RT-DISK-FULL`
  public func requireSpace() throws(Cause) { if let shortage { throw shortage } }

  private var level: Level { (try? Files.space(at: home.root)).map { Level($0) } ?? .tight }

  /// Makes it where it is missing and there is plenty.
  public func keep() {
    guard !isWhole, level == .plenty else { return }
    do throws(PosixError) {
      try Files.makeFolder(home.ballast)
      for number in 1...Self.emptyFiles {
        _ = try File.open("\(home.ballast)/\(number)", .replace)
      }
      try Files.replace(bytes, with: Self.load())
    } catch { give() }
  }

  /// A file system that packs what is written must find nothing to pack. Source of the numbers: Knuth's MMIX.
  private static func load() -> [UInt8] {
    var state = UInt64(Clock.now())
    var words = [UInt64](repeating: 0, count: Home.ballastSize / 8)
    for index in words.indices {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      words[index] = state
    }
    return words.withUnsafeBytes { Array($0) }
  }

  /// Gives it away where little is left.
  public func giveIfLow() { if level == .low { give() } }

  /// - Returns: whether there was something to give.
  @discardableResult
  public func give() -> Bool {
    guard Files.exists(home.ballast) else { return false }
    try? Files.remove(bytes)
    try? Files.remove(home.ballast)
    return true
  }
}
