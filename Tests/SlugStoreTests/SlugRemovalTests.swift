import Events
import Glibc
import HomeLayout
import Posix
import SlugStore
import TestSupport
import Testing

@Suite struct SlugRemovalTests {
  let release: ReleaseTree
  let removal: SlugRemoval
  /// Two slugs that differ in one file.
  let first: String
  let second: String

  init() throws {
    release = try ReleaseTree()
    removal = SlugRemoval(release.store)
    first = try release.store()
    try release.folder.write("tree/lib/more", "more and more")
    second = try release.store()
  }

  private func run(
    _ ids: [String], isUnused: (String) throws(Cause) -> Bool = { _ in true },
    tell: (String) throws(Cause) -> Void = { _ in }
  ) throws -> SlugRemoval.Freed {
    try removal.run(choose: { ids }, isUnused: isUnused, tell: tell)
  }

  private func objects() throws -> Int {
    try FileTree.entries(of: release.home.objects).filter { $0.info.kind == .file }.count
  }

  @Test func whatOnlyOneHadGoesWithIt() throws {
    let before = try objects()
    let estimate = removal.estimate([second])
    var told: [String] = []
    let freed = try run([second], tell: { told.append($0) })
    #expect(freed.removed == [second] && told == [second])
    #expect(freed == estimate, "\(freed) \(estimate)")
    #expect(try objects() == before - 1)
    #expect(try release.slugsAndNews() == [first])
    #expect(release.store.verify(first)?.findings == [])
    #expect(try run([first]).removed == [first] && objects() == 0)
    #expect(try release.slugsAndNews() == [])
    // Nothing stands in the way of the same one coming back.
    #expect(try release.store() == second && release.store.verify(second)?.findings == [])
  }

  @Test func aSlugThatIsNeededMeanwhileIsKept() throws {
    #expect(try run([first, second], isUnused: { $0 != first }).removed == [second])
    #expect(release.store.verify(first)?.findings == [])
    try release.store()
    // It is looked up for a deployment just before it is put aside.
    let store = release.store
    let freed = try removal.run(
      choose: { () throws(Cause) in [first] },
      isUnused: { id throws(Cause) in
        try? Files.touch(release.home.slugs + "/.gone-" + id)
        return true
      }, tell: { _ in })
    #expect(freed.removed == [first])
    #expect(throws: Cause.self) { try store.touch(first) }
  }

  @Test func whatWasLeftByAKillIsFinished() throws {
    let slugs = release.home.slugs
    // A removal that was killed after the rename, and a storing in the middle.
    try Files.rename(slugs + "/" + second, to: slugs + "/.gone-" + second)
    try FileTree.copy(release.store.folder(first), to: slugs + "/.new-0011")
    try File.open(release.home.objects + "/.new-0022", .create).write("half")
    try Files.makeFolder(release.home.objects + "/ff")
    try File.open(release.home.objects + "/ff/" + String(repeating: "0", count: 62), .create)
      .write("of a slug that never came")
    var told: [String] = []
    let freed = try run([], tell: { told.append($0) })
    #expect(told == [second] && freed.removed == [second])
    #expect(try release.slugsAndNews() == [first])
    #expect(release.store.verify(first)?.findings == [])
    let names = try FileTree.entries(of: release.home.objects).filter { $0.info.kind == .file }
    #expect(names.allSatisfy { $0.info.names > 1 })
  }

  @Test func aLeftoverThatIsNeededComesBack() throws {
    let slugs = release.home.slugs
    try Files.rename(slugs + "/" + second, to: slugs + "/.gone-" + second)
    #expect(try run([], isUnused: { _ in false }).removed == [])
    #expect(try release.slugsAndNews().sorted() == [first, second].sorted())
    // And one that was stored again is no leftover of its own.
    try Files.rename(slugs + "/" + second, to: slugs + "/.gone-" + second)
    try release.store()
    #expect(try run([], isUnused: { _ in false }).removed == [])
    #expect(release.store.verify(second)?.findings == [])
    #expect(try release.slugsAndNews().sorted() == [first, second].sorted())
  }

  @Test func whatCannotBeToldStays() throws {
    #expect(throws: Cause.self) {
      try run([first], tell: { _ throws(Cause) in throw Cause(.logFull, "no") })
    }
    // It is finished by the next one.
    var told: [String] = []
    #expect(try run([], tell: { told.append($0) }).removed == [first] && told == [first])
  }

  @Test func noSlugIsStoredMeanwhile() throws {
    let isHeld = try removal.run(
      choose: { () throws(Cause) in
        let isHeld = (try? Lock.isHeld(release.home.slugs + "/.lock")) ?? false
        return isHeld ? [first] : []
      }, isUnused: { _ in true }, tell: { _ in })
    #expect(isHeld.removed == [first])
    let empty = SlugRemoval(StoredSlugs(home: Home(root: release.folder.path + "/none")))
    #expect(try empty.run(choose: { [] }, isUnused: { _ in true }, tell: { _ in }).removed == [])
    #expect(!Files.exists(release.folder.path + "/none"))
  }
}
