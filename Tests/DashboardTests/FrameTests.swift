import Dashboard
import Events
import HomeLayout
import Terminal
import Testing

/// Whole screens, which a person has checked.
struct FrameTests {
  @Test(arguments: [(80, 24), (200, 60), (120, 40), (40, 12), (20, 5)])
  func apps(columns: Int, rows: Int) throws {
    let story = Story(columns: columns, rows: rows)
    try Golden.expect(frame: story.text, "apps-\(columns)x\(rows)")
  }

  @Test func roles() throws {
    try Golden.expect(frame: Story().model.frame().annotated, "apps-80x24-roles")
  }

  /// Keys from the first screen of the night to a view.
  static let views: [(name: String, keys: [String])] = [
    ("instances", ["g", "j", "Enter", "j"]),
    ("nodes", ["2"]),
    ("otp-apps", ["g", "j", "3"]),
    ("boot", ["g", "j", "4"]),
    ("logs", ["g", "j", "l"]),
    ("logs-paused", ["g", "j", "l", "g"]),
    ("events", ["6"]),
    ("help", ["?"]),
    ("filter", ["/", "s", "h"]),
    ("restart", ["g", "j", "Enter", "R"]),
    ("rollback", ["g", "j", "B", "Tab"]),
  ]

  @Test(arguments: views)
  func view(name: String, keys: [String]) throws {
    var story = Story()
    for key in keys {
      story.press(key)
      for effect in story.effects { answer(effect, &story) }
    }
    try Golden.expect(frame: story.text, "\(name)-80x24")
  }

  @Test func emptyHome() throws {
    try Golden.expect(
      frame: Story(Past(), isAgentAlive: false).text, "empty-80x24")
  }

  /// Plays the world outside.
  private func answer(_ effect: Effect, _ story: inout Story) {
    switch effect {
    case .readManifest(let slug): story.tell(.manifest(slug: slug, .success(.greeter)))
    case .checkRollback: RollbackDialogTests.answer(effect, &story, .night)
    case .readOutput(let app, _):
      let texts = [
        "12:00:01.123 [info] listens on 127.0.0.1:4003", "[warning] slow answer: 812 ms",
        "[error] GenServer Greeter.Clock terminating", "\u{1B}[31mred\u{1B}[0m 漢字\ttab",
      ]
      let lines = (0..<40).map { (index: Int) -> OutputLine in
        let offset = Int64(index - 40) * 1500
        return OutputLine(
          time: Past.now + offset, app: app,
          instance: InstanceName("web", index % 3 == 0 ? 2 : 1), run: 18, text: texts[index % 4])
      }
      story.tell(.lines(lines))
    default: break
    }
  }
}
