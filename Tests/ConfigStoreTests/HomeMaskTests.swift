import ConfigStore
import Posix
import ReleaseModel
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
    try ConfigStore(home: home, app: app).save(ConfigSet(values))
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

  /// Folders that have not changed for a while are not listed again, until they change.
  @Test func knowsWhatComesLate() throws {
    try save("shop", ["OLD": "old-password"])
    let folders = [home.apps, home.app("shop").configs]
    let touch = Invocation(
      ["touch", "-d", "1 hour ago"] + folders, environment: Environment.current)
    try #require(try touch.run().isSuccess)
    let mask = HomeMask(home: home)
    #expect(mask.current()("old-password new-password") == "«OLD» new-password")
    try save("shop", ["NEW": "new-password"])
    try save("blog", ["THEIRS": "their-password"])
    #expect(mask.current()("old-password new-password their-password") == "«OLD» «NEW» «THEIRS»")
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
