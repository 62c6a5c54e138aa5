import HomeLayout
import Posix

/// The time from a stored slug to a release that answers.
struct DeployRows {
  let scratch: Scratch

  /// Measures what the deployment adds to the boot itself, with a stored slug without a release phase.
  func show() throws {
    let source = try scratch.sample("source")
    try Files.replace(source + "/Procfile", with: Array("web: bin/greeter start\n".utf8))
    let answer = try scratch.run("relctl", "build", source, "--json").text
    guard
      let slug = answer.split(separator: "\"").map({ String($0) }).first(where: {
        $0.utf8.count == 64
      })
    else {
      throw PosixError("build", "greeter", .invalid)
    }
    var (ours, peer): ([Double], [Double]) = ([], [])
    for _ in 0..<5 {
      peer.append(try boot(tree: "\(scratch.folder)/home/slugs/\(slug)/tree"))
      // From the line of the request in the log to the line `instance.ready`.
      try scratch.run("relctl", "deploy", "greeter", String(slug))
      ours.append(try requestToReady())
    }
    Row.show(
      what: "deploy to ready of a stored slug", ours: "\(Int(ours.median)) ms",
      peer: "bare boot \(Int(peer.median)) ms", ratio: "+\(Int(ours.median - peer.median))",
      budget: "boot + 150 ms")
    try memory()
  }

  private func requestToReady() throws -> Double {
    let lines = try scratch.run("relctl", "events", "-n", "100").text.split(separator: "\n")
    func moment(_ type: String) -> Timestamp? {
      lines.last { $0.contains(" \(type) ") }.flatMap { Timestamp(String($0.prefix(24))) }
    }
    guard let start = moment("deploy.requested"), let end = moment("instance.ready") else {
      return 0
    }
    return Double(end - start)
  }

  /// The time from exec to the first answer 200 of `/health`.
  private func boot(tree: String) throws -> Double {
    let port = try Loopback.freePort()
    let own = [
      "PORT": String(port), "GREETER_GREETING": "Hello", "RELEASE_COOKIE": "bench",
      "RELEASE_TMP": scratch.folder,
      "ERL_FLAGS": "-start_epmd false -erl_epmd_port \(try Loopback.freePort())",
    ]
    let invocation = Invocation(
      [tree + "/bin/greeter", "start"], in: scratch.folder,
      environment: scratch.environment.merging(own) { $1 })
    var child: Child?
    let request = Array("GET /health HTTP/1.0\r\n\r\n".utf8)
    let took = try Stopwatch.time {
      child = try .startSilent(invocation)
      let limit = Clock.monotonic() + 20_000
      while Clock.monotonic() < limit {
        let answer = try? Loopback.exchange(request, port: port, milliseconds: 1000)
        if let answer, String(decoding: answer, as: UTF8.self).contains(" 200 ") { break }
        Clock.pause(milliseconds: 5)
      }
    }
    child?.end()
    return took
  }

  private func memory() throws {
    for (name, budget) in [("relshim", "< 4 MB"), ("relctl", "–")] {
      let resident =
        ProcessTable.all().filter { process in
          let words = ProcessTable.words(of: process.pid)
          return words.first == "\(scratch.programs)/\(name)"
            && words.contains { $0.hasPrefix(scratch.folder) }
        }.map(\.resident).max() ?? 0
      Row.show(
        what: name == "relctl" ? "resident memory, agent" : "resident memory, \(name)",
        ours: "\((Double(resident) / 1_048_576).short) MB", budget: budget)
    }
  }
}
