import EventLog
import HomeFormat
import Posix

/// A scratch home and the programs built beside this one.
struct Bench {
  private let folder: String
  private let programs: String
  private let environment: [String: String]
  private let greeter: String

  init() throws(PosixError) {
    programs = Files.parent(of: try Files.target(ofLink: "/proc/self/exe"))
    folder = "/var/tmp/reltui-bench-\(Random.hex(4))"
    greeter = try Files.resolve("docs/examples/greeter")
    try Files.makeFolder(folder)
    environment = [
      "PATH": Environment.current["PATH"] ?? "/usr/bin:/bin", "HOME": folder, "LANG": "C.UTF-8",
      "RELTUI_HOME": folder + "/home", "TERM": "xterm-256color",
    ]
  }

  func clean() {
    _ = try? run("relctl", "stop", "greeter")
    _ = try? run("relctl", "agent", "stop")
    try? Files.remove(folder)
  }

  @discardableResult
  private func run(_ program: String, _ arguments: String...) throws(PosixError)
    -> Invocation.Result
  {
    try Invocation([programs + "/" + program] + arguments, in: folder, environment: environment)
      .run(limit: 120_000)
  }

  /// Milliseconds that `work` takes.
  private func time(_ work: () throws -> Void) rethrows -> Double {
    var (start, end) = (ContinuousClock.now, ContinuousClock.now)
    start = .now
    try work()
    end = .now
    let parts = (end - start).components
    return Double(parts.seconds) * 1000 + Double(parts.attoseconds) / 1e15
  }

  // MARK: - The event log against SQLite

