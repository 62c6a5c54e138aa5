import Events
import Posix
import TestSupport
import Testing

/// What `relctl rollback` and `relctl diff` say of two releases that ran, and that looking changes nothing.
@Suite(.waitsForPrograms) struct RollbackCheckTests {
  static let migration = "20260101120000_create_users"

  @Test func lookingBeforeARollback() throws {
    let stage = try Stage("check")
    let tree = stage.folder.path + "/release"
    try FileTree.copy(try Greeter.slug.get(), to: tree, skipping: { $0 == ".reltui" })
    #expect(try stage.relctl("deploy", "greeter", tree).exit == .code(0))
    let none = try stage.relctl("rollback", "greeter", "--dry-run")
    #expect(none.exit == .code(69) && none.errors.contains("no release before v1"), "\(none)")

    // The second release has a migration, and another value of a config var.
    let folder = "release/lib/greeter-0.1.0/priv/repo/migrations/"
    try stage.folder.write(folder + Self.migration + ".exs", "raise \"not run in a test\"")
    #expect(
      try stage.relctl("config", "greeter", "set", "GREETER_GREETING=Good evening to all").exit
        == .code(0))
    #expect(try stage.relctl("deploy", "greeter", tree).exit == .code(0))

    try checkDifferences(on: stage)
    try checkRollback(on: stage)
  }

  private func checkDifferences(on stage: Stage) throws {
    let diff = try stage.relctl("diff", "greeter", "v1", "v3")
    #expect(diff.exit == .code(0), "\(diff.errors)")
    for line in [
      "config vars ~ GREETER_GREETING", "migrations  + greeter  repo/migrations/\(Self.migration)",
    ] {
      #expect(diff.lines.contains(line[...]), "\(diff.output)")
    }
    // Times of the newest two are kept: v1 has none any more.
    #expect(diff.lines.last == "boot        no times of v1 are kept")
    let last = try stage.relctl("diff", "greeter").output
    #expect(last.hasPrefix("v2  ") && last.contains("\nconfig vars the same\n"), "\(last)")
    #expect(last.contains(/\nboot        \d+ ms → \d+ ms \([+-]\d+ ms\)\n/), "\(last)")
    let json = try stage.relctl("diff", "greeter", "v1", "--json").output
    #expect(
      json.contains(#""config":{"added":[],"changed":["GREETER_GREETING"],"removed":[]}"#)
        && !json.contains("Good evening"), "\(json)")
    let unknown = try stage.relctl("diff", "greeter", "v1", "v9")
    #expect(unknown.exit == .code(69) && unknown.errors.contains("no release 'v9'"))
  }

  private func checkRollback(on stage: Stage) throws {
    let before = try stage.events().count
    let dry = try stage.relctl("rollback", "greeter", "v1", "--dry-run")
    #expect(dry.exit == .code(0), "\(dry.errors)")
    for line in [
      "Unsafe: the release phase of v3 ran with the migration \(Self.migration), which v1 does not know.",
      "Config vars that change: GREETER_GREETING.", "1. start web.1 beside those of v3",
    ] {
      #expect(dry.lines.contains(line[...]), "\(dry.output)")
    }
    let phase = try stage.relctl("rollback", "greeter", "v1", "--dry-run", "--release-phase")
    #expect(
      phase.lines.contains("Its release phase runs.")
        && phase.output.contains("\n1. release phase, an hour at most: "), "\(phase.output)")
    // The slug of v2 is that of v1.
    let json = try stage.relctl("rollback", "greeter", "--dry-run", "--json").output
    for part in [
      #""verdict":"unsafe""#, #""to":"v2""#, #""name":"\#(Self.migration)","release":"v3""#,
      #""steps":["start web.1"#,
    ] {
      #expect(json.contains(part), "\(json)")
    }
    #expect(try stage.events().count == before)

    // What cannot be read is not called safe, and does not hinder the rollback.
    let slug = try #require(try stage.ready().first?.slug)
    let manifest = "\(stage.home.slugs)/\(slug)/manifest.json"
    let bytes = try Files.read(manifest)
    try Files.remove(manifest)
    let unread = try stage.relctl("rollback", "greeter", "v1", "--dry-run").output
    #expect(unread.hasPrefix("Unknown: the slug of v3 cannot be read: "), "\(unread)")
    try Files.replace(manifest, with: bytes, mode: 0o444)

    let done = try stage.relctl("rollback", "greeter", "v1")
    #expect(done.exit == .code(0) && done.output.contains("Unsafe: the release phase of v3 ran"))
    #expect(try stage.ready().map(\.release.description) == ["v4"])
  }
}
