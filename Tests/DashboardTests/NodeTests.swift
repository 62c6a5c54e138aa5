import Dashboard
import Events
import HomeLayout
import Operations
import PlainText
import ReleaseModel
import Terminal
import Testing

@testable import NodeModel

/// How nodes are chosen, opened, searched and acted on.
struct NodeTests {
  static func night(columns: Int = 120, rows: Int = 30, isReadOnly: Bool = false) -> Story {
    var story = Story(columns: columns, rows: rows, isReadOnly: isReadOnly, nodes: NodeReport.night)
    story.tell(.manifest(slug: Past.slugs[0], .success(.greeter)))
    return story
  }

  // MARK: - What is watched

  struct Watched: Sendable, CustomTestStringConvertible {
    var name: String
    var keys: [String]
    var expected: NodeAttention
    var testDescription: String { name }
  }

  static let everyone = Dictionary(
    uniqueKeysWithValues: NodeReport.night.map { ($0.id, NodeAttention.Parts.vitals) })

  static func nodes(_ more: [String: NodeAttention.Parts]) -> NodeAttention {
    NodeAttention(nodes: everyone.merging(more) { $0.union($1) }, discovers: true)
  }

  @Test(arguments: [
    Watched(
      name: "apps: what boots", keys: [], expected: NodeAttention(nodes: ["run:79": .boot])),
    Watched(
      name: "nodes: all, and the selected one's detail", keys: ["g", "j", "2"],
      expected: nodes(["run:36": [.processes, .happenings]])),
    Watched(
      name: "nodes: the settings that are open", keys: ["g", "j", "2", "Enter"],
      expected: nodes(["run:36": .settings])),
    Watched(
      name: "nodes: closed again", keys: ["g", "j", "2", "Enter", "Esc"],
      expected: nodes(["run:36": [.processes, .happenings]])),
    Watched(
      name: "nodes: a filter leaves none out", keys: ["2", "/", "z", "z", "Enter"],
      expected: nodes([:])),
    Watched(
      name: "OTP apps: one", keys: ["g", "j", "3"],
      expected: NodeAttention(nodes: ["run:36": [.vitals, .processes]])),
    Watched(
      name: "OTP apps: and a tree", keys: ["g", "j", "3", "Enter"],
      expected: NodeAttention(
        nodes: ["run:36": [.vitals, .processes]],
        tree: .init(node: "run:36", application: "kernel"))),
    Watched(
      name: "boot: ready", keys: ["g", "j", "4"],
      expected: NodeAttention(nodes: ["run:36": [.boot, .vitals]])),
    Watched(
      name: "boot: on its way", keys: ["g", "4"],
      expected: NodeAttention(nodes: ["run:79": [.boot, .vitals]])
    ),
    Watched(name: "boot: no node", keys: ["3", "4"], expected: NodeAttention()),
    Watched(name: "logs: output", keys: ["g", "j", "5"], expected: NodeAttention()),
    Watched(
      name: "logs: the node's own", keys: ["g", "j", "5", "o"],
      expected: NodeAttention(nodes: ["run:36": [.log, .vitals]])),
    Watched(
      name: "logs: of a foreign node", keys: ["2", "G", "k", "5"],
      expected: NodeAttention(nodes: ["pid:812": [.log, .vitals]])),
    Watched(name: "events", keys: ["g", "j", "6"], expected: NodeAttention()),
  ])
  func attention(_ watched: Watched) {
    var story = Self.night()
    for key in watched.keys { story.press(key) }
    #expect(story.model.attention == watched.expected)
  }

  @Test func aSmallScreenWithoutADetailWatchesNone() {
    var story = Self.night(columns: 20, rows: 5)
    story.press("g", "j", "2")
    #expect(story.model.attention == Self.nodes([:]))
  }

