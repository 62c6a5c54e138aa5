import Events
import JSONText
import Testing

@testable import Operations
@testable import ReleaseModel

/// What is known before a rollback, from ledgers and manifests.
struct RollbackCheckTests {
  /// A slug: its migrations by name, nil if its build did not look for them.
  struct Slug: Sendable {
    var migrations: [String]?
    var hasPhase = true
    var variables: [String] = []
    var applications = ["shop": "1.0", "jason": "1.4"]
    var files: [String] = []

    var manifest: Manifest {
      let release = OTPRelease(
        name: "shop", version: "1.0", ertsVersion: "14.0", kind: .mix,
        applications: applications.map {
          OTPRelease.Application(name: $0, version: $1, order: nil)
        },
        startCommand: "bin/shop", startArgument: "start")
      var manifest = Manifest(
        otpReleases: [release],
        processes: [Procfile.Entry(process: "web", command: "bin/shop start")]
          + (hasPhase ? [Procfile.Entry(process: "release", command: "bin/shop migrate")] : []),
        appJSON: nil, tools: [:], target: Manifest.Target(os: "linux", arch: "x86_64"),
        files: files.map { Manifest.Entry(path: $0, kind: .file, size: 1, sha256: "\($0.count)") })
      manifest.migrations = migrations?.map {
        Manifest.Migration(application: "shop", folder: "repo/migrations", name: $0)
      }
      manifest.variables = variables.map {
        Manifest.Variable(name: $0, need: .required, file: "config/runtime.exs", line: 5)
      }
      return manifest
    }
  }

  static let slugs: [String: Slug] = [
    "a": Slug(migrations: ["1_users"]),
    "b": Slug(migrations: ["1_users", "2_carts"]),
    "c": Slug(migrations: ["1_users", "2_carts", "3_rename", "4_drop"]),
    "mended": Slug(migrations: ["1_users", "2_carts"], applications: ["shop": "2.1"]),
    "same": Slug(migrations: ["1_users"], applications: ["shop": "2.0", "bandit": "1.5"]),
    "starts": Slug(migrations: ["1_users", "2_carts"], hasPhase: false),
    "unseen": Slug(migrations: nil),
  ]

  /// How a release came and went.
  enum Made: Sendable {
    case serves, fails, reverted, deploying
    case back(to: Int)
    case backWithPhase(to: Int)
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// The ledger: slugs with what became of their releases, v1 first.
    var ledger: [(slug: String, made: Made)]
    var to: Int? = nil
    var verdict: RollbackCheck.Verdict
    var reasons: [String]
  }

  private static let carts = "the migration 2_carts, which v1 does not know"

