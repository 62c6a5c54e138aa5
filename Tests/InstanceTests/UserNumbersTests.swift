import Events
import Instance
import Posix
import TestSupport
import Testing

@Suite struct UserNumbersTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder("uids") }

  private func numbers(_ range: ClosedRange<UInt32> = 100...103) -> UserNumbers {
    UserNumbers(folder.path + "/host", range: range)
  }

  private func failure(_ name: String, _ numbers: UserNumbers) -> String? {
    do throws(Cause) {
      _ = try numbers.number(recordedIn: folder.path + "/" + name)
      return nil
    } catch { return "\(error.id) \(error.sentence)" }
  }

  @Test func eachIsGivenOnce() throws {
    let names = ["a/uid", "b/uid", "a/uid", "c/uid"]
    let given = try names.map { try numbers().number(recordedIn: folder.path + "/" + $0) }
    #expect(given == [100, 101, 100, 102])
    // Not even that of an app that was removed.
    try Files.remove(folder.path + "/c")
    #expect(try numbers().number(recordedIn: folder.path + "/c/uid") == 103)
    #expect(
      failure("d/uid", numbers()) == "RT-APP-USER all uids for apps are used up: 100 to 103")
    #expect(try numbers().number(recordedIn: folder.path + "/a/uid") == 100)
    #expect(try Files.info(folder.path + "/host")?.mode == 0o700)
  }

  /// A home that comes from another host has a uid that this host has not given yet.
  @Test func recordedOneIsNotGivenToAnother() throws {
    try folder.write("moved/uid", "format 1\nuid 101\n")
    #expect(try numbers().number(recordedIn: folder.path + "/moved/uid") == 101)
    #expect(try numbers().number(recordedIn: folder.path + "/new/uid") == 102)
  }

  @Test func manyAtOnceGetDifferentOnes() async throws {
    let (numbers, path) = (numbers(1000...2000), folder.path)
    let given = try await withThrowingTaskGroup(of: UInt32.self) { group in
      for index in 0..<40 {
        group.addTask { try numbers.number(recordedIn: "\(path)/app\(index % 20)/uid") }
      }
      return try await group.reduce(into: [UInt32]()) { $0.append($1) }
    }
    #expect(Set(given) == Set(1000...1019) && given.count == 40)
  }

  @Test(arguments: [
    ("", "damaged"), ("format 2\nuid 101\n", "newer format"), ("format 1\nuid x\n", "damaged"),
    ("format 1\nuid 0\n", "the uid 0 in"), ("format 1\nuid 104\n", "used up"),
    ("format 1\nuid 4294967295\n", "not one for apps"), ("format 1\nnext 101\n", "damaged"),
  ]) func badRecordIsNamed(_ text: String, _ words: String) throws {
    try folder.write("bad/uid", text)
    let said = failure("bad/uid", numbers()) ?? ""
    #expect(said.hasPrefix("RT-APP-USER") && said.contains(words), "\(said)")
    #expect(try Files.read(folder.path + "/bad/uid") == Array(text.utf8))
  }
}