  @Test func thePastWatchesNothing() {
    for key in ["1", "2", "3", "4", "5", "6"] {
      var story = Story(nodes: NodeReport.night, isPast: true)
      story.press(key)
      #expect(story.model.attention == NodeAttention())
    }
  }

  // MARK: - What is selected

  @Test(
    arguments: [
      (["g", "j", "3"], "greeter-web-1-36"), (["2", "g", "j", "j", "3"], "greeter-web-1-36"),
      (["2", "G", "k", "3"], "rabbit@prod-1"), (["2", "3"], "billing-web-1-16"),
      (["2", "G", "1", "g", "j", "3"], "greeter-web-1-36"), (["g", "3"], "billing-web-1-79"),
      (["2", "/", "r", "a", "b", "Enter", "3"], "rabbit@prod-1"),
    ] as [([String], String)])
  func theNodeThatWasLookedAtIsShown(keys: [String], node: String) {
    var story = Self.night()
    for key in keys { story.press(key) }
    story.expect(node)
  }

  @Test func aNodeThatWasNamedIsLookedAtFirst() {
    var story = Story(nodes: [.booting, .greeter, .given], namesNodes: true)
    story.expect("▸legacy@10.0.0.9")
    story.press("4")
    story.expect("legacy@10.0.0.9")
    story.press("1", "g", "j", "4")
    story.expect("greeter-web-1-36@127.0.0.1 · booted")
  }

  /// A restart ends the run of a chosen node; its successor takes its place, and nothing else.
  @Test func aChosenNodeIsFoundAgain() {
    var story = Self.night()
    story.press("2", "g", "j", "j", "j", "k", "3")
    story.expect("greeter-web-1-36@127.0.0.1 · up")
    story.tell(.nodes(NodeReport.night.filter { $0.id != "run:36" }))
    story.expect("No node of it runs", absent: ["billing-web-1-16"])
    var next = NodeReport.greeter
    (next.id, next.name) = ("run:99", "greeter-web-1-99@127.0.0.1")
    next.origin = .run(
      app: "greeter", instance: InstanceName("web", 1), run: 99, release: ReleaseNumber(2))
    story.tell(.nodes(NodeReport.night.filter { $0.id != "run:36" } + [next]))
    story.expect("greeter-web-1-99@127.0.0.1 · up")
  }

  @Test func theInstanceThatIsSelectedHasItsOwnNode() {
    var second = NodeReport.greeter
    (second.id, second.name) = ("run:39", "greeter-web-2-39@127.0.0.1")
    second.origin = .run(
      app: "greeter", instance: InstanceName("web", 2), run: 39, release: ReleaseNumber(2))
    var story = Story(columns: 120, nodes: NodeReport.night + [second])
    story.press("g", "j", "Enter", "j", "3")
    story.expect("greeter-web-2-39@127.0.0.1 · up")
    story.press("1", "Enter", "j", "5", "o")
    story.expect("log of greeter-web-2-39@127.0.0.1")
  }

  @Test func pagesCloseWithTheirNode() {
    var story = Self.night()
    story.press("2", "G", "k", "Enter")
    story.expect("rabbit@prod-1 · settings")
    story.tell(.nodes([.greeter]))
    story.expect("NODE", absent: ["settings · Esc"])
  }

  @Test func enterOpensAndEscapeGoesBack() {
    var story = Self.night()
    story.press("g", "j", "2", "Enter")
    story.expect("secret_key_base,«masked»", "greeter port = 4003", "permanent")
    story.press("/", "p", "o", "r", "t", "Enter")
    story.expect("greeter port = 4003", absent: ["+sbwt"])
    story.press("Esc")
    story.expect("+sbwt")
    story.press("Esc")
    story.expect("RUN QUEUE")
    story.press("3", "j", "Enter")
    story.expect("stdlib in greeter-web-1-36", "Reading it")
    story.press("Esc")
    story.expect("▸stdlib")
    story.press("G", "Enter")
    story.expect("elixir does not run")
  }

