import Glibc
import Posix
import Synchronization

/// A folder for one test, removed when its last owner releases it, or when the tests end.
public final class TemporaryFolder: Sendable {
  public let path: String

  /// Where files and syncing cost little, if there is room for some builds and programs can be run from it: a container
  /// may have 64 MB there, or forbid programs.
  private static let memory: String = {
    let space = try? Files.space(at: "/dev/shm")
    return (space?.bytes ?? 0) > 4 << 30 && !Files.isRestricted("/dev/shm") ? "/dev/shm" : "/tmp"
  }()

  /// - Parameter inMemory: not for what is about the disk.
  public init(_ name: String = "folder", inMemory: Bool = false) throws {
    path = "\(inMemory ? Self.memory : "/tmp")/reltui-test-\(name)-\(Random.hex(6))"
    try Files.makeFolder(path, mode: 0o755)
    Self.present.withLock { _ = $0.insert(path) }
  }

  deinit {
    try? Files.remove(path)
    Self.present.withLock { _ = $0.remove(path) }
  }

  /// The folders that were not removed. When the tests end, these are the folders of static values.
  private static let present: Mutex<Set<String>> = {
    atexit { for path in TemporaryFolder.present.withLock({ $0 }) { try? Files.remove(path) } }
    return Mutex([])
  }()

  /// Writes a file in it, with the folders above it.
  public func write(_ name: String, _ bytes: [UInt8], mode: mode_t = 0o644) throws {
    let file = path + "/" + name
    try Files.makeFolder(Files.parent(of: file), mode: 0o755)
    try Files.replace(file, with: bytes, mode: mode)
  }

  public func write(_ name: String, _ text: String, mode: mode_t = 0o644) throws {
    try write(name, Array(text.utf8), mode: mode)
  }
}

/// The files that tests use.
public enum Workspace {
  /// The package's root.
  public static let root = Files.parent(
    of: Files.parent(of: Files.parent(of: Files.parent(of: #filePath + "/"))))

  public static let greeter = root + "/docs/examples/greeter"

  /// A program of ours, built beside the tests.
  public static func program(_ name: String) throws -> String {
    Files.parent(of: try Files.target(ofLink: "/proc/self/exe")) + "/" + name
  }

  /// Asks again and again until there is an answer or the time is over.
  public static func wait<Answer>(
    milliseconds: Int64, for answer: () throws -> Answer?
  ) rethrows -> Answer? {
    let end = Clock.monotonic() + milliseconds
    while true {
      if let answer = try answer() { return answer }
      if Clock.monotonic() > end { return nil }
      Clock.pause(milliseconds: 20)
    }
  }
}
