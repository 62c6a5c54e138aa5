import Events
import HomeLayout
import Posix

/// Disk space that is kept in reserve, the folder `ballast` of a home. When the disk is full, a restart or rollback
/// needs some space for the new run's folder and files.
///
/// It is one big file and many empty ones, because a file system may run out of bytes or of files.
/// The agent makes it while there is space. A program that cannot write releases it.
public struct ReservedSpace: Sendable {
  private let home: Home

  public init(home: Home) { self.home = home }

  private var bytes: String { home.ballast + "/bytes" }
  private static let emptyFiles = 127

  /// How much space the disk has left.
  public enum Level: Equatable, Sendable {
    case low
    case tight
    /// Enough to make the reserve and stay far above `low`.
    case plenty

    private static let fewFiles = 64
    private static let fewBytes = 4 << 20

    public init(_ space: Space) {
      let files = space.files ?? .max
      if space.bytes < Self.fewBytes || files < Self.fewFiles {
        self = .low
      } else if space.bytes < 4 * Home.ballastSize || files < 4 * ReservedSpace.emptyFiles {
        self = .tight
      } else {
        self = .plenty
      }
    }
  }

  /// Its big file is made last and removed first.
  public var isWhole: Bool { Files.exists(bytes) }

  /// Whether to warn the operator: no space is left, or the reserve is in use.
  public static func isMissed(_ level: Level, isWhole: Bool) -> Bool {
    level == .low || level == .tight && !isWhole
  }

  /// The warning for the operator; nil if there is no reason for one.
  public var shortage: Cause? {
    guard let space = try? Files.space(at: home.root),
      Self.isMissed(Level(space), isWhole: isWhole)
    else { return nil }
    return Cause(fullDiskOf: home.root, space)
  }

  /// Whether there is space for another run, with the reserve or without it.
  public var hasRoom: Bool { isWhole || level != .low }

  /// Refuses work that would only fill the disk further.
  /// - Throws: `RT-DISK-FULL`
  public func requireSpace() throws(Cause) { if let shortage { throw shortage } }

  private var level: Level { (try? Files.space(at: home.root)).map { Level($0) } ?? .tight }

  /// Makes the reserve if it is missing and there is plenty of space.
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

  /// Bytes that a compressing file system cannot make smaller. Source of the numbers: Knuth's MMIX.
  private static func load() -> [UInt8] {
    var state = UInt64(Clock.now())
    var words = [UInt64](repeating: 0, count: Home.ballastSize / 8)
    for index in words.indices {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      words[index] = state
    }
    return words.withUnsafeBytes { Array($0) }
  }

  public func giveIfLow() { if level == .low { give() } }

  /// Releases the reserve.
  /// - Returns: whether there was one.
  @discardableResult
  public func give() -> Bool {
    guard Files.exists(home.ballast) else { return false }
    try? Files.remove(bytes)
    try? Files.remove(home.ballast)
    return true
  }
}
