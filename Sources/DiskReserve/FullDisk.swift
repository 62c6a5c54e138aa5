import Events
import Posix

extension Cause {
  /// The cause of a failed system call, with the error's action, subject and reason. A full disk has an id of its own.
  /// - Parameters:
  ///   - id: the id of every other failure.
  ///   - lead: words to put before those of the error.
  public init(_ error: PosixError, as id: ProblemID = .system, lead: String = "") {
    guard error.isDiskFull else {
      self.init(id, "\(lead)\(error)")
      return
    }
    let place = Self.existing(error.subject)
    self.init(.diskFull, "\(lead)\(error)", remedy: place.map(Self.remedy))
  }

  /// The result of a system call, whose failure is thrown as a cause.
  public static func explaining<R>(
    _ call: @autoclosure () throws(PosixError) -> R, as id: ProblemID = .system
  ) throws(Cause) -> R {
    do throws(PosixError) { return try call() } catch { throw Cause(error, as: id) }
  }

  /// The cause that the disk of a path is full; nil if it has space. Use it when a program such as mix or tar has
  /// failed, since their messages differ.
  public init?(ifDiskIsFull path: String) {
    guard let place = Self.existing(path), let space = try? Files.space(at: place),
      ReservedSpace.Level(space) == .low
    else { return nil }
    self.init(fullDiskOf: path, space)
  }

  init(fullDiskOf path: String, _ space: Space) {
    let isOfFiles = ReservedSpace.Level(Space(bytes: space.bytes)) == .plenty
    let left =
      isOfFiles ? "\(space.files ?? 0) more files can be made" : "\(space.bytes >> 20) MB left"
    self.init(
      .diskFull, "the disk that holds '\(path)' is full: \(left)",
      remedy: Self.existing(path).map(Self.remedy))
  }

  private static func remedy(_ place: String) -> String {
    let disk = Files.mountPoint(of: place) ?? place
    guard let space = try? Files.space(at: place) else { return "Free some space on '\(disk)'." }
    let files = space.files.map { ", \($0) files" } ?? ""
    return "Free some space on the file system at '\(disk)': \(space.bytes >> 10) KB\(files) left."
  }

  /// The path itself, or the nearest folder above it that exists.
  private static func existing(_ path: String) -> String? {
    guard path.hasPrefix("/") else { return nil }
    var place = path
    while !Files.exists(place), place != "/" { place = Files.parent(of: place) }
    return place
  }
}
