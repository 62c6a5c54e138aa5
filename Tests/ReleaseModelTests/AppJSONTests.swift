import Events
import JSONText
import ReleaseModel
import Testing

@Suite struct AppJSONTests {
  private func read(_ text: String) throws(Cause) -> AppJSON {
    try AppJSON(bytes: Array(text.utf8))
  }

  @Test func readsEveryField() throws {
    let app = try read(
      """
      {
        "name": "shop", "unknown": [1, {}], "buildpacks": [{"url": "x"}],
        "env": {
          "SECRET_KEY_BASE": {"generator": "secret", "description": "signs"},
          "HOST": "example.com", "SENTRY": {"required": false}
        },
        "formation": {"web": {"quantity": 2, "size": "standard-1x"}, "worker": {}},
        "healthchecks": {"web": [{"type": "startup", "path": "/health", "attempts": 3}]},
        "scripts": {
          "postdeploy": "bin/seed", "pr-predestroy": {"command": "bin/drop", "size": "basic"},
          "dokku": {"predeploy": "bin/before", "postdeploy": "bin/after"}
        }
      }
      """)
    #expect(app.name == "shop")
    #expect(app.env?["HOST"]?.value == "example.com" && app.env?["SENTRY"]?.required == false)
    #expect(app.env?["SECRET_KEY_BASE"]?.generator == "secret")
    #expect(app.formation?["web"]?.quantity == 2 && app.formation?["worker"]?.quantity == nil)
    #expect(app.readiness(of: "web")?.attempts == 3)
    #expect(
      app.scripts == [
        "postdeploy": "bin/seed", "pr-predestroy": "bin/drop", "dokku.predeploy": "bin/before",
        "dokku.postdeploy": "bin/after",
      ])
    // A manifest stores it unchanged.
    #expect(try JSON.decode(AppJSON.self, from: JSON.encode(app)) == app)
  }

  @Test func everyFieldIsOptional() throws {
    #expect(try read("{}") == AppJSON())
    #expect(try read("{\"scripts\": null, \"name\": null}") == AppJSON())
    #expect(try read("{\"scripts\": {}}").scripts == [:])
    #expect(try read("{\"scripts\": {\"dokku\": {}}}").scripts == [:])
  }

  static let refused: [(String, String)] = [
    ("", "that is not JSON"), ("[]", "has the wrong type"), ("{\"scripts\"", "that is not JSON"),
    ("{\"scripts\": []}", "'scripts' has the wrong type"),
    ("{\"scripts\": \"x\"}", "'scripts' has the wrong type"),
    ("{\"scripts\": {\"postdeploy\": 1}}", "'scripts.postdeploy' has the wrong type"),
    ("{\"scripts\": {\"postdeploy\": [\"a\"]}}", "'scripts.postdeploy' has the wrong type"),
    ("{\"scripts\": {\"postdeploy\": {}}}", "'scripts.postdeploy.command' is missing"),
    ("{\"scripts\": {\"dokku\": \"x\"}}", "'scripts.dokku' has the wrong type"),
    (
      "{\"scripts\": {\"dokku\": {\"predeploy\": 1}}}",
      "'scripts.dokku.predeploy' has the wrong type"
    ),
    (
      "{\"formation\": {\"web\": {\"quantity\": \"2\"}}}",
      "'formation.web.quantity' has the wrong type"
    ),
    ("{\"formation\": {\"web\": 2}}", "'formation.web' has the wrong type"),
    ("{\"healthchecks\": {\"web\": {}}}", "'healthchecks.web' has the wrong type"),
    ("{\"env\": [\"A\"]}", "'env' has the wrong type"),
    ("{\"env\": {\"A\": 1}}", "'env.A' has the wrong type"),
  ]

  @Test(arguments: refused) func wrongTypesAreNamed(_ text: String, _ reason: String) {
    do throws(Cause) {
      Issue.record("'\(text)' is read as \(try read(text))")
    } catch {
      #expect(error.id == "RT-APPJSON-FORMAT" && error.sentence == "app.json: " + reason)
    }
  }
}
