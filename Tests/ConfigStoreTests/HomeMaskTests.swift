import ConfigStore
import Events
import Glibc
import HomeLayout
import Posix
import Redaction
import TestSupport
import Testing

@Suite struct HomeMaskTests {
  let folder: TemporaryFolder
  let home: Home

  init() throws {
    folder = try TemporaryFolder("mask")
    home = Home(root: folder.path + "/home")
  }

  @discardableResult
  func save(_ app: String, _ values: [String: String]) throws -> String {
    try ConfigSets(home: home, app: app).save(ConfigSet(values))
  }

  @Test func knowsAllSetsOfAllAppsAndThoseThatCome() throws {
    let mask = HomeMask(home: home, and: ConfigSet(["MINE": "value of mine"]))
    let text = "old-password new-password their-password value of mine"
    #expect(mask.current()(text) == "old-password new-password their-password «MINE»")
    try save("shop", ["OLD": "old-password"])
    try save("shop", ["NEW": "new-password"])
    #expect(mask.current()(text) == "«OLD» «NEW» their-password «MINE»")
    try save("blog", ["THEIRS": "their-password"])
    #expect(mask.current()(text) == "«OLD» «NEW» «THEIRS» «MINE»")
    #expect(HomeMask(home: home, app: "blog").current()("new-password") == "new-password")
  }

  /// Root may save in another user's home, where the mark could lead anywhere or hold it up.
  @Test(arguments: ["link", "dangling", "pipe", "second name"])
  func aMarkThatIsNone(_ what: String) throws {
    let elsewhere = folder.path + "/elsewhere"
    try Files.makeFolder(home.root)
    if what != "dangling" { try Files.replace(elsewhere, with: [1]) }
    switch what {
    case "pipe": #expect(mkfifo(home.configMark, 0o600) == 0)
    case "second name": try Files.hardLink(elsewhere, at: home.configMark)
    default: try Files.symbolicLink(to: elsewhere, at: home.configMark)
    }
    #expect(throws: Cause.self) { try save("shop", ["A": "some value"]) }
    #expect(try what == "dangling" ? !Files.exists(elsewhere) : Files.read(elsewhere) == [1])
  }

  /// Whatever the times of its folder are.
  @Test func knowsAtOnceWhatAnotherProcessSaves() throws {
    try save("shop", ["OLD": "old-password"])
    let (mask, other) = (HomeMask(home: home), HomeMask(home: home, app: "shop"))
    for mask in [mask, other] {
      #expect(mask.current()("old-password new-password") == "«OLD» new-password")
    }
    try save("shop", ["NEW": "new-password"])
    let touch = Invocation(
      ["touch", "-d", "1 hour ago", home.app("shop").configs], environment: Environment.current)
    try #require(try touch.run().isSuccess)
    for mask in [mask, other] {
      #expect(mask.current()("old-password new-password") == "«OLD» «NEW»")
    }
  }

  /// A program that is killed between the file and the mark has not told of the set; the next one that uses it does.
  @Test func aSaveThatWasCutOffIsMadeGood() throws {
    try save("shop", ["OLD": "old-password"])
    let mask = HomeMask(home: home)
    _ = mask.current()
    let mark = try Files.read(home.configMark)
    try save("shop", ["NEW": "new-password"])
    #expect(try Files.read(home.configMark).count == mark.count + 1)
    _ = HomeMask(home: home).current()
    // Its set was there already.
    try save("shop", ["NEW": "new-password"])
    #expect(try Files.read(home.configMark).count == mark.count + 2)
  }

  @Test func aHomeWithoutMarkGetsOne() throws {
    try save("shop", ["OLD": "old-password"])
    try Files.remove(home.configMark)
    let mask = HomeMask(home: home)
    #expect(mask.current()("old-password") == "«OLD»")
    #expect(Files.exists(home.configMark))
    #expect(try Files.info(home.configMark)?.mode == 0o600)
    try save("shop", ["NEW": "new-password"])
    #expect(mask.current()("new-password") == "«NEW»")
  }

