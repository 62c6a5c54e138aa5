import ConfigStore
import Events
import HomeLayout
import Operations
import Redaction
import TestSupport
import Testing

@testable import Deployment
@testable import ReleaseModel

/// Whether a request is admitted: its deadline, the board, and what the host has.
struct AdmissionTests {
  private let folder: TemporaryFolder
  private let home: Home
  private let config: String

  init() throws {
    folder = try TemporaryFolder("admission")
    home = Home(root: folder.path)
    config = try ConfigSets(home: home, app: "shop").save(ConfigSet(["KEY": "value"]))
  }

  private static let now = Timestamp(milliseconds: 1000)

  /// A manifest with a process type `web`, for this host or another, that requires a variable.
  private static func manifest(_ slug: String) throws(Cause) -> Manifest {
    if slug == "gone" { throw Cause(.slugUnknown, "there is no slug 'gone'") }
    let env = slug == "needy" ? #""KEY": {"required": true}, "TOKEN": {"required": true}"# : ""
    return Manifest(
      otpReleases: [], processes: [Procfile.Entry(process: "web", command: "bin/shop start")],
      appJSON: try AppJSON(bytes: Array("{\"env\": {\(env)}}".utf8)), tools: [:],
      target: slug == "foreign" ? Manifest.Target(os: "plan9", arch: "vax") : .host,
      files: [
        Manifest.Entry(path: "bin/shop", kind: .file, mode: slug == "dull" ? "644" : "755")
      ])
  }

  private func refusal(
    _ type: EventType, deployed: Bool = true, current: String = "plain", deadline: Int64 = 1,
    _ fill: (inout EventData) -> Void = { _ in }
  ) throws -> Cause? {
    var board = Board()
    var sequence: UInt64 = 0
    func append(_ type: EventType, _ data: EventData) {
      sequence += 1
      board.apply(
        Event(
          sequence: sequence, id: "\(sequence)", time: Self.now, source: "test", type: type,
          app: "shop", data: data))
    }
    if deployed {
      append(
        .releaseCreated,
        EventData { ($0.release, $0.slug, $0.config) = (ReleaseNumber(1), current, config) })
      append(
        .deploymentStarted,
        EventData { ($0.release, $0.formation) = (ReleaseNumber(1), ["web": 1]) })
      append(
        .deploymentStep,
        EventData {
          ($0.release, $0.step) = (ReleaseNumber(1), Board.Deployment.Step.switchOver.rawValue)
        })
      append(.deploymentFinished, EventData { $0.release = ReleaseNumber(1) })
    }
    append(
      type,
      EventData {
        $0.deadline = Self.now + deadline
        fill(&$0)
      })
    let request = try #require(board.requests.first)
    let admission = Admission(home: home, board: board, operations: .standard)
    do throws(Cause) {
      try admission.check(request, now: Self.now) { slug throws(Cause) in try Self.manifest(slug) }
      return nil
    } catch { return error }
  }

  @Test(
    arguments: [
      ("plain", true, nil), ("plain", false, nil), ("gone", true, "there is no slug 'gone'"),
      ("foreign", true, "the slug is for plan9 on vax; this host is"),
      ("dull", true, "bin/shop is not executable (mode 644)"),
      ("needy", true, "app.json requires TOKEN, not set for 'shop'"),
      ("needy", false, "app.json requires KEY, TOKEN, not set for 'shop'"),
    ] as [(String, Bool, String?)])
  func deploys(slug: String, deployed: Bool, sentence: String?) throws {
    let refusal = try refusal(.deployRequested, deployed: deployed) { $0.slug = slug }
    #expect(refusal?.sentence.hasPrefix(sentence ?? "?") ?? (sentence == nil), "\(refusal as Any)")
  }

  @Test(
    arguments: [
      (["web": 2], nil), (["job": 1], "'shop' has no process type 'job'"),
      (["release": 1], "'shop' has no process type 'release'"),
      (["web": 101], "101 instances of 'web' are out of range"),
    ] as [([String: Int], String?)])
  func scales(formation: [String: Int], sentence: String?) throws {
    #expect(try refusal(.scaleRequested) { $0.formation = formation }?.sentence == sentence)
  }

  /// A slug that cannot be started any more: what starts no release of it is not refused.
  @Test(
    arguments: [
      (.scaleRequested, nil), (.restartRequested, nil), (.stopRequested, nil),
      (.configRequested, "bin/shop is not executable (mode 644)"),
    ] as [(EventType, String?)])
  func slugThatCannotBeStarted(type: EventType, sentence: String?) throws {
    let known = config
    let refusal = try refusal(type, current: "dull") {
      ($0.config, $0.base, $0.formation) = (known, known, ["web": 0])
    }
    #expect(refusal?.sentence == sentence)
  }

  /// A stop is done also after its deadline; nothing else is begun then.
  @Test func atItsDeadline() throws {
    #expect(try refusal(.restartRequested, deadline: -1)?.id == "RT-REQUEST-EXPIRED")
    #expect(try refusal(.restartRequested, deadline: 0) == nil)
    #expect(try refusal(.stopRequested, deadline: -1) == nil)
  }

  @Test func configVarsThatCannotBeReadAreRefused() throws {
    let known = config
    #expect(try refusal(.configRequested) { ($0.config, $0.base) = (known, known) } == nil)
    let unknown = String(repeating: "0", count: known.utf8.count)
    #expect(try refusal(.configRequested) { ($0.config, $0.base) = (unknown, known) } != nil)
  }

  /// A request that lacks what its operation needs, or of a newer version.
  @Test(arguments: [EventType.deployRequested, .scaleRequested, .promoteRequested])
  func whatThisVersionCannotRead(type: EventType) throws {
    let cause = try refusal(type)
    #expect(cause?.sentence == "this version cannot carry out \(type.rawValue)")
  }
}