  static let cases = [
    Case(
      testDescription: "no migration was brought", ledger: [("a", .serves), ("same", .serves)],
      verdict: .safe, reasons: ["no new migration was deployed since v1 served"]),
    Case(
      testDescription: "only config vars changed", ledger: [("b", .serves), ("b", .serves)], to: 1,
      verdict: .safe, reasons: ["v1 has the same slug as v2"]),
    Case(
      testDescription: "the release phase ran", ledger: [("a", .serves), ("b", .serves)],
      verdict: .unsafe, reasons: ["the release phase of v2 ran with \(carts)"]),
    Case(
      testDescription: "each release between is asked",
      ledger: [("a", .serves), ("b", .serves), ("c", .serves)], to: 1, verdict: .unsafe,
      reasons: [
        "the release phase of v2 ran with \(carts)",
        "the release phase of v3 ran with the migrations 3_rename and 4_drop, which v1 does not know",
      ]),
    Case(
      testDescription: "a migration whose file is gone has run all the same",
      ledger: [("a", .serves), ("b", .serves), ("same", .serves)], to: 1, verdict: .unsafe,
      reasons: ["the release phase of v2 ran with \(carts)"]),
    Case(
      testDescription: "there is no release phase", ledger: [("a", .serves), ("starts", .serves)],
      verdict: .unknown,
      reasons: [
        "v2 has no release phase, but may have run the migration 2_carts, which v1 does not know, as it started"
      ]),
    Case(
      testDescription: "the surest account of a migration counts",
      ledger: [("a", .serves), ("starts", .serves), ("b", .serves)], to: 1, verdict: .unsafe,
      reasons: ["the release phase of v3 ran with \(carts)"]),
    Case(
      testDescription: "a later release failed after its release phase had begun",
      ledger: [("a", .serves), ("same", .serves), ("b", .fails)], to: 1, verdict: .unknown,
      reasons: ["the release phase of v3 may have run \(carts)"]),
    Case(
      testDescription: "a release phase failed, and another release served soon",
      ledger: [("a", .serves), ("b", .fails), ("same", .serves)], to: 1, verdict: .unknown,
      reasons: ["the release phase of v2 may have run \(carts)"]),
    Case(
      testDescription: "a rollback ran its release phase",
      ledger: [("a", .serves), ("b", .fails), ("same", .serves), ("b", .backWithPhase(to: 2))],
      to: 1, verdict: .unsafe, reasons: ["the release phase of v4 ran with \(carts)"]),
    Case(
      testDescription: "a rollback may have migrated at its start",
      ledger: [("a", .serves), ("starts", .fails), ("same", .serves), ("starts", .back(to: 2))],
      to: 1, verdict: .unknown,
      reasons: [
        "v2 has no release phase, but may have run the migration 2_carts, which v1 does not know, as it started"
      ]),
    Case(
      testDescription: "the target served on after a release had failed or was reverted",
      ledger: [("a", .serves), ("b", .fails), ("b", .reverted), ("same", .serves)], to: 1,
      verdict: .safe, reasons: ["no new migration was deployed since v1 served"]),
    Case(
      testDescription: "the target has served again since",
      ledger: [("a", .serves), ("b", .serves), ("a", .back(to: 1)), ("same", .serves)], to: 1,
      verdict: .safe, reasons: ["no new migration was deployed since v1 served"]),
    Case(
      testDescription: "the target has served on the migration that a second try brings again",
      ledger: [("a", .serves), ("b", .serves), ("a", .back(to: 1)), ("mended", .serves)], to: 3,
      verdict: .safe, reasons: ["no new migration was deployed since v3 served"]),
    Case(
      testDescription: "of two tries only what the second one added counts",
      ledger: [("a", .serves), ("b", .serves), ("a", .back(to: 1)), ("c", .serves)], to: 3,
      verdict: .unsafe,
      reasons: [
        "the release phase of v4 ran with the migrations 3_rename and 4_drop, which v3 does not know"
      ]),
    Case(
      testDescription: "a first try that never got so far excuses nothing",
      ledger: [("a", .serves), ("b", .fails), ("a", .back(to: 1)), ("mended", .serves)], to: 3,
      verdict: .unsafe,
      reasons: [
        "the release phase of v4 ran with the migration 2_carts, which v3 does not know"
      ]),
    Case(
      testDescription: "a first try that may not have migrated excuses nothing",
      ledger: [("a", .serves), ("starts", .serves), ("a", .back(to: 1)), ("b", .serves)], to: 3,
      verdict: .unsafe,
      reasons: [
        "the release phase of v4 ran with the migration 2_carts, which v3 does not know"
      ]),
    Case(
      testDescription: "a rollback is left again for a newer slug",
      ledger: [("a", .serves), ("b", .serves), ("a", .back(to: 1))], to: 2, verdict: .unknown,
      reasons: ["v2 was rolled back itself"]),
    Case(
      testDescription: "a deployment is given up in its release phase",
      ledger: [("a", .serves), ("b", .deploying)], verdict: .unknown,
      reasons: ["the release phase of v2 may have run \(carts)"]),
    Case(
      testDescription: "a deployment without new migrations is given up",
      ledger: [("a", .serves), ("same", .deploying)], verdict: .safe,
      reasons: ["v2 runs no migration that v1 does not know"]),
    Case(
      testDescription: "the target never served",
      ledger: [("a", .fails), ("same", .serves)], to: 1, verdict: .unknown,
      reasons: ["v1 failed: it fell"]),
    Case(
      testDescription: "the target's build did not look",
      ledger: [("unseen", .serves), ("b", .serves)], verdict: .unknown,
      reasons: ["the build of v1 did not look for migrations"]),
    Case(
      testDescription: "a build between did not look, but one that ran is known",
      ledger: [("a", .serves), ("unseen", .serves), ("b", .serves)], to: 1, verdict: .unsafe,
      reasons: [
        "the release phase of v3 ran with \(carts)",
        "the build of v2 did not look for migrations",
      ]),
    Case(
      testDescription: "a slug cannot be read", ledger: [("a", .serves), ("gone", .serves)],
      verdict: .unknown,
      reasons: ["the slug of v2 cannot be read: there is no slug 'gone'"]),
    Case(
      testDescription: "the target's slug cannot be read",
      ledger: [("gone", .serves), ("b", .serves)], verdict: .unknown,
      reasons: ["the slug of v1 cannot be read: there is no slug 'gone'"]),
  ]