  /// What the sets' files hold now would mask nothing.
  @Test func theStoredMaskIsReadInsteadOfTheSets() throws {
    let digest = try save("shop", ["OLD": "old-password"])
    _ = HomeMask(home: home).current()
    try Files.replace(home.app("shop").config(digest), with: [])
    let text = "old-password new-password value of mine"
    #expect(HomeMask(home: home).current()(text) == "«OLD» new-password value of mine")
    let mine = HomeMask(home: home, and: ConfigSet(["MINE": "value of mine"]))
    #expect(mine.current()(text) == "«OLD» new-password «MINE»")
    // It is what new sets are added to, and none of another process's own values are.
    try save("blog", ["NEW": "new-password"])
    #expect(mine.current()(text) == "«OLD» «NEW» «MINE»")
    #expect(HomeMask(home: home).current()(text) == "«OLD» «NEW» value of mine")
    #expect(try Files.info(home.configMask)?.mode == 0o600)
  }

  @Test func aStoredMaskThatDoesNotFitIsNotUsed() throws {
    try save("shop", ["OLD": "old-password"])
    let mask = HomeMask(home: home)
    _ = mask.current()
    let whole = try Files.read(home.configMask)
    var flipped = whole
    flipped[whole.count - 5] ^= 1
    var newer = whole
    newer[7] += 1
    for wrong in [flipped, newer, Array(whole.dropLast()), Array(whole.prefix(9)), []] {
      try Files.replace(home.configMask, with: wrong)
      #expect(HomeMask(home: home).current()("old-password") == "«OLD»")
      #expect(try Files.read(home.configMask) == whole, "not made anew")
    }
    // One of before.
    try save("shop", ["NEW": "new-password"])
    #expect(HomeMask(home: home).current()("old-password new-password") == "«OLD» «NEW»")
    try Files.replace(home.configMask, with: whole)
    #expect(HomeMask(home: home).current()("old-password new-password") == "«OLD» «NEW»")
  }

  @Test func aCopyOfAHomeLooksForItself() throws {
    try save("shop", ["OLD": "old-password"])
    _ = HomeMask(home: home).current()
    let late = try save("shop", ["NEW": "new-password"])
    let copy = Home(root: folder.path + "/copy")
    let copying = Invocation(
      ["cp", "-a", home.root, copy.root], environment: Environment.current)
    try #require(try copying.run().isSuccess)
    #expect(HomeMask(home: copy).current()("old-password new-password") == "«OLD» «NEW»")
    try Files.remove(copy.app("shop").config(late))
    _ = try ConfigSets(home: copy, app: "shop").save(ConfigSet(["OLD": "old-password"]))
    #expect(HomeMask(home: copy).current()("old-password new-password") == "«OLD» new-password")
  }

  @Test func ofAnAppThatWasRemovedNothingStays() throws {
    try save("shop", ["OLD": "old-password"])
    try save("blog", ["THEIRS": "their-password"])
    let mask = HomeMask(home: home)
    #expect(mask.current()("old-password their-password") == "«OLD» «THEIRS»")
    func isStored(_ text: String) throws -> Bool {
      String(decoding: try Files.read(home.configMask), as: UTF8.self).contains(text)
    }
    #expect(try isStored("old-password"))
    try Files.remove(home.app("shop").path)
    #expect(mask.current()("old-password their-password") == "old-password «THEIRS»")
    #expect(try !isStored("old-password") && isStored("their-password"))
    try Files.remove(home.app("blog").path)
    #expect(HomeMask(home: home).current()("their-password") == "their-password")
    #expect(try !isStored("their-password"))
  }

  /// A file that is not as it was stored can still hold values that are in use.
  @Test func damageHidesNoValueAndStopsNothing() throws {
    let broken = try save("shop", ["A": "first-password"])
    let changed = try save("shop", ["B": "second-password"])
    try Files.replace(home.app("shop").config(broken), with: Array("{".utf8))
    try Files.replace(
      home.app("shop").config(changed),
      with: Array(#"{"format":9,"values":{"C":"third-password"}}"#.utf8))
    try Files.replace(home.app("shop").configs + "/note", with: Array("no set".utf8))
    let mask = HomeMask(home: home)
    #expect(mask.current()("first-password third-password") == "first-password «C»")
    try save("shop", ["A": "first-password"])
    try save("shop", ["B": "second-password"])
    #expect(mask.current()("first-password second-password") == "«A» «B»", "not looked at again")
  }
}
