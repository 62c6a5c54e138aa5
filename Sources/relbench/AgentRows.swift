import Glibc
import HomeLayout
import Posix

/// The CPU time of the agent for instances that only answer their readiness check.
struct AgentRows {
  let scratch: Scratch

  /// Seconds of each measurement: two rounds of probes.
  private static let span: Int64 = 20
  /// Seconds between two probes of a ready instance.
  private static let pause: Int64 = 10

  func show() throws {
    let source = try scratch.sample("idle")
    try Files.replace(source + "/Procfile", with: Array(Self.procfile.utf8))
    try Files.replace(source + "/app.json", with: Array(Self.appJSON.utf8))
    try scratch.run("relctl", "deploy", "greeter", source)
    var figures: [Double] = []
    for count in [10, 60] {
      try scratch.run("relctl", "scale", "greeter", "web=\(count)")
      figures.append(try microseconds(aProbeOf: count))
    }
    Row.show(
      what: "agent, CPU a probe: 60 idle instances", ours: "\(Int(figures[1])) µs",
      peer: "10 instances \(Int(figures[0])) µs", ratio: (figures[1] / figures[0]).short,
      budget: "equal, ≤ 500 µs")
    try scratch.run("relctl", "stop", "greeter")
  }

  private static let procfile = "web: exec busybox httpd -f -p 127.0.0.1:$PORT -h .\n"
  private static let appJSON = """
    {"healthchecks": {"web": [{"type": "startup", "name": "answers", "path": "/app.json"}]}}
    """

  private func microseconds(aProbeOf count: Int) throws -> Double {
    let home = Home(root: scratch.environment["RELTUI_HOME"] ?? "")
    let lines = String(decoding: try Files.read(home.agentLock), as: UTF8.self).split(
      separator: "\n")
    let words = lines.last?.split(separator: " ") ?? []
    guard words.count == 3, let agent = pid_t(words[1]) else {
      throw PosixError("find", "the agent", .invalid)
    }
    // Wait until the last instances have started and the first probes are over.
    Clock.pause(milliseconds: 2 * Self.pause * 1000)
    let before = try Usage.nanoseconds(of: agent)
    Clock.pause(milliseconds: Self.span * 1000)
    let used = try Usage.nanoseconds(of: agent) - before
    return Double(used) / 1000 / Double(count) / Double(Self.span / Self.pause)
  }
}