  @Test(arguments: cases) func verdicts(_ item: Case) throws {
    let check = try #require(try Self.check(item.ledger, to: item.to))
    #expect(check.verdict == item.verdict)
    #expect(check.reasons == item.reasons)
  }

  static func check(
    _ ledger: [(slug: String, made: Made)], to: Int?,
    config: Result<RollbackCheck.Config, Cause> = .success(.init(ConfigChanges()))
  ) throws -> RollbackCheck? {
    let app = try #require(board(ledger).apps["shop"])
    let rollback = Rollback(app: "shop", to: to.map { ReleaseNumber($0) })
    return RollbackCheck(rollback, in: app) { slug throws(Cause) in
      guard let slug = slugs[slug] else { throw Cause(.slugUnknown, "there is no slug '\(slug)'") }
      return slug.manifest
    } config: { _, _ throws(Cause) in
      try config.get()
    }
  }

  private static func board(_ ledger: [(slug: String, made: Made)]) -> Board {
    var story = Story()
    let cause = Cause(.bootFailed, "it fell")
    for (index, entry) in ledger.enumerated() {
      let number = ReleaseNumber(index + 1)
      story.append(.releaseCreated) {
        ($0.release, $0.slug, $0.config) = (number, entry.slug, "c\(index)")
        if case .back(let old) = entry.made { $0.from = ReleaseNumber(old) }
        if case .backWithPhase(let old) = entry.made { $0.from = ReleaseNumber(old) }
      }
      story.append(.deploymentStarted) { ($0.release, $0.formation) = (number, ["web": 1]) }
      if case .backWithPhase = entry.made {
        story.append(.instanceStarting) {
          ($0.instance, $0.release) = (InstanceName("release", 1), number)
        }
      }
      switch entry.made {
      case .deploying: continue
      case .fails:
        story.append(.deploymentFailed) { ($0.release, $0.cause) = (number, cause) }
        continue
      default: story.append(.deploymentStep) { ($0.release, $0.step) = (number, "switch") }
      }
      if case .reverted = entry.made {
        story.append(.deploymentStep) {
          ($0.release, $0.step, $0.cause) = (number, "revert", cause)
        }
        story.append(.deploymentReverted) { $0.release = number }
      } else {
        story.append(.deploymentFinished) { $0.release = number }
      }
    }
    return story.board
  }

  /// While a deployment's release phase runs nothing is certain; when it has ended, it has run.
  @Test func theReleasePhaseOfADeploymentIsFollowed() throws {
    for (end, verdict) in [(Int32(0), RollbackCheck.Verdict.unsafe), (1, .unknown)] {
      var story = Story(board: Self.board([("a", .serves), ("b", .deploying)]))
      story.append(.instanceStarting) {
        ($0.instance, $0.release) = (InstanceName("release", 1), ReleaseNumber(2))
      }
      let run = story.board.sequence
      story.append(.instanceStopped) {
        ($0.instance, $0.run, $0.exit) = (InstanceName("release", 1), run, end)
      }
      let app = try #require(story.board.apps["shop"])
      let check = RollbackCheck(Rollback(app: "shop"), in: app) { slug throws(Cause) in
        Self.slugs[slug]?.manifest ?? Slug().manifest
      } config: { _, _ in
        .init(ConfigChanges())
      }
      #expect(check?.verdict == verdict && check?.config == nil)
    }
  }

