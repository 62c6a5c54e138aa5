import Events
import HomeLayout
import JSONText
import Testing

@testable import ReleaseModel

/// What app.json says for previews, and what CI writes of one.
struct PreviewManifestTests {
  private static let text = #"""
    {"env": {"A": "own", "B": {"description": "b", "required": true}, "S": {"generator": "secret"}},
     "formation": {"web": {"quantity": 2, "size": "standard-1x"}}, "stack": "heroku-24",
     "buildpacks": [{"url": "x"}], "addons": ["redis", {"plan": "postgresql:small", "as": "DB", "options": {"v": 1}}],
     "scripts": {"postdeploy": "own", "pr-predestroy": "bye"},
     "environments": {"test": 7, "review": {"env": {"A": "review", "B": "given"},
       "formation": {"web": {"quantity": 1}}, "scripts": {"postdeploy": "review"}}}}
    """#

  @Test func environmentForPreviews() throws {
    let own = try AppJSON(bytes: Array(Self.text.utf8))
    #expect(own.ignored == ["buildpacks", "stack", "formation.size"])
    #expect(own.addons?.map(\.name) == ["redis", "postgresql"])
    #expect(own.addons?.map(\.tier) == ["", "small"])
    let review = own.forPreview
    #expect(review.env?["A"]?.value == "review")
    #expect(review.env?["B"]?.value == "given")
    #expect(review.env?["B"]?.description == "b")
    #expect(review.env?["S"]?.generator == "secret")
    #expect(review.formation?["web"]?.quantity == 1)
    #expect(review.scripts == ["postdeploy": "review", "pr-predestroy": "bye"])
    #expect(review.addons == own.addons)
    // The manifest keeps all of it.
    let again = try AppJSON(bytes: JSON.encode(own))
    #expect(again == own)
  }

  @Test func scriptsAreProcessTypesOfPreviewsOnly() throws {
    let manifest = Manifest(
      otpReleases: [], processes: [], appJSON: try AppJSON(bytes: Array(Self.text.utf8)),
      tools: [:],
      target: .host, files: [])
    var app = Board.App(name: "shop-pr-1", changed: Timestamp(milliseconds: 0))
    #expect(manifest.fit(for: app).command(of: "postdeploy") == nil)
    app.preview = Board.Preview(parent: "shop", pull: 1, until: nil)
    let fit = manifest.fit(for: app)
    #expect(fit.command(of: "postdeploy") == "review")
    #expect(fit.command(of: "pr-predestroy") == "bye")
    #expect(fit.defaultFormation["postdeploy"] == nil)
  }

  /// Nothing from outside gets out of its code: markup, mentions, tables.
  @Test func commentIsHarmless() {
    var app = Board.App(name: "shop-pr-1", changed: Timestamp(milliseconds: 0))
    app.preview = Board.Preview(
      parent: "shop", pull: 1, until: Timestamp(milliseconds: 1_795_262_670_000))
    var board = Board()
    board.apps[app.name] = app
    board.apply(
      Event(
        sequence: 1, id: "1", time: Timestamp(milliseconds: 0), source: "test",
        type: .releaseCreated,
        app: app.name,
        data: EventData {
          ($0.release, $0.config) = (ReleaseNumber(3), "c")
          $0.slug = String(repeating: "a", count: 64)
          $0.commit = "4be1c90aaaaaaaaa"
          $0.line = "`@everyone` | <img src=x>\n[x](http://evil)"
        }))
    app = board.apps[app.name] ?? app
    app.current = ReleaseNumber(3)
    app.address = "http://pr-1.shop.localhost:8080"
    let report = PreviewReport(app, now: Timestamp(milliseconds: 0))
    let comment = report.map {
      PreviewComment($0, parent: nil, diff: nil, boot: (nil, nil)).markdown
    }
    #expect(
      comment == """
        <!-- reltui preview shop-pr-1 -->
        ### Preview of #1: stopped

        | | |
        |---|---|
        | URL | http://pr-1.shop.localhost:8080 |
        | Commit | `4be1c90aaaaa` ` @everyone    <img src=x> [x](http://evil)` |
        | Slug | `aaaaaaaaaaaa` as v3 |
        | Stays | until 2026-11-21T12:04:30.000Z |

        """)
  }
}