  func appends() throws {
    let count = 2000
    let log = EventLog(folder: folder + "/events")
    let data = Array(#"{"instance":"web.1","run":42,"pid":4711,"by":"ana"}"#.utf8)
    let ours = try time {
      for _ in 0..<count {
        try log.append(
          Draft(source: "host/bench", type: "instance.booting", subject: "greeter", data: data))
      }
    }
    // The same lines, one a transaction, in SQLite's best durable mode for one writer.
    let script = """
      import sqlite3, sys, time
      db = sqlite3.connect(sys.argv[1], isolation_level=None)
      db.execute("pragma journal_mode=wal"); db.execute("pragma synchronous=full")
      db.execute("create table events(seq integer primary key, line text)")
      line = "x" * 300; start = time.perf_counter()
      for _ in range(\(count)): db.execute("insert into events(line) values (?)", (line,))
      print((time.perf_counter() - start) * 1000)
      """
    let answer = try Invocation(
      ["python3", "-c", script, folder + "/peer.db"], environment: environment
    ).run(limit: 120_000)
    let peer = Double(answer.text.split(separator: "\n").first ?? "") ?? 0
    print(
      Row(
        what: "durable append, one writer", ours: "\((Double(count) / ours).two)k/s",
        peer: "SQLite WAL FULL \((Double(count) / peer).two)k/s", ratio: (peer / ours).two,
        budget: "≥ 1.2"))
  }

  // MARK: - The screen

  func firstFrame() throws {
    let times = try (0..<20).map { _ in try time { try run("reltui", "--once") } }
    let bare = try (0..<20).map { _ in try time { try run("relctl", "--version") } }
    print(
      Row(
        what: "reltui --once, quiet home, whole process", ours: "\(times.median.short) ms",
        peer: "relctl --version \(bare.median.short) ms", ratio: (times.median / bare.median).two,
        budget: "< 15 ms"))
  }

  // MARK: - From source to a running release

  func build() throws {
    var (ours, peer): ([Double], [Double]) = ([], [])
    for round in 0..<3 {
      let (mine, bare) = ("\(folder)/mine-\(round)", "\(folder)/bare-\(round)")
      for copy in [mine, bare] {
        try FileTree.copy(greeter, to: copy, skipping: { $0 == "_build" })
      }
      ours.append(try time { try run("relpack", "compile", mine, folder + "/cache") })
      var environment = environment
      environment["MIX_ENV"] = "prod"
      let mix = Invocation(["mix", "release"], in: bare, environment: environment)
      peer.append(try time { _ = try mix.run(limit: 120_000) })
    }
    print(
      Row(
        what: "buildpack, cold", ours: "\(Int(ours.median)) ms",
        peer: "mix release \(Int(peer.median)) ms",
        ratio: (ours.median / peer.median).two, budget: "≤ 1.1"))
  }

  /// A stored slug without a release phase: what the deployment adds to the boot itself.
  func deploy() throws {
    let source = folder + "/source"
    try FileTree.copy(greeter, to: source, skipping: { $0 == "_build" })
    try Files.replace(source + "/Procfile", with: Array("web: bin/greeter start\n".utf8))
    let answer = try run("relctl", "build", source, "--json").text
    guard
      let slug = answer.split(separator: "\"").map({ String($0) }).first(where: {
        $0.utf8.count == 64
      })
    else {
      throw PosixError("build", "greeter", .invalid)
    }
    var (ours, peer): ([Double], [Double]) = ([], [])
    for _ in 0..<5 {
      peer.append(try boot(tree: "\(folder)/home/slugs/\(slug)/tree"))
      // From the request's line in the log to the one that says ready.
      try run("relctl", "deploy", "greeter", String(slug))
      ours.append(try requestToReady())
    }
    print(
      Row(
        what: "deploy to ready of a stored slug", ours: "\(Int(ours.median)) ms",
        peer: "bare boot \(Int(peer.median)) ms", ratio: "+\(Int(ours.median - peer.median))",
        budget: "boot + 150 ms"))
    try memory()
  }

  private func requestToReady() throws -> Double {
    let lines = try run("relctl", "events", "-n", "100").text.split(separator: "\n")
    func moment(_ type: String) -> Timestamp? {
      lines.last { $0.contains(" \(type) ") }.flatMap { Timestamp(String($0.prefix(24))) }
    }
    guard let start = moment("deploy.requested"), let end = moment("instance.ready") else {
      return 0
    }
    return Double(end - start)
  }

  /// From exec to the first 200 of `/health`.
  private func boot(tree: String) throws -> Double {
    let port = try Loopback.freePort()
    var environment = environment
    environment["PORT"] = String(port)
    environment["GREETER_GREETING"] = "Hello"
    environment["RELEASE_COOKIE"] = "bench"
    environment["RELEASE_TMP"] = folder
    environment["ERL_FLAGS"] = "-start_epmd false -erl_epmd_port \(try Loopback.freePort())"
    let invocation = Invocation(
      [tree + "/bin/greeter", "start"], in: folder, environment: environment)
    var child: Child?
    let request = Array("GET /health HTTP/1.0\r\n\r\n".utf8)
    let took = try time {
      let started = try Child.start(invocation, output: .null, errors: .null, newSession: true)
      child = started
      let limit = Clock.monotonic() + 20_000
      while Clock.monotonic() < limit {
        let answer = try? Loopback.exchange(request, port: port, milliseconds: 1000)
        if let answer, String(decoding: answer, as: UTF8.self).contains(" 200 ") { break }
        _ = try Poll.wait([], milliseconds: 5)
      }
    }
    child?.signal(9)
    _ = child?.wait()
    return took
  }

  private func memory() throws {
    for (name, budget) in [("relshim", "< 4 MB"), ("relctl", "–")] {
      let resident =
        ProcessTable.all().filter { process in
          let line = (try? Files.read("/proc/\(process.pid)/cmdline")) ?? []
          let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
          return words.first == "\(programs)/\(name)" && words.contains { $0.hasPrefix(folder) }
        }.map(\.resident).max() ?? 0
      print(
        Row(
          what: name == "relctl" ? "resident memory, agent" : "resident memory, \(name)",
          ours: "\((Double(resident) / 1_048_576).short) MB", peer: "–", ratio: "–", budget: budget)
      )
    }
  }
}
