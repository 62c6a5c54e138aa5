import Events
import Posix
import TestSupport
import Testing

/// A slug that was tested in one app runs in another, with the other app's config vars.
@Suite(.waitsForPrograms) struct PromoteTests {
  @Test func slugRunsWithTheOtherAppsConfig() throws {
    let stage = try Stage("promote")
    #expect(try stage.relctl("deploy", "staging", try Greeter.slug.get()).exit == .code(0))
    #expect(
      try stage.relctl("config", "shop", "set", "GREETER_GREETING=Welcome back").exit == .code(0))
    let promoted = try stage.relctl("promote", "staging", "shop")
    #expect(promoted.exit == .code(0), "\(promoted.errors)")
    #expect(promoted.output.contains("v1 (from staging v1): slug "), "\(promoted.output)")
    let ready = try stage.ready()
    #expect(ready.map(\.app) == ["shop", "staging"] && Set(ready.map(\.slug)).count == 1)
    #expect(stage.greet(ready[0])?.contains("Welcome back") == true)
    #expect(stage.greet(ready[1])?.contains("Hello") == true)
    #expect(try stage.relctl("releases", "shop").output.contains("promote from staging v1"))
    let created = try stage.checkedEvents().last { $0.type == .releaseCreated }
    #expect(created?.data.origin == AppRelease("staging/v1") && created?.data.from == nil)

    // An app that is stopped stays in the list.
    #expect(try stage.relctl("stop", "staging").exit == .code(0))
    let lines = try stage.relctl("ps").lines
    #expect(
      lines.contains { $0.hasPrefix("staging  –") && $0.contains(" v1 ") && $0.contains("stopped") }
    )
    #expect(try stage.relctl("ps", "--json").output.contains(#""app":"staging","#))
  }
}
