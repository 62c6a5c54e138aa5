import Events
import Posix

extension Cause {
  /// A failed system call, in the words of the error: call, subject and reason. A full disk has an id of its own,
  /// whatever was tried on it.
  /// - Parameters:
  ///   - id: what any other failure is.
  ///   - lead: goes before the words of the error.
  public init(_ error: PosixError, as id: ProblemID = .system, lead: String = "") {
    guard error.isDiskFull else {
      self.init(id, "\(lead)\(error)")
      return
    }
    let place = Self.existing(error.subject)
    self.init(.diskFull, "\(lead)\(error)", remedy: place.map(Self.remedy))
  }

  /// What is wrong with the disk of a path; nil where it has some space.
  ///
  /// For what a program has failed at: mix and tar say it in words of their own.
  public init?(ifDiskIsFull path: String) {
    guard let place = Self.existing(path), let space = try? Files.space(at: place),
      Ballast.Level(space) == .low
    else { return nil }
    self.init(fullDiskOf: path, space)
  }

  init(fullDiskOf path: String, _ space: Space) {
    let isOfFiles = Ballast.Level(Space(bytes: space.bytes)) == .plenty
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

  /// The path itself or what is there of the folders above it.
  private static func existing(_ path: String) -> String? {
    guard path.hasPrefix("/") else { return nil }
    var place = path
    while !Files.exists(place), place != "/" { place = Files.parent(of: place) }
    return place
  }
}
