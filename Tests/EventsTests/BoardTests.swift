import Events
import HomeLayout
import JSONText
import Testing

struct BoardTests {
  private func fold(_ lines: [String]) throws -> Board {
    var board = Board()
    for line in lines {
      let event = Event(line: Array(line.utf8).span)
      board.apply(try #require(event))
    }
    return board
  }

  private func line(_ sequence: Int, _ type: String, app: String? = "shop", _ data: String = "{}")
    -> String
  {
    let subject = app.map { #","subject":"\#($0)""# } ?? ""
    return
      #"{"seq":"\#(sequence)","id":"e\#(sequence)","time":"2026-11-21T07:00:0\#(sequence % 10).000Z","#
      + #""source":"h/test","type":"\#(type)"\#(subject),"data":\#(data)}"#
  }

  private var running: [String] {
    [
      line(1, "release.created", #"{"release":"v1","slug":"s","config":"c"}"#),
      line(2, "deployment.started", #"{"release":"v1","formation":{"web":1}}"#),
      line(3, "instance.starting", #"{"instance":"web.1","release":"v1","port":20001}"#),
      line(4, "instance.booting", #"{"instance":"web.1","run":3,"pid":7}"#),
      line(5, "instance.ready", #"{"instance":"web.1","run":3}"#),
      line(6, "deployment.step", #"{"release":"v1","step":"switch"}"#),
      line(7, "deployment.finished", #"{"release":"v1"}"#),
    ]
  }

  /// Older logs have the applications only.
  @Test func bootsKeepTheirParts() throws {
    var lines = running
    lines[4] = line(
      5, "instance.ready",
      #"{"instance":"web.1","run":3,"boot":{"shop":7},"phases":{"vm":40,"ready":3}}"#)
    let boot = try #require(try fold(lines).apps["shop"]?.releases[0].boots?.last)
    #expect(boot == Board.Boot(run: 3, milliseconds: ["shop": 7], phases: ["vm": 40, "ready": 3]))
    #expect(boot.total == 50)
    lines[4] = line(5, "instance.ready", #"{"instance":"web.1","run":3,"boot":{"shop":7}}"#)
    let old = try #require(try fold(lines).apps["shop"]?.releases[0])
    #expect(old.lastBoot == ["shop": 7] && old.boots?.last?.total == nil)
  }

  @Test func stateFollowsEachLine() throws {
    let states = try (1...7).map { try fold(Array(running.prefix($0))).apps["shop"]?.summary.state }
    #expect(states == [.stopped, .starting, .starting, .booting, .starting, .ready, .ready])
    let app = try #require(try fold(running).apps["shop"])
    #expect(app.current == ReleaseNumber(1) && app.deployment == nil)
    #expect(app.runs.map(\.node) == ["shop-web-1-3@127.0.0.1"])
    #expect(app.runs.map(\.pid) == [7] && app.runs.map(\.port) == [20001])
  }

  /// Events without a required field change only the sequence number.
  @Test(arguments: [
    ("release.created", #"{"slug":"s","config":"c"}"#),
    ("release.created", #"{"release":"v1","slug":"other","config":"x"}"#),
    ("release.created", #"{"release":"vv","slug":"s","config":"c"}"#),
    ("deployment.step", #"{"release":"v9","step":"switch"}"#),
    ("instance.crashed", #"{"instance":"web.1","run":99}"#),
    ("instance.crashed", #"{"instance":"../x","run":3}"#),
    ("instance.crashed", #"{"instance":"web.1","run":-3}"#),
    ("instance.starting", #"{"instance":"web.1"}"#),
    ("instance.ready", #"{"run":"three"}"#),
    ("request.finished", #"{"request":"nobody"}"#),
    ("config.changed", "{}"),
    ("something.new", #"{"release":"v7"}"#),
    ("instance.stopped", #"[]"#),
    ("instance.stopped", #"null"#),
  ]) func incompleteEventsAreIgnored(_ type: String, _ data: String) throws {
    let before = try fold(running)
    var after = try fold(running + [line(8, type, data)])
    #expect(after.sequence == 8)
    (after.sequence, after.time) = (before.sequence, before.time)
    #expect(after == before)
  }

  @Test(arguments: ["../../x", "", "Shop", "a b", "x\u{1B}[2J", String(repeating: "a", count: 31)])
  func appsWithInvalidNamesAreIgnored(_ name: String) throws {
    let quoted = String(decoding: JSON.encode(name).dropFirst().dropLast(), as: UTF8.self)
    let board = try fold([
      line(1, "config.changed", app: quoted, #"{"config":"c"}"#),
      line(
        2, "deploy.requested", app: quoted,
        #"{"slug":"s","by":"x","deadline":"2026-11-21T08:00:00Z"}"#),
    ])
    #expect(board.apps.isEmpty && board.requests.isEmpty && board.sequence == 2)
  }

  @Test func requestsAreOpenUntilTheirOutcome() throws {
    let lines = [
      line(1, "stop.requested", #"{"by":"ana","deadline":"2026-11-21T08:00:00Z"}"#),
      line(2, "request.accepted", #"{"request":"e1"}"#),
      line(3, "request.finished", #"{"request":"e1"}"#),
      line(4, "request.failed", #"{"request":"e1"}"#),
    ]
    let open = try (1...4).map { try fold(Array(lines.prefix($0))).requests.map(\.isAccepted) }
    #expect(open == [[false], [true], [], []])
  }

  @Test func crashesAreCountedUntilARunWasStable() throws {
    let crash =
      #"{"instance":"web.1","run":3,"exit":1,"cause":{"id":"RT-CRASHED","sentence":"it broke"}}"#
    let once = try #require(try fold(running + [line(8, "instance.crashed", crash)]).apps["shop"])
    #expect(
      once.summary == (.crashed, 1) && once.worstCause(at: once.changed)?.sentence == "it broke")
    #expect(once.runs.map(\.state) == [.crashed] && once.runs.map(\.exit) == [1])
    // The same line ten minutes later, after the run was stable.
    let late = line(8, "instance.crashed", crash).replacing("07:00:08", with: "07:10:00")
    let again = line(9, "instance.starting", #"{"instance":"web.1","release":"v1"}"#)
    let twice = try #require(try fold(running + [late, again]).apps["shop"])
    #expect(twice.crashes.values.map(\.count) == [1])
    // After the instance is ready again, the crash is shown for some minutes.
    let ready = line(9, "instance.ready", #"{"instance":"web.1","run":9}"#).replacing(
      "07:00:09", with: "07:10:02")
    let back = try #require(try fold(running + [late, again, ready]).apps["shop"])
    let news = [60_000, 400_000].map { back.recentCrash(at: back.changed + $0)?.count }
    #expect(back.summary.state == .ready && news == [1, nil])
  }

  @Test func newerFailureIsShownWhileTheAppServes() throws {
    let crash = #"{"instance":"web.1","run":3,"cause":{"id":"RT-CRASHED","sentence":"it broke"}}"#
    let back = [
      line(8, "instance.crashed", crash),
      line(9, "instance.starting", #"{"instance":"web.1","release":"v1"}"#),
      line(10, "instance.ready", #"{"instance":"web.1","run":9}"#),
    ].map { $0.replacing("07:00:00", with: "07:00:09") }
    let failed = [
      line(11, "release.created", #"{"release":"v2","slug":"s","config":"c"}"#),
      line(12, "deployment.started", #"{"release":"v2","formation":{"web":1}}"#),
      line(
        13, "deployment.failed",
        #"{"release":"v2","cause":{"id":"RT-BOOT-FAILED","sentence":"no boot"}}"#),
      line(
        14, "deployment.reverted",
        #"{"release":"v2","cause":{"id":"RT-BOOT-FAILED","sentence":"no boot"}}"#),
    ].map { $0.replacing("07:00:0", with: "07:01:0") }
    let abandoned = line(
      9, "instance.abandoned",
      #"{"instance":"web.1","run":3,"cause":{"id":"RT-CRASH-LOOP","sentence":"left down"}}"#)
    let logs = [back, back + failed, [back[0], abandoned], [back[0], abandoned] + failed]
    let news = try logs.map { more in
      let app = try fold(running + more).apps["shop"]
      return app?.worstCause(at: app?.changed ?? Timestamp(milliseconds: 0))?.sentence
    }
    #expect(news == ["it broke", "no boot", "left down", "left down"])
  }

  /// A line of the log can be lost. The others must not leave anything stuck, nor give a number
  /// twice.
  @Test func lostLinesLeaveNothingStuck() throws {
    let request = [
      line(8, "deploy.requested", #"{"slug":"s","by":"ana","deadline":"2026-11-21T08:00:00Z"}"#),
      line(9, "request.accepted", #"{"request":"e8"}"#),
      line(10, "release.created", #"{"release":"v2","slug":"s","config":"c","request":"e8"}"#),
      line(11, "deployment.started", #"{"release":"v2","request":"e8"}"#),
      line(12, "deployment.step", #"{"release":"v2","step":"switch"}"#),
    ]
    let finished = line(13, "request.finished", #"{"request":"e8","release":"v2"}"#)
    let during = try #require(try fold(running + request).apps["shop"])
    #expect(during.deployment != nil && during.nextRelease.description == "v3")
    // Without its `deployment.finished`.
    let after = try #require(try fold(running + request + [finished]).apps["shop"])
    #expect(after.deployment == nil && after.current?.description == "v2")
    // Without its `release.created`.
    let unlisted = try #require(try fold(Array(running.dropFirst())).apps["shop"])
    #expect(unlisted.releases.isEmpty && unlisted.nextRelease.description == "v2")
  }

  @Test func endedRunsAreKeptDuringTheirDeployment() throws {
    let begin = [
      line(8, "release.created", #"{"release":"v2","slug":"s","config":"c"}"#),
      line(9, "deployment.started", #"{"release":"v2","formation":{"job":1,"web":1}}"#),
    ]
    let runs = ["job", "web", "job", "web", "job"].enumerated().flatMap { index, process in
      let (run, name) = (10 + 2 * index, #""instance":"\#(process).1""#)
      return [
        line(run, "instance.starting", #"{\#(name),"release":"v2"}"#),
        line(run + 1, "instance.stopped", #"{\#(name),"run":\#(run)}"#),
      ]
    }
    let end = line(20, "deployment.reverted", #"{"release":"v2"}"#)
    let during = try fold(running + begin + runs).apps["shop"]?.runs.map(\.id)
    let after = try fold(running + begin + runs + [end]).apps["shop"]?.runs.map(\.id)
    #expect(during == [3, 10, 12, 14, 16, 18] && after == [3, 16, 18])
  }

  @Test func requiredFieldsExist() {
    let unknown = EventType.allCases.flatMap(\.required).filter {
      !EventData.Field.allCases.contains($0)
    }
    #expect(unknown.isEmpty)
    let requests = EventType.allCases.filter(\.isRequest)
    #expect(requests.allSatisfy { $0.required.contains(.by) && $0.required.contains(.deadline) })
  }

  @Test func boardsSurviveJSON() throws {
    let board = try fold(running + [line(8, "stop.requested", #"{"by":"ana"}"#)])
    #expect(try JSON.decode(Board.self, from: JSON.encode(board)) == board)
  }

  /// A checkpoint of an older version may be all that is left of the past, so each field added since must be optional.
  @Test func checkpointsOfOlderVersionsCanBeRead() throws {
    let text = """
      {"sequence":9,"time":"2026-11-30T12:00:00.000Z","requests":[],"builds":{},"apps":{"shop":
      {"name":"shop","releases":[{"number":"v1","slug":"a","config":"c","time":"2026-11-30T12:00:00.000Z",
      "wasCurrent":true,"rollout":{"observe":10000,"exclusive":[],"hasStandby":true,"drain":{}}}],
      "current":"v1","formation":{"web":1},"isStopped":false,"runs":[{"id":5,"instance":"web.1",
      "release":"v1","state":"ready","since":"2026-11-30T12:00:00.000Z","started":"2026-11-30T12:00:00.000Z"}],
      "crashes":[],"changed":"2026-11-30T12:00:00.000Z"}}}
      """
    let board = try JSON.decode(Board.self, from: Array(text.utf8))
    #expect(board.apps["shop"]?.currentRelease?.rollout?.isClustered == true)
    #expect(board.apps["shop"]?.liveRuns.count == 1)
  }
}