  /// What an operator reads: the verdict first, then what changes.
  @Test func dialogsSayTheVerdictFirst() throws {
    let ledger: [(String, Made)] = [("a", .serves), ("c", .serves), ("same", .serves)]
    let app = try #require(Self.board(ledger).apps["shop"])
    let config = RollbackCheck.Config(
      ConfigChanges(from: ["A": "1", "OLD": "x", "B": "2"], to: ["A": "1", "B": "3", "NEW": "y"]),
      kept: ["TOKEN"])
    let check = try Self.check(ledger, to: 1, config: .success(config))
    let said = Rollback(app: "shop", to: ReleaseNumber(1)).consequences(on: app, check: check)
    #expect(
      said.judgement == [
        "Unsafe: the release phase of v2 ran with the migrations 2_carts, 3_rename and 4_drop, which v1 does not know.",
        "No migration is undone: v1 uses the database as it is now. That works only if nothing that it needs was removed, renamed or made mandatory.",
      ])
    #expect(
      said.changes == [
        "This makes v4 with v1's slug and config vars.",
        "Config vars that change: B; that are added: NEW; that are removed: OLD.",
        "Secrets that keep their present values: TOKEN.",
        "Applications that change: shop 2.0 → 1.0; that are added: jason 1.4; that are removed: bandit 1.5.",
      ])
    let cause = Cause(.configDamaged, "the config vars c0 are not what was stored")
    let unread = try #require(try Self.check(ledger, to: 1, config: .failure(cause)))
    #expect(unread.reasons.last == "the config vars cannot be compared: \(cause.sentence)")
    let words = Rollback(app: "shop").consequences(on: app, check: unread).changes
    #expect(words.contains("Config vars change too; which ones is not recorded."))
  }

  @Test func whatChangesInTheCodeIsNamed() throws {
    var (old, new) = (Slug(migrations: []), Slug(migrations: []))
    old.files = ["lib/shop-1.0/ebin/a.beam"]
    new.files = ["lib/shop-1.0/ebin/ab.beam"]
    old.variables = ["SMTP_HOST"]
    let app = try #require(Self.board([("old", .serves), ("new", .serves)]).apps["shop"])
    let manifests = ["old": old.manifest, "new": new.manifest]
    let check = try #require(
      RollbackCheck(Rollback(app: "shop"), in: app) { slug throws(Cause) in
        manifests[slug] ?? Slug().manifest
      } config: { _, _ in
        .init(ConfigChanges())
      })
    #expect(
      check.codeChanges == [
        "Applications that change: shop (2 files, the same version).",
        "v1 reads variables that v2 does not: SMTP_HOST (config/runtime.exs:5).",
      ])
    #expect(check.configChanges == ["No config var changes."])
    let json = String(decoding: JSON.encode(check), as: UTF8.self)
    for part in [
      #""verdict":"safe""#, #""from":"v2""#, #""to":"v1""#, #""migrations":[]"#,
      #"{"files":2,"from":"1.0","name":"shop","to":"1.0"}"#, #""config":{"added":[]"#,
      #""file":"config/runtime.exs","line":5,"name":"SMTP_HOST""#,
    ] {
      #expect(json.contains(part), "\(part) in \(json)")
    }
  }

  /// A log may hold many releases, and slugs many names.
  @Test func manyReleasesAndNamesStayShort() throws {
    let names = (1...9).map { "\($0)_step" }
    var read = 0
    let many = (0..<300).map { ("slug\($0)", Made.serves) }
    let app = try #require(Self.board(many).apps["shop"])
    let check = try #require(
      RollbackCheck(Rollback(app: "shop", to: ReleaseNumber(1)), in: app) { slug throws(Cause) in
        read += 1
        return Slug(migrations: slug == "slug0" ? [] : names).manifest
      } config: { _, _ in
        .init(ConfigChanges())
      })
    #expect(read == 21)
    #expect(
      check.reasons == [
        "the release phase of v281 ran with the migrations 1_step, 2_step, 3_step, 4_step and 5 more, which v1 does not know",
        "only the newest 20 slugs since v1 were looked at",
      ])
    #expect(check.migrations.count == 9)
  }
}
