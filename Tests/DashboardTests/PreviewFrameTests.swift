import Dashboard
import Events
import HomeLayout
import Terminal
import Testing

/// The view of previews, and its keys.
struct PreviewFrameTests {
  /// A host with an app and some of its previews: ready, asleep, failed, being closed, and one of a fork that is pinned.
  private static var previews: Past {
    var past = Past()
    past.create("shop", 1, slug: 0, config: "c", by: "ana", ago: 90_000, formation: ["web": 1])
    past.run("shop", InstanceName("web", 1), 1, port: 4001, ago: 90_000)
    past.finish("shop", 1, ago: 89_990)
    for (pull, fork, ago) in [
      (12, false, 7200), (13, false, 9000), (14, true, 400), (15, false, 300),
    ]
      as [(Int, Bool, Int64)]
    {
      let name = "shop-pr-\(pull)"
      let request = past.add(.previewOpenRequested, name, ago: ago) {
        ($0.parent, $0.pull, $0.slug) = ("shop", pull, Past.slugs[1])
        ($0.by, $0.fork) = ("ben", fork ? true : nil)
        $0.lease = pull == 12 ? 3 * 3_600_000 : nil
      }
      past.add(.requestAccepted, name, ago: ago) { $0.request = "event-\(request)" }
      past.create(name, 1, slug: 1, config: "c", by: "ben", ago: ago, formation: ["web": 1]) {
        ($0.commit, $0.line) = ("4be1c90aa\(pull)", "Charge in cents, part \(pull)")
      }
      let run = past.run(name, InstanceName("web", 1), 1, port: UInt16(4000 + pull), ago: ago)
      past.finish(name, 1, ago: ago - 10)
      past.add(.requestFinished, name, ago: ago - 10) { $0.request = "event-\(request)" }
      if pull == 13 {
        past.add(.appSlept, name, ago: 100)
        past.end(.instanceStopped, name, run, ago: 99)
      }
      if pull == 14 {
        let pin = past.add(.previewRenewRequested, name, ago: 350) {
          ($0.lease, $0.by) = (0, "ana")
        }
        past.add(.requestAccepted, name, ago: 350) { $0.request = "event-\(pin)" }
      }
      if pull == 15 {
        let close = past.add(.previewCloseRequested, name, ago: 200) { $0.by = "lease" }
        past.add(.requestAccepted, name, ago: 200) { $0.request = "event-\(close)" }
        past.end(.instanceStopped, name, run, ago: 199)
        past.add(.requestFailed, name, ago: 190) {
          $0.request = "event-\(close)"
          $0.cause = Cause(
            .previewLeftover,
            "'shop-pr-15' is not closed completely: the hook destroy of the add-on 'postgresql' ended with exit code 1: login as postgres failed"
          )
        }
      }
    }
    return past
  }

  @Test(arguments: [(80, 24), (200, 60), (40, 12), (20, 5)])
  func view(columns: Int, rows: Int) throws {
    var story = Story(Self.previews, columns: columns, rows: rows)
    story.press("8")
    try Golden.expect(frame: story.text, "previews-\(columns)x\(rows)")
  }

  @Test func roles() throws {
    var story = Story(Self.previews)
    story.press("8")
    try Golden.expect(frame: story.model.frame().annotated, "previews-80x24-roles")
  }

  @Test func emptyList() {
    var story = Story()
    story.press("8")
    story.expect("No preview is open.", "relctl preview open")
    story.press("C")
    story.expect("No preview is selected.")
  }

  /// Apps and previews have a list each.
  @Test func previewsAreNoRowsAmongTheApps() {
    let story = Story(Self.previews)
    story.expect("shop ", "1 app", "4 previews", absent: ["shop-pr-12"])
  }

  @Test(arguments: [
    ("N", EventType.previewRenewRequested, "shop-pr-12"),
    ("P", .previewRenewRequested, "shop-pr-12"),
    ("C", .previewCloseRequested, "shop-pr-12"), ("M", .promoteRequested, "shop"),
  ])
  func keysAskFirst(key: String, type: EventType, app: String) {
    var story = Story(Self.previews)
    story.press("8", key)
    #expect(story.request == nil)
    story.expect("[ No ]")
    story.press("y")
    #expect(story.request?.type == type)
    #expect(story.request?.app == app)
    if type == .promoteRequested { #expect(story.request?.data.slug == Past.slugs[1]) }
  }

  @Test func whatCannotBeIsSaid() {
    var story = Story(Self.previews)
    story.press("8", "j", "j", "P")
    story.expect("It is pinned already")
    story.press("M")
    story.expect("never promoted")
    story.press("o")
    story.expect("It has no address while no router runs.")
    var readOnly = Story(Self.previews, isReadOnly: true)
    readOnly.press("8", "C")
    #expect(readOnly.request == nil)
    readOnly.expect("read-only")
  }
}
