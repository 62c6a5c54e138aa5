import Dashboard
import Events
import HomeLayout
import Terminal
import Testing

struct NavigationTests {
  @Test func theSelectionBeginsWhereSomethingIsWrong() {
    #expect(Story().model.app == "worker")
    #expect(Story(.calm).model.app == "greeter")
  }

  @Test(
    arguments: [
      (["g"], "billing"), (["g", "k"], "billing"), (["G"], "worker"), (["G", "j"], "worker"),
      (["g", "j", "j"], "old-blog"), (["g", "PgDn", "PgDn"], "worker"), (["k", "Up"], "old-blog"),
      (["Home", "^D", "^U"], "billing"), (["/", "g", "r", "Enter"], "greeter"),
      (["/", "x", "x", "Esc"], "worker"), (["/", "s", "h", "Enter", "g", "Esc"], "shop"),
    ] as [([String], String)])
  func selection(keys: [String], app: String) {
    var story = Story()
    for key in keys { story.press(key) }
    #expect(story.model.app == app)
  }

  @Test func aSelectedAppThatIsGoneGivesWay() {
    var story = Story()
    story.tell(.board(Past.calm.board))
    #expect(story.model.app == "greeter")
    story.tell(.board(Board()))
    #expect(story.model.app == nil)
    story.expect("No app is deployed here yet.")
  }

  /// A restart ends the selected run; the selection goes on with its successor.
  @Test func aSelectedInstanceIsFoundAgain() {
    var past = Past.calm
    var story = Story(past)
    story.press("Enter", "j")
    let old = past.board.apps["greeter"]?.runs.last { $0.instance == InstanceName("web", 2) }
    past.run("greeter", InstanceName("web", 2), 2, port: 4009, ago: 5)
    past.end(.instanceStopped, "greeter", old?.id ?? 0, ago: 1)
    story.tell(.board(past.board))
    story.expect("▸web.2     ready  v2")
    story.press("R")
    story.expect("Restart web.2 of greeter")
  }

  @Test func escapeStepsBackAndNeverQuits() {
    var story = Story(.calm)
    story.press("Enter", "l")
    #expect(story.model.view == .logs)
    for _ in 0..<6 { story.press("Esc") }
    #expect(story.model.view == .apps && story.effects == [])
    story.press("q")
    #expect(story.effects == [.quit])
  }

  @Test func tabsGoRound() {
    var story = Story(.calm)
    var seen: [ViewName] = []
    for _ in ViewName.allCases {
      story.press("Tab")
      seen.append(story.model.view)
    }
    #expect(seen == [.nodes, .otpApps, .boot, .logs, .events, .previews, .apps])
    story.press("Shift-Tab")
    #expect(story.model.view == .previews)
    story.press("^L")
    #expect(story.effects == [.redraw])
  }

  @Test func whatAViewNeedsIsAskedForOnce() {
    var story = Story(.calm)
    story.press("4")
    #expect(story.effects == [.readManifest(slug: Past.slugs[0])])
    story.press("3", "4")
    #expect(story.effects == [])
    story.expect("Reading slug 9f3c0a")
    story.tell(.manifest(slug: Past.slugs[0], .failure(Cause(.slugUnknown, "it is gone"))))
    story.expect("it is gone", "Build one with")
    story.press("5")
    #expect(story.effects == [.readOutput(app: "greeter", nil)])
    story.press("1", "Enter", "l")
    #expect(story.effects == [.readOutput(app: "greeter", InstanceName("web", 1))])
  }

  @Test func logsFollowUntilTheOperatorScrolls() {
    var story = Story(.calm, rows: 12)
    func lines(_ range: Range<Int>) -> Message {
      .lines(
        range.map {
          OutputLine(
            time: Past.now, app: "greeter", instance: InstanceName("web", 1), run: 1,
            text: "line \($0).")
        })
    }
    story.press("5")
    story.tell(lines(0..<50))
    story.expect("line 49.", "following")
    story.press("k")
    story.tell(lines(50..<60))
    story.expect("line 48.", "paused, 11 newer below", absent: ["line 49.", "line 59."])
    story.press("G")
    story.expect("line 59.", "following")
    story.press("g")
    story.tell(lines(60..<5000))
    story.expect("line 3000.", "paused")
    story.press("/", "4", "9", "9", "9", "Enter")
    story.expect("line 4999.", "following", absent: ["line 4998."])
  }

  @Test(
    arguments: [
      ("err", true), ("ERR", true), ("Err", false), ("漢", true), ("é", true), ("字漢", false),
      ("e 漢", true), ("z", false),
    ])
  func aFilterHasCapitalsOnlyWhereTheyAreMeant(typed: String, isFound: Bool) {
    var story = Story(.calm)
    story.press("5")
    story.tell(
      .lines([
        OutputLine(
          time: Past.now, app: "greeter", instance: InstanceName("web", 1), run: 1,
          text: "ERR line 漢字 é")
      ]))
    story.press("/")
    for character in typed { story.press(String(character)) }
    story.expect(isFound ? "ERR line" : "No line matches.")
  }

  /// No size and no key leads to a trap or a frame of another size.
  @Test func everySizeHasAFrame() {
    let keys = [
      "1", "Enter", "R", "Esc", "Esc", "B", "Tab", "Esc", "2", "3", "4", "5", "g", "6", "G", "k",
      "/", "a", "Enter", "?", "j", "k", "q", "PgDn", "^D",
    ]
    var wrong: [String] = []
    for (columns, rows) in [(0, 0), (1, 1), (2, 3), (7, 2), (20, 5), (33, 7), (80, 1), (3, 40)] {
      var story = Story(columns: columns, rows: rows)
      for key in keys {
        story.press(key)
        let size = story.model.frame().size
        if size != Size(columns: columns, rows: rows) { wrong.append("\(columns)x\(rows) \(key)") }
      }
      story.tell(.resize(Size(columns: 80, rows: 24)))
      story.press("Esc", "1")
      story.expect("1 Apps", "worker")
    }
    #expect(wrong == [])
  }

  @Test func theSelectedAppStaysInSight() {
    var past = Past()
    for number in 0..<60 {
      past.create(
        "app-\(number)", 1, slug: 0, config: "c", by: "ana", ago: 100, formation: ["web": 1])
    }
    var story = Story(past)
    for key in ["G", "k", "PgUp", "^U", "g", "PgDn", "j"] {
      story.press(key)
      story.expect("▸\(story.model.app ?? "?") ")
    }
    story.tell(.resize(Size(columns: 40, rows: 6)))
    story.expect("▸\(story.model.app ?? "?") ")
  }
}
