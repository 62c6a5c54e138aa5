import ConfigStore
import Events
import HomeLayout
import Posix
import Redaction
import TestSupport
import Testing

/// The variables that an app's builds get.
struct SavedBuildVariablesTests {
  let folder: TemporaryFolder
  let home: Home
  var config: SavedBuildVariables { SavedBuildVariables(home: home, app: "shop") }
  private var file: String { home.app("shop").buildConfig }

  init() throws {
    folder = try TemporaryFolder("build-config")
    home = Home(root: folder.path + "/home")
  }

  private func set(_ name: String, _ value: String, isSecret: Bool = false) throws {
    try config.change { old in
      var new = old
      new.set(name, to: value, isSecret: isSecret)
      return new
    }
  }

  @Test func areKeptAndMasked() throws {
    #expect(try config.load() == ConfigSet())
    try set("TOKEN", "t0k3", isSecret: true)
    try set("MIRROR", "no-secret")
    #expect(
      try config.load() == ConfigSet(["TOKEN": "t0k3", "MIRROR": "no-secret"], secret: ["TOKEN"]))
    #expect(try Files.info(file)?.mode == 0o600)
    #expect(try !String(decoding: Files.read(file), as: UTF8.self).contains("t0k3"))
    #expect(HomeMask(home: home).current()("t0k3 no-secret") == "«TOKEN» «MIRROR»")
    #expect(try SavedBuildVariables(home: home, app: "other").load() == ConfigSet())
  }

  @Test func twoChangesAtOnceAreBothKept() throws {
    let names = (0..<8).map { "NAME_\($0)" }
    let this = self
    _ = Threads.collect(names.count) { index in try? this.set(names[index], "x") }
    #expect(try config.load().values.keys.sorted() == names)
  }

  @Test(arguments: [
    ("{}", "RT-CONFIG-DAMAGED"), ("", "RT-CONFIG-DAMAGED"),
    (#"{"format":2,"config":"x"}"#, "RT-FORMAT-NEWER"),
    (#"{"format":1,"config":"../../secret"}"#, "RT-CONFIG-DAMAGED"),
  ]) func aWrongFileIsNotGuessedAt(_ text: String, _ id: String) throws {
    try set("A", "x")
    try Files.replace(file, with: Array(text.utf8))
    let cause = #expect(throws: Cause.self) { try config.load() }
    #expect(cause?.id == id)
  }
}