  // MARK: - Logs

  @Test func outputAndLogAreSwitched() {
    var story = Self.night()
    story.press("g", "j", "5")
    #expect(story.effects == [.readOutput(app: "greeter", nil)])
    story.expect("greeter, all instances")
    story.press("v")
    story.expect("Output has no levels")
    story.press("o")
    story.expect(
      "log of greeter-web-1-36", "all levels", "It has logged nothing since this view was opened.")
    for part in NodeLogPart.busy("run:36") { story.tell(.nodeLog(part)) }
    story.tell(.nodeLog(NodeLogPart(node: "run:79", lines: NodeLogPart.busy("run:79")[0].lines)))
    story.expect("answer 39", "… 1,234 lines lost: the node logs faster than they can be sent")
    story.press("o")
    story.expect("all instances", absent: ["answer 39"])
    story.press("2", "G", "k", "l", "o")
    story.expect("log of rabbit@prod-1", "it has only its own log.")
  }

  @Test func levelsAreNarrowedOneByOne() {
    var story = Self.night(rows: 60)
    story.press("g", "j", "5", "o")
    for part in NodeLogPart.busy("run:36") { story.tell(.nodeLog(part)) }
    let steps: [(String, String?, String?)] = [
      ("debug+", "debug  ", nil), ("info+", "info  ", "debug  "), ("notice+", "notice  ", "info  "),
      ("warning+", "warning  ", "notice  "), ("error+", "error  ", "warning  "),
      ("all levels", "debug  ", nil),
    ]
    for (title, present, absent) in steps {
      story.press("v")
      story.expect(title, present ?? "", "1,234 lines lost", absent: [absent].compactMap { $0 })
    }
  }

  /// A line tells that lines which came while the view was closed are missing.
  @Test func aLogThatWasLeftHasAGap() {
    var story = Self.night()
    let parts = NodeLogPart.busy("run:36")
    story.press("g", "j", "5", "o")
    story.tell(.nodeLog(parts[0]))
    story.press("6")
    story.tell(.nodeLog(NodeLogPart(node: "run:36", lines: [], lost: 7)))
    story.press("5")
    story.tell(.nodeLog(NodeLogPart(node: "run:36", lines: parts[1].lines)))
    story.expect(
      "answer 34", "… the lines logged while this view was closed were not read", "answer 39",
      absent: ["7 l"])
  }

  @Test func lossesInARowAreOneLine() {
    var story = Self.night()
    story.press("g", "j", "5", "o")
    for lost in [1, 2, .max, .max, -5] {
      story.tell(.nodeLog(NodeLogPart(node: "run:36", lines: [], lost: lost)))
    }
    #expect(story.text.filter { $0.contains("lost") }.count == 1)
    story.expect("9,223,372,036,854,775,807 lines lost")
  }

  @Test func findGoesUpAndDown() {
    var story = Self.night(rows: 12)
    story.press("g", "j", "5")
    let lines = (0..<200).map {
      OutputLine(
        time: Past.now, app: "greeter", instance: InstanceName("web", 1), run: 36,
        text: $0 % 50 == 7 ? "Needle \($0)." : "hay \($0).")
    }
    story.tell(.lines(lines))
    story.press("n")
    story.expect("f asks for a text")
    story.press("f", "n", "e", "e", "d", "l")
    story.expect("find: needl")
    story.press("Enter")
    story.expect("▸12:04:30  web.1  Needle 157.", "paused")
    story.press("n", "n")
    story.expect("▸12:04:30  web.1  Needle 57.")
    story.press("N")
    story.expect("▸12:04:30  web.1  Needle 107.")
    story.press("n", "n", "n")
    story.expect("No older line has 'needl'.", "▸12:04:30  web.1  Needle 7.")
    let marked = story.model.frame().annotated.joined(separator: "\n")
    #expect(marked.contains("⟦match:Needl⟧e 7."))
    story.press("f", "^U", "z", "Esc", "n")
    story.expect("No older line has 'needl'.")
    story.press("f", "^U", "z", "Enter")
    story.expect("No older line has 'z'.")
  }

