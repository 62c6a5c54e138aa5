import Dashboard
import Events
import Operations
import Terminal
import Testing

@testable import ReleaseModel

/// The question before a rollback: what the slugs tell is read after the question is shown.
struct RollbackDialogTests {
  /// greeter's v3 has a slug of its own, with a migration.
  static let past: Past = {
    var past = Past.calm
    past.create("greeter", 3, slug: 1, config: "c2", by: "ben", ago: 600, formation: ["web": 2]) {
      ($0.commit, $0.line) = ("77aa01990000", "Greet by name")
    }
    past.finish("greeter", 3, ago: 500)
    return past
  }()

  private static func manifest(_ slug: String) throws(Cause) -> Manifest {
    var manifest = Manifest.greeter
    manifest.migrations = []
    if slug == Past.slugs[1] {
      manifest.otpReleases[0].applications[0].version = "0.2.0"
      manifest.processes = [Procfile.Entry(process: "release", command: "bin/greeter migrate")]
      manifest.migrations = ["20260101120000_create_users", "20260301090000_add_names"].map {
        Manifest.Migration(application: "greeter", folder: "repo/migrations", name: $0)
      }
    }
    return manifest
  }

  static func answer(_ effect: Effect, _ story: inout Story, _ past: Past = past) {
    guard case .checkRollback(let rollback) = effect, let app = past.board.apps["greeter"],
      let check = RollbackCheck(
        rollback, in: app, manifest: manifest,
        config: { _, _ in .init(ConfigChanges(changed: ["GREETING"]), kept: ["TOKEN"]) })
    else { return }
    story.tell(.rollbackCheck(rollback, check))
  }

  private static func asked(columns: Int = 80, rows: Int = 24) -> Story {
    var story = Story(past, columns: columns, rows: rows)
    story.press("B")
    for effect in story.effects { answer(effect, &story) }
    return story
  }

  @Test(arguments: [(80, 24), (200, 60), (120, 40), (40, 12), (20, 5)])
  func frames(columns: Int, rows: Int) throws {
    let story = Self.asked(columns: columns, rows: rows)
    try Golden.expect(frame: story.text, "rollback-unsafe-\(columns)x\(rows)")
  }

  @Test func roles() throws {
    try Golden.expect(
      frame: Self.asked().model.frame().annotated, "rollback-unsafe-80x24-roles")
  }

  /// In a small terminal the whole text is read line by line; the answers stay.
  @Test func smallTerminalsShowAllOfItLineByLine() throws {
    var story = Self.asked(columns: 20, rows: 5)
    var seen = [story.text[1]]
    for _ in 0..<60 {
      story.press("j")
      #expect(story.effects == [] && story.text[3].contains("[ No ]   Yes"))
      if story.text[1] != seen.last { seen.append(story.text[1]) }
    }
    seen.append(story.text[2])
    let text = seen.flatMap { $0.dropFirst(2).dropLast(1).split(separator: " ") }
      .joined(separator: " ")
    for words in [
      "Roll greeter back", "Unsafe: the release", "20260101120000", "No migration is",
      "Config vars",
      "Undo: roll back",
    ] {
      #expect(text.contains(words), "\(text)")
    }
    try Golden.expect(frame: story.text, "rollback-unsafe-20x5-end")
    story.press("k", "y")
    #expect(story.request?.type == .rollbackRequested)
  }

  @Test func theQuestionDoesNotWaitForTheCheck() {
    var story = Story(Self.past)
    story.press("B")
    #expect(
      story.effects == [.checkRollback(Rollback(app: "greeter", to: ReleaseNumber(2)))])
    story.expect("The slugs are being compared.", "Roll greeter back from v3 to v2?", "[ No ]")
    let effect = story.effects[0]
    story.press("Tab")
    Self.answer(effect, &story)
    story.expect("Unsafe: the release phase of v3 ran", "[ Yes ]", absent: ["being compared"])
    story.press("y")
    #expect(story.request?.type == .rollbackRequested)

    // An answer that comes too late, or to another question, changes nothing.
    let before = story.text
    Self.answer(effect, &story)
    #expect(story.text == before)
    story.press("R")
    Self.answer(effect, &story)
    story.expect("Restart all 2 instances", absent: ["Unsafe"])
  }
}
