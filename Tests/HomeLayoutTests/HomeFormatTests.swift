import HomeLayout
import Testing

@Suite struct HomeTests {
  @Test func standardHome() {
    let cases: [([String: String], Bool, String?)] = [
      (["RELTUI_HOME": "/srv/r", "XDG_STATE_HOME": "/x", "HOME": "/h"], false, "/srv/r"),
      (["RELTUI_HOME": "/srv/r/"], true, "/srv/r"),
      (["RELTUI_HOME": "", "HOME": "/root"], true, "/var/lib/reltui"),
      (["XDG_STATE_HOME": "/x", "HOME": "/h"], true, "/var/lib/reltui"),
      (["XDG_STATE_HOME": "/x", "HOME": "/h"], false, "/x/reltui"),
      (["XDG_STATE_HOME": "", "HOME": "/h"], false, "/h/.local/state/reltui"),
      // The XDG Base Directory Specification says that a relative path must be ignored.
      (["XDG_STATE_HOME": "state", "HOME": "/h"], false, "/h/.local/state/reltui"),
      (["HOME": ""], false, nil),
      ([:], false, nil),
    ]
    for (environment, isRoot, root) in cases {
      let home = Home.standard(environment: environment, isRoot: isRoot)
      #expect(home?.root == root, "\(environment)")
    }
  }

  @Test func placesInAHome() {
    let home = Home(root: "/r//")
    let run = home.app("greeter").run("web.1", 42)
    #expect(
      [home.root, Home(root: "/").root, home.events, home.app("greeter").config("ab"), run.status]
        == [
          "/r", "/", "/r/events", "/r/apps/greeter/config/ab",
          "/r/apps/greeter/instances/web.1/42/status",
        ])
  }
}

@Suite struct RunStatusTests {
  static let time = Timestamp(milliseconds: 1_795_244_709_042)

  @Test func statusesSurviveTheirText() throws {
    let shim = RunStatus.Process(pid: 812, started: 4711)
    let exits: [RunStatus.Exit?] = [nil, .code(0), .code(255), .signal(9), .notStarted(errno: 2)]
    var wrong: [String] = []
    for exit in exits {
      for wasAsked in [false, true] {
        for process in [nil, RunStatus.Process(pid: .max, started: UInt64(Int64.max))] {
          var status = RunStatus(boot: "b", shim: shim)
          (status.process, status.exit, status.wasAsked) = (process, exit, wasAsked)
          status.ended = exit.map { _ in Self.time }
          if try RunStatus(text: status.text) != status { wrong.append(status.text) }
        }
      }
    }
    #expect(wrong == [])
  }

  @Test func statusText() throws {
    var status = RunStatus(boot: "b", shim: RunStatus.Process(pid: 812, started: 4711))
    status.process = RunStatus.Process(pid: 814, started: 4712)
    status.wasAsked = true
    status.exit = .code(1)
    status.ended = Self.time
    #expect(
      status.text == """
        format 1
        boot b
        shim 812 4711
        pid 814 4712
        asked
        exit 1
        ended 2026-11-21T07:05:09.042Z

        """)
  }

  @Test func invalidStatusesAreRefused() {
    let good = "format 1\nshim 1 2\n"
    let cases: [(String, RunStatus.ReadingError)] = [
      ("format 2\nshim 1 2\n", .newerFormat(2)),
      ("format 9223372036854775807\nwhatever it says\n", .newerFormat(.max)),
      ("", .line(1)),
      ("\n\n", .line(1)),
      ("shim 1 2\n", .line(1)),
      ("shim 1 2\nformat 1\n", .line(1)),
      ("format 1\n", .line(1)),
      ("format 0\nshim 1 2\n", .line(1)),
      ("format x\nshim 1 2\n", .line(1)),
      ("format 99999999999999999999\nshim 1 2\n", .line(1)),
      ("format 1\nshim 0 2\n", .line(2)),
      ("format 1\nshim 1\n", .line(2)),
      (good + "pid 1 -1\n", .line(3)),
      (good + "pid 99999999999 1\n", .line(3)),
      (good + "exit x\n", .line(3)),
      (good + "exit 99999999999\n", .line(3)),
      (good + "signal \n", .line(3)),
      (good + "failed 1 2\n", .line(3)),
      (good + "asked why\n", .line(3)),
      (good + "ended yesterday\n", .line(3)),
      (good + "color blue\n", .line(3)),
      (good + "\u{0}\u{0}\u{0}", .line(3)),
    ]
    for (text, error) in cases {
      #expect(throws: error, "\(text.debugDescription)") { try RunStatus(text: text) }
    }
  }
}

@Suite struct LogLineTests {
  @Test func logLinesAndTheirTimes() {
    let fallback = Timestamp(milliseconds: 5)
    let time = Timestamp(milliseconds: 1_795_244_709_042)
    let cases: [(String, Timestamp, String)] = [
      ("2026-11-21T07:05:09.042Z hello  you ", time, "hello  you "),
      ("2026-11-21T07:05:09.042Z ", time, ""),
      ("2026-11-21T07:05:09.042Z", fallback, "2026-11-21T07:05:09.042Z"),
      ("6-11-21T07:05:09.042Z cut", fallback, "6-11-21T07:05:09.042Z cut"),
      (" 2026-11-21T07:05:09.042Z x", fallback, " 2026-11-21T07:05:09.042Z x"),
      ("", fallback, ""),
    ]
    for (line, time, text) in cases {
      #expect(LogLine(line: line.utf8, fallback: fallback) == LogLine(time: time, text: text))
    }
    let bytes = Array("2026-11-21T07:05:09.042Z ".utf8) + [0xFF, 0x00, 0x1B]
    #expect(LogLine(line: bytes, fallback: fallback).text == "\u{FFFD}\u{0}\u{1B}")
  }
}