  @Test func aFloodedLogStaysBounded() {
    var story = Self.night(rows: 12)
    story.press("g", "j", "5", "o")
    for _ in 0..<100 { for part in NodeLogPart.busy("run:36") { story.tell(.nodeLog(part)) } }
    story.press("g")
    story.expect("paused, 1992 newer below")
  }

  // MARK: - Acting

  struct Action: Sendable, CustomTestStringConvertible {
    var keys: [String]
    var words: [String]
    var action: NodeAction
    var testDescription: String { "\(action)" }
  }

  @Test(arguments: [
    Action(
      keys: ["2", "C"],
      words: ["Collect the garbage of every process", "Nothing to undo"],
      action: .collectGarbage),
    Action(
      keys: ["2", "I"], words: ["init:restart?", "lost", "Nothing to undo"], action: .restart),
    Action(
      keys: ["4", "L", "k", "Enter"], words: ["to debug?", "Undo: set the level it had"],
      action: .logLevel(.debug)),
    Action(
      keys: ["5", "L", "j", "j", "Enter"], words: ["to warning?"], action: .logLevel(.warning)),
    Action(
      keys: ["3", "j", "j", "X"],
      words: [
        "Stop logger", "dependants keep running without it: greeter.", "Undo: start it again",
      ],
      action: .stopApplication("logger")),
    Action(
      keys: ["3", "G", "k", "X"],
      words: ["No application that runs depends on it.", "a stop from outside"],
      action: .stopApplication("greeter")),
    Action(
      keys: ["3", "G", "S"], words: ["Start elixir", "temporary", "Undo: stop it again"],
      action: .startApplication("elixir")),
  ])
  func actionsAskFirst(_ asked: Action) {
    var story = Self.night()
    story.press("g", "j")
    for key in asked.keys { story.press(key) }
    #expect(!story.acts)
    story.expect("[ No ]")
    for words in asked.words { story.expect(words) }
    story.press("Enter")
    #expect(story.effects == [])
    story.expect(absent: ["[ No ]"])
  }

  @Test(arguments: [
    (["2", "C"], NodeAction.collectGarbage), (["2", "I"], .restart),
    (["3", "G", "S"], .startApplication("elixir")),
    (["3", "G", "k", "X"], .stopApplication("greeter")),
    (["4", "L", "Enter"], .logLevel(.info)),
  ])
  func yesActs(keys: [String], action: NodeAction) {
    var story = Self.night()
    story.press("g", "j")
    for key in keys { story.press(key) }
    story.press("Tab", "Enter")
    let expected = Effect.act(
      node: "run:36", name: "greeter-web-1-36@127.0.0.1", app: "greeter", action)
    #expect(story.effects == [expected])
  }

