import Events
import HomeLayout
import Posix

/// The uids of apps: each is given once on a host, in ascending order, and never again, so that no file and no process
/// that an app has left can become another app's.
public struct UserNumbers: Sendable {
  /// The folder of the host's record. It is outside the homes, because all homes of a host share the uids.
  private let folder: String
  private let range: ClosedRange<UInt32>

  public static let standardFolder = "/var/lib/reltui-uids"
  /// Above the uids that systemd gives to containers, below 2³¹, above which some programs take a uid for a negative
  /// number. Source: "Users, Groups, UIDs and GIDs on systemd Systems".
  public static let usual: ClosedRange<UInt32> = 1_879_048_192...2_147_483_646
  /// Where the user namespace has fewer uids, as in many containers: those that the same source calls unused.
  public static let few: ClosedRange<UInt32> = 60_578...60_999

  public init(
    _ folder: String = standardFolder, range: ClosedRange<UInt32> = UserNumbers.offered
  ) {
    (self.folder, self.range) = (folder, range)
  }

  /// The range that the uid map of this process covers.
  public static let offered: ClosedRange<UInt32> = covers(usual) ? usual : few

  /// user_namespaces(7), `/proc/self/uid_map`
  private static func covers(_ range: ClosedRange<UInt32>) -> Bool {
    ["uid_map", "gid_map"].allSatisfy { name in
      guard let bytes = try? Files.read("/proc/self/" + name, limit: 65_536) else { return true }
      return String(decoding: bytes, as: UTF8.self).split(separator: "\n").contains { line in
        let fields = line.split(separator: " ").compactMap { UInt64($0) }
        return fields.count == 3 && fields[0] <= UInt64(range.lowerBound)
          && UInt64(range.upperBound) < fields[0] + fields[2]
      }
    }
  }

  /// The uid in a file, which is made with a new one if it is missing. The uid is durable before this returns.
  public func number(recordedIn file: String) throws(Cause) -> UInt32 {
    if let known = try known(file) { return known }
    let lock: Lock
    do throws(PosixError) {
      for path in [folder, Files.parent(of: file)] { try Files.makeDurableFolder(path) }
      lock = try Lock.wait(folder + "/lock")
    } catch { throw Cause(error, as: .appUser) }
    defer { withExtendedLifetime(lock) {} }
    let next = max(try read(mark, "next") ?? range.lowerBound, range.lowerBound)
    // Another program may have recorded one meanwhile; a home that was copied from another host has some.
    let number = try read(file, "uid") ?? next
    guard range.contains(number) else { throw none(for: file, number) }
    do throws(PosixError) {
      if number >= next { try write(mark, "next", number + 1) }
      try write(file, "uid", number)
    } catch { throw Cause(error, as: .appUser) }
    return number
  }

  private static let freshPrefix = "fresh-"

  /// A uid that is given for one use, and the file that tells of it. Who uses it removes the file when nothing of the uid
  /// is left.
  public func fresh() throws(Cause) -> (user: UInt32, record: String) {
    let record = folder + "/" + Self.freshPrefix + Random.hex(8)
    return (try number(recordedIn: record), record)
  }

  /// Those of which the files were not removed.
  public var freshOnes: [(user: UInt32, record: String)] {
    let names = ((try? Files.list(folder, skippingOthers: true)) ?? []).filter {
      $0.hasPrefix(Self.freshPrefix)
    }
    return names.compactMap { name in
      let record = folder + "/" + name
      return ((try? known(record)) ?? nil).map { ($0, record) }
    }
  }

  private var mark: String { folder + "/next" }

  /// A recorded uid that no app can get any more.
  private func known(_ file: String) throws(Cause) -> UInt32? {
    guard let number = try read(file, "uid"), range.contains(number),
      let next = try read(mark, "next"), number < next
    else { return nil }
    return number
  }

  private func none(for file: String, _ number: UInt32) -> Cause {
    if number > range.upperBound, number == range.upperBound + 1 {
      return Cause(
        .appUser, "all uids for apps are used up: \(range.lowerBound) to \(range.upperBound)",
        remedy: "Give this container a larger uid map. Uids are not given twice.")
    }
    return Cause(
      .appUser,
      "the uid \(number) in '\(file)' is not one for apps: \(range.lowerBound) to \(range.upperBound)",
      remedy: "Remove the file while no instance runs; the app gets another uid.")
  }

  /// The number in a file of ours; nil if there is no file.
  private func read(_ file: String, _ key: String) throws(Cause) -> UInt32? {
    let bytes: [UInt8]?
    do throws(PosixError) { bytes = try Files.readIfThere(file, limit: 4096) } catch {
      throw Cause(error, as: .appUser)
    }
    guard let bytes else { return nil }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    guard lines.count == 2, lines[0] == "format \(HomeFormat.current)",
      lines[1].hasPrefix(key + " "), let number = UInt32(lines[1].dropFirst(key.count + 1))
    else {
      throw Cause(
        .appUser, "'\(file)' is damaged or of a newer format",
        remedy: "It holds two lines: format \(HomeFormat.current), and \(key) with a number.")
    }
    return number
  }

  private func write(_ file: String, _ key: String, _ number: UInt32) throws(PosixError) {
    try Files.replace(file, with: Array("format \(HomeFormat.current)\n\(key) \(number)\n".utf8))
  }
}
