import HomeLayout
import JSONText
import Testing

@testable import Events
@testable import ReleaseModel

struct ReleaseDiffTests {
  private static func release(_ number: Int, slug: String, boot: Board.Boot? = nil) -> Board.Release
  {
    var release = Board.Release(
      number: ReleaseNumber(number), slug: slug, config: "c\(number)",
      time: Timestamp(milliseconds: 1_795_262_670_000), by: "ana")
    release.boots = boot.map { [$0] }
    return release
  }

  private static let slow = Board.Boot(
    run: 9, milliseconds: ["demo": 400, "sasl": 3, "more": 20],
    phases: ["vm": 100, "config": 60, "ready": 10])
  private static let quick = Board.Boot(
    run: 5, milliseconds: ["demo": 180, "sasl": 2], phases: ["vm": 104, "config": 120, "ready": 10])

  private static func diff(
    _ old: Board.Release, _ new: Board.Release, config: ConfigChanges = ConfigChanges()
  ) throws -> ReleaseDiff {
    var app = Board.App(name: "shop", changed: Timestamp(milliseconds: 0))
    (app.releases, app.current) = ([old, new], new.number)
    return try ReleaseDiff(from: old, to: new, of: app, config: config) { slug throws(Cause) in
      if slug == "gone" { throw Cause(.slugUnknown, "there is no slug 'gone'") }
      var manifest = SlugDiffTests.old
      if slug != "a" { manifest.tools["elixir"] = "1.15.0" }
      return manifest
    }
  }

  @Test func slugsConfigVarsAndBootTimes() throws {
    var new = Self.release(3, slug: "b", boot: Self.slow)
    (new.by, new.commit, new.line) = ("ben", "4be1c9012345", "Say hello")
    let config = ConfigChanges(
      from: ["KEPT": "1", "GREETING": "Hello", "OLD": "secret"],
      to: ["KEPT": "1", "GREETING": "Welcome", "NEW": "secret"])
    let diff = try Self.diff(
      Self.release(2, slug: "a", boot: Self.quick), new, config: config)
    #expect(
      diff.lines == [
        "v2          by ana, 2026-11-21T12:04:30.000Z, deploy",
        "v3          by ben, 2026-11-21T12:04:30.000Z, deploy: Say hello (4be1c90)",
        "config vars + NEW", "            - OLD", "            ~ GREETING",
        "slug        a → b", "size        120 B, as before", "tools       ~ elixir 1.14.0 → 1.15.0",
        "boot        416 ms → 593 ms (+177 ms)",
        "            ~ application demo  180 ms → 400 ms",
        "            ~ phase config  120 ms → 60 ms", "            + application more  20 ms",
      ])
    let json = String(decoding: JSON.encode(diff), as: UTF8.self)
    for part in [
      #""config":{"added":["NEW"],"changed":["GREETING"],"removed":["OLD"]}"#,
      #""total":{"from":416,"to":593}"#, #"{"from":2,"name":"sasl","to":3}"#, #""release":"v3""#,
      #""tools":[{"from":"1.14.0","name":"elixir","to":"1.15.0"}]"#, #""line":"Say hello""#,
    ] {
      #expect(json.contains(part), "\(part) in \(json)")
    }
    for value in ["Hello", "Welcome", "secret"] { #expect(!json.contains("\"\(value)\"")) }
  }

  @Test func whatIsTheSameOrNotKeptIsSaid() throws {
    let diff = try Self.diff(
      Self.release(1, slug: "a"), Self.release(2, slug: "a", boot: Self.quick))
    #expect(
      diff.lines.suffix(4) == [
        "config vars the same", "slug        a → a", "            it is the same slug",
        "boot        no times of v1 are kept",
      ])
    #expect(throws: Cause.self) {
      try Self.diff(Self.release(1, slug: "a"), Self.release(2, slug: "gone"))
    }
  }

  /// Times come from the log, which may hold any numbers.
  @Test func extremeTimesAreHarmless() {
    let (low, high) = (
      Board.Boot(run: 1, milliseconds: ["demo": .min], phases: [:]),
      Board.Boot(run: 2, milliseconds: ["demo": .max], phases: nil)
    )
    for (from, to) in [(low, high), (high, low), (high, high)] {
      #expect(BootDiff(from: from, to: to).lines.first == "the whole is not known")
    }
  }
}