  @Test func aForeignNodeHasNoApp() {
    var story = Self.night()
    story.press("2", "G", "k", "C", "y")
    #expect(
      story.effects == [
        .act(node: "pid:812", name: "rabbit@prod-1", app: nil, .collectGarbage)
      ])
    story.press("5", "R")
    story.expect("rabbit@prod-1 was not deployed from here", absent: ["[ No ]"])
    story.press("B")
    story.expect("rabbit@prod-1 was not deployed from here", absent: ["[ No ]"])
  }

  @Test(
    arguments: [
      (["g", "j", "3", "X"], "kernel cannot be stopped: no node runs without it"),
      (["g", "j", "3", "j", "X"], "stdlib cannot be stopped"),
      (["g", "j", "3", "G", "X"], "elixir does not run"),
      (["g", "j", "3", "j", "S"], "stdlib is started already"),
      (["2", "g", "C"], "is silent; it can be asked when it is up"),
      (["2", "G", "I"], "legacy@10.0.0.9 is down; it can be asked when it is up"),
      (["2", "G", "L"], "legacy@10.0.0.9 is down"),
      (["2", "G", "Enter", "Enter"], "Esc goes back to the list."),
      (["4", "L"], "There is no node to ask."),
      (["5", "o"], "There is no node to ask."),
    ] as [([String], String)])
  func refusals(keys: [String], sentence: String) {
    var story = Self.night()
    for key in keys { story.press(key) }
    story.expect(sentence, absent: ["[ No ]", "Log level"])
    #expect(!story.acts)
  }

  @Test func readOnlyActsOnNothing() {
    for keys in [["2", "C"], ["2", "I"], ["4", "L"], ["3", "G", "S"], ["3", "j", "j", "X"]] {
      var story = Self.night(isReadOnly: true)
      story.press("g", "j")
      for key in keys { story.press(key) }
      story.expect("read-only", absent: ["[ No ]", "set level", "init:restart"])
      story.press("?")
      story.expect(absent: ["Collect the garbage", "Stop the selected application"])
    }
  }

  // MARK: - Boots

  @Test func theLastBootStandsBesideThisOne() throws {
    var board = Past.night.board
    let index = board.apps["billing"]?.releases.firstIndex { $0.number == ReleaseNumber(32) }
    let times = ["kernel": 11, "stdlib": 4, "logger": 38, "greeter": 1190]
    board.apps["billing"]?.releases[try #require(index)].boots = [
      Board.Boot(run: 7, milliseconds: times)
    ]
    var story = Self.night()
    story.tell(.board(board), .manifest(slug: Past.slugs[2], .success(.greeter)))
    story.press("g", "4")
    story.expect("6,200 ms      38 ms", "1,190 ms", "starting", "in gen_tcp:connect/4")
  }

  /// The release's two last boots: the node's own is what happened, the other one what is held against it.
  @Test func whatTheAgentSawIsShown() throws {
    var board = Past.night.board
    let index = board.apps["greeter"]?.releases.firstIndex { $0.number == ReleaseNumber(2) }
    board.apps["greeter"]?.releases[try #require(index)].boots = [
      Board.Boot(run: 30, milliseconds: ["logger": 38, "greeter": 1190]),
      Board.Boot(run: 36, milliseconds: ["logger": 41, "greeter": 1189, "extra": 7]),
    ]
    for boot in [nil, BootTimeline.unwatched] {
      var node = NodeReport.greeter
      node.boot = boot
      var story = Story(nodes: [node])
      story.tell(.board(board))
      story.play(["g", "j", "4"])
      try Golden.expect(frame: story.text, "node-boot-recorded-80x24")
    }
    // What was seen here is nearer.
    var story = Story(nodes: [.greeter])
    story.tell(.board(board))
    story.play(["g", "j", "4"])
    story.expect("booted in 1,245 ms", "12 ms          –", "41 ms      38 ms", absent: ["extra"])
  }

  /// The parts of a boot add up to the whole.
  @Test func theWholeBootIsShown() throws {
    var board = Past.night.board
    let index = board.apps["greeter"]?.releases.firstIndex { $0.number == ReleaseNumber(2) }
    let phases = [
      "script": 40, "vm": 110, "code": 250, "config": 10, "ready": 105, "on_load crypto": 79,
      "on_load a": 1, "on_load b": 2, "on_load c": 3,
    ]
    board.apps["greeter"]?.releases[try #require(index)].boots = [
      Board.Boot(run: 36, milliseconds: ["logger": 41, "greeter": 1189], phases: phases)
    ]
    var story = Story(nodes: [.greeter])
    story.tell(.board(board))
    story.play(["g", "j", "4"])
    story.expect(
      "booted in 1,830 ms", "start script 40 ms + VM 110 ms + code 250 ms +",
      "configuration 10 ms + applications 1,230 ms + readiness 105 ms +",
      "on_load crypto 79 ms + on_load c 3 ms + on_load b 2 ms +", "others 1 ms", "1,189 ms")
  }

  /// A node that runs the release before is held against that release's plan.
  @Test func theNodesOwnReleaseIsThePlan() {
    var story = Self.night()
    story.press("2", "g", "4")
    #expect(story.effects.contains(.readManifest(slug: Past.slugs[1])))
    story.tell(.manifest(slug: Past.slugs[1], .success(.greeter)))
    story.expect("billing v31 · greeter 0.1.0", "does not answer", "planned")
  }

  @Test func nodesTakeThePlaceOfAnEmptyListOfApps() {
    var story = Story(Past())
    #expect(story.model.view == .apps && story.model.attention.discovers)
    story.tell(.nodes([.found]))
    #expect(story.model.view == .nodes)
    // Not once the operator has pressed a key.
    story = Story(Past())
    story.press("k")
    #expect(!story.model.attention.discovers)
    story.tell(.nodes([.found]))
    #expect(story.model.view == .apps)
    story = Story(.calm, nodes: [.found])
    #expect(story.model.view == .apps && !story.model.attention.discovers)
  }

  /// A slug may hold several OTP releases: each process type shows the one that its command starts.
  @Test(arguments: [("web", "admin_web"), ("job", "batch"), ("other", "batch")])
  func theReleaseOfTheProcessTypeIsPlanned(process: String, application: String) throws {
    var past = Past()
    past.create("shop", 1, slug: 0, config: "c", by: "ana", ago: 50, formation: [process: 1])
    past.run("shop", InstanceName(process, 1), 1, port: nil, ago: 40)
    past.finish("shop", 1, ago: 30)
    for key in ["3", "4"] {
      var story = Story(past)
      story.press(key)
      story.tell(.manifest(slug: Past.slugs[0], .success(.twoReleases)))
      let others = ["admin_web", "batch"].filter { $0 != application }
      story.expect("shop v1 · \(application) 1.0", absent: others)
    }
    // The agent starts the same one.
    #expect(Manifest.twoReleases.release(startedBy: process)?.name == application)
  }

  /// An application that is started by hand in a node that runs is no boot.
  @Test func aLaterStartIsNoBoot() {
    var node = NodeReport.found
    node.boot = nil
    node.snapshot?.isReady = false
    var story = Story(Past(), nodes: [node])
    story.expect("up     pid 812", absent: ["booting"])
    node.snapshot?.status = "starting"
    story.tell(.nodes([node]))
    story.expect("booting  pid 812")
  }

  @Test func aBootIsFollowedUntilTheOperatorScrolls() {
    var node = NodeReport.booting
    var boot = BootTimeline()
    let names = (0..<40).map { "app_\($0)" }
    boot.look(at: 0, starting: ["app_0"], running: [], isReady: false)
    for index in 0..<30 {
      boot.look(
        at: Int64(index + 1) * 10, starting: [names[index + 1]],
        running: Array(names.prefix(index + 1)), isReady: false)
    }
    boot.stack = ["gen:do_call/4"]
    node.boot = boot
    var story = Story(rows: 12, nodes: [node])
    story.press("g", "4")
    story.expect("app_30", "starting", "in gen:do_call/4")
    story.press("g")
    story.expect("app_0 ", absent: ["starting"])
    story.press("4")
    story.expect("starting")
  }

  // MARK: - Text from outside

  @Test func aMinuteIsStill() {
    for view in ["1", "2", "3", "4", "5"] {
      var story = Self.night()
      story.press("g", "j", view)
      let before = story.model.frame()
      var nodes = NodeReport.night
      nodes[2].snapshot?.uptime += 20_000
      nodes[2].snapshot?.memory.total += 1000
      nodes[2].snapshot?.processes.count += 1
      if view != "2" { story.tell(.nodes(nodes)) }
      story.tell(.clock(Past.now + 20_000, utcOffset: 0))
      #expect(story.model.frame() == before, "view \(view)")
    }
  }

  @Test(arguments: TextTests.hostile, [Int.min, Int.max])
  func hostileNodesAreHarmless(text: String, number: Int) {
    var node = NodeReport(id: text, name: text, origin: .given, state: .up)
    node.cause = Cause(.crashed, text, remedy: text)
    node.snapshot = .hostile(text, number)
    node.boot = .hanging
    node.boot?.look(at: .max, starting: [text], running: [text], isReady: false)
    node.boot?.stack = [text]
    node.survey = ProcessSurvey(
      busiest: [.init(pid: text, name: text, reductions: number, messages: number, memory: number)],
      queues: [.init(pid: text, name: text, reductions: nil, messages: number, memory: number)],
      applications: [text: .init(processes: number, memory: number)])
    node.settings = NodeSettings(
      flags: [text], values: [.init(application: text, key: text, text: text)],
      releases: [.init(name: text, version: text, status: text)])
    node.tree = SupervisionTree(
      application: text,
      entries: [1, number, 3].map {
        .init(depth: $0, kind: .worker, name: text, pid: text, doing: text)
      }, note: text)
    node.happenings = [NodeHappening(time: Past.now, text: text)]
    var wrong: [String] = []
    for size in [(80, 24), (20, 5)] {
      var story = Story(Past(), columns: size.0, rows: size.1, nodes: [node])
      for key in ["2", "Enter", "Esc", "C", "Esc", "L", "k", "Enter", "Esc", "3", "X", "Esc"]
        + ["Enter", "Esc", "4", "G", "5", "f", text, "Enter", "n", "N", "v", "o"]
      {
        story.press(key)
        let line = NodeLogLine(
          time: Timestamp(milliseconds: Int64(number)), level: .error, module: text, pid: text,
          text: text + "\n" + text)
        story.tell(.nodeLog(NodeLogPart(node: text, lines: [line], lost: number)))
        for row in story.model.frame().text where Printable.clean(row) != row { wrong.append(row) }
      }
    }
    #expect(wrong == [])
  }

  /// No size and no key leads to a trap or a frame of another size.
  @Test func everySizeHasAFrame() {
    let keys =
      ["2", "j", "Enter", "j", "Esc", "L", "k", "Enter", "Esc", "C", "Esc", "3", "j"]
      + [
        "Enter", "G", "Esc", "X", "Esc", "4", "j", "G", "5", "o", "v", "f", "a", "Enter", "n", "?",
      ]
    for (columns, rows) in [(0, 0), (1, 1), (2, 3), (7, 2), (20, 5), (33, 7), (80, 1), (3, 40)] {
      var story = Story(columns: columns, rows: rows, nodes: NodeReport.night)
      for key in keys {
        story.press(key)
        #expect(story.model.frame().size == Size(columns: columns, rows: rows), "\(key)")
      }
    }
  }
}

extension Story {
  /// Whether something is to be done to a node.
  fileprivate var acts: Bool {
    effects.contains { effect in
      if case .act = effect { true } else { false }
    }
  }
}

extension NodeSnapshot {
  /// Nothing in it is as it should be.
  static func hostile(_ text: String, _ number: Int) -> NodeSnapshot {
    let usage = Usage(number, of: number)
    var snapshot = NodeSnapshot(
      node: text, otp: text, erts: text, uptime: Int64(number), isReady: false, status: text,
      schedulers: number, schedulersOnline: number, runQueues: [number, number],
      processes: usage, ports: usage, atoms: usage, ets: usage,
      applications: [
        Application(
          name: text, version: text, type: .permanent, order: number, dependencies: [text],
          description: text)
      ], peers: [text])
    snapshot.memory.total = number
    snapshot.memory.system = number
    snapshot.memory.binary = number
    return snapshot
  }
}
