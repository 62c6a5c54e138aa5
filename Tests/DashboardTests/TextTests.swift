import Events
import HomeLayout
import PlainText
import Terminal
import TestSupport
import Testing

@testable import Dashboard

/// What rows say, and that nothing from outside steers the terminal.
struct TextTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var words: String
    var past: Past
    var testDescription: String { words }

    init(_ words: String, _ build: (inout Past) -> Void) {
      self.words = words
      past = Past()
      build(&past)
    }
  }

  static let web = InstanceName("web", 1)

  @Test(arguments: [
    Row("blog  –        stopped  none") { past in
      past.add(.configChanged, "blog", ago: 5) { $0.config = "c" }
    },
    Row("blog  → v1     starting  web 0/2") { past in
      past.create("blog", 1, slug: 0, config: "c", by: "ana", ago: 5, formation: ["web": 2])
    },
    Row("blog  → v1     booting  web 0/1") { past in
      past.create("blog", 1, slug: 0, config: "c", by: "ana", ago: 5, formation: ["web": 1])
      past.start("blog", web, 1, port: 4001, ago: 4)
    },
    Row("blog  v1       ready  web 1/1") { past in
      past.create("blog", 1, slug: 0, config: "c", by: "ana", ago: 50, formation: ["web": 1])
      past.run("blog", web, 1, port: 4001, ago: 40)
      past.finish("blog", 1, ago: 30)
    },
    Row("blog  v1       starting, crashed ×2  web 0/0 +1, job 0/1") { past in
      past.create("blog", 1, slug: 0, config: "c", by: "ana", ago: 50, formation: ["job": 1])
      past.run("blog", web, 1, port: 4001, ago: 40)
      past.finish("blog", 1, ago: 39)
      for ago in [30, 20] as [Int64] {
        let run = past.start("blog", InstanceName("job", 1), 1, port: nil, ago: ago)
        past.end(.instanceCrashed, "blog", run, ago: ago - 1, Cause(.crashed, "boom"))
      }
      past.add(.instanceStarting, "blog", ago: 1) {
        ($0.instance, $0.release) = (InstanceName("job", 1), ReleaseNumber(1))
      }
    },
  ])
  func rows(_ row: Row) {
    let lines = Story(row.past).text.map { $0.split(separator: " ").joined(separator: " ") }
    let words = row.words.split(separator: " ").joined(separator: " ")
    #expect(lines.contains { $0.contains(words) }, "\(lines.joined(separator: "\n"))")
  }

  @Test func agesAreCoarse() {
    let cases: [(Int64, String)] = [
      (-864_000, "<1m"), (1, "<1m"), (59, "<1m"), (60, "1m"), (3599, "59m"), (7200, "2h"),
      (864_000, "10d"),
    ]
    for (seconds, age) in cases {
      var past = Past()
      past.add(.configChanged, "blog", ago: seconds) { $0.config = "c" }
      Story(past).expect("  \(age) ")
    }
  }

  /// A program whose clock was set back may have written one.
  @Test func noDurationIsNegative() {
    var past = Past()
    past.add(.buildFinished, "blog", ago: 60) {
      ($0.build, $0.slug, $0.milliseconds) = ("b", "5ea1ed", -139_719_993_600)
    }
    var story = Story(past)
    story.press("6")
    story.expect("in 0 ms", absent: ["-139"])
  }

  /// Nothing on the screen changes within a minute in which nothing happens.
  @Test func aMinuteIsStill() {
    var story = Story()
    let before = story.model.frame()
    story.tell(.clock(Past.now + 20_000, utcOffset: 0))
    #expect(story.model.frame() == before)
    story.tell(.clock(Past.now + 40_000, utcOffset: 3600))
    story.expect("13:05")
  }

  @Test func unknownEventsShowAsTheyAre() {
    var story = Story()
    story.press("6")
    story.expect("preview.teleported")
  }

  static let hostile = [
    "\u{1B}[2J\u{1B}[31mred", "a\rb\u{8}c", "\u{202E}evil", "漢字漢字", "\u{9B}31m",
    "e\u{301}\u{200B}x",
    "\u{1F468}\u{200D}\u{1F469}", "\u{0}\u{7F}", String(repeating: "é", count: 5000),
  ]

  /// Names of apps are checked by the board; everything else may hold anything.
  @Test(arguments: hostile)
  func hostileTextIsHarmless(text: String) {
    var past = Past.calm
    past.create("greeter", 3, slug: 0, config: text, by: text, ago: 90, formation: [text: 1]) {
      ($0.commit, $0.line, $0.slug) = (text, text, text)
    }
    let cause = Cause(
      .crashed, text, remedy: text, evidence: [.init(kind: "log", place: text, text: text)])
    let run = past.start("greeter", InstanceName(text, 1), 3, port: 1, ago: 9)
    past.end(.instanceCrashed, "greeter", run, ago: 8, cause)
    past.add(.deploymentFailed, "greeter", ago: 7) {
      ($0.release, $0.cause) = (ReleaseNumber(3), cause)
    }
    past.add(.buildStarted, text, ago: 5, named: text) { $0.folder = text }
    var story = Story(past)
    story.tell(
      .alert(text),
      .lines([
        OutputLine(
          time: Past.now, app: "greeter", instance: InstanceName(text, 1), run: 1, text: text)
      ]))
    var wrong: [String] = []
    for key in ["1", "Enter", "R", "Esc", "B", "Esc", "2", "3", "4", "5", "6", "/", "x"] {
      story.press(key)
      for row in story.model.frame().text where Printable.clean(row) != row { wrong.append(row) }
    }
    #expect(wrong == [])
  }

  @Test func thePageOfKeysIsMadeFromTheTable() throws {
    let lines = KeysPage.markdown.split(separator: "\n", omittingEmptySubsequences: false)
      .dropLast()
    try Golden.expect(
      lines.map(String.init), "docs/reference/keys.md", variable: "UPDATE_DOCS")
  }

  /// Each key of the page works on the help page's words; no key means two things in one place.
  @Test func helpNamesEveryCommand() {
    var story = Story(.calm, columns: 160, rows: 100)
    story.press("?")
    let shown = story.screen
    let rows = KeysPage.markdown.split(separator: "\n").filter { $0.hasPrefix("| `") }
    let missing = rows.filter { row in
      let help = row.split(separator: "|").last?.dropFirst().prefix { $0 != "." } ?? ""
      return !shown.contains(help)
    }
    #expect(missing == [] && rows.count > 20)
  }
}
