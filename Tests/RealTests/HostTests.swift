import Events
import HomeLayout
import JSONText
import Posix
import TestSupport
import Testing

/// `relctl agent install`, `status` and `doctor`, as root, on a host whose /etc/systemd/system and
/// /run only the test's commands see. Its systemctl is a script: it starts and stops the agent as
/// systemd would, and writes down how it was called.
@Suite(.waitsForPrograms) struct HostTests {
  private let stage: Stage
  private var folder: String { stage.folder.path }

  init() throws {
    try #require(User.isRoot, "this test needs root, to mount a folder over /etc/systemd/system")
    stage = try Stage("host")
    for name in ["units", "run/systemd/system"] {
      try Files.makeFolder(folder + "/" + name, mode: 0o755)
    }
    let program = try Workspace.program("relctl")
    try stage.folder.write(
      "bin/systemctl",
      """
      #!/bin/sh
      cd \(folder)
      echo "$*" >> calls
      inactive() { printf 'ActiveState=inactive\\nUnitFileState=enabled\\n' > state; }
      [ -f state ] || inactive
      case "$1" in
      show) cat state ;;
      start | restart)
        [ "$1" = start ] || [ ! -f pid ] || kill "$(cat pid)"
        setsid "\(program)" agent > agent.out 2>&1 &
        echo $! > pid
        printf 'ActiveState=active\\nUnitFileState=enabled\\nMainPID=%s\\n' $! > state ;;
      stop | disable)
        kill "$(cat pid)"
        inactive
        echo InactiveEnterTimestampMonotonic=7 >> state ;;
      esac
      """, mode: 0o755)
  }

  private func relctl(_ arguments: String...) throws -> Stage.Answer {
    let script = """
      mount --bind \(folder)/units /etc/systemd/system && mount --bind \(folder)/run /run && exec "$@"
      """
    let errors = folder + "/errors"
    let file = try File.open(errors, .replace)
    let path = folder + "/bin:" + (stage.environment["PATH"] ?? "")
    let result = try Invocation(
      ["unshare", "-m", "sh", "-c", script, "sh", try Workspace.program("relctl")] + arguments,
      in: folder, environment: stage.environment.merging(["PATH": path]) { $1 }
    ).run(errors: .file(file), limit: 60_000)
    return Stage.Answer(
      exit: result.exit, output: result.text,
      errors: String(decoding: try Files.read(errors), as: UTF8.self))
  }

  private var calls: [String] {
    ((try? Files.read(folder + "/calls")).map { String(decoding: $0, as: UTF8.self) } ?? "")
      .split(separator: "\n").map(String.init).filter { !$0.hasPrefix("show") }
  }

  private struct Status: Decodable {
    var running: Bool
    var pid: Int32?
    var startedBy: String?
    var cause: Cause?
  }

  private func status() throws -> (exit: Exit, status: Status) {
    let answer = try relctl("agent", "status", "--json")
    return (answer.exit, try JSON.decode(Status.self, from: Array(answer.output.utf8)))
  }

  @Test func systemdOwnsTheAgent() throws {
    #expect(try relctl("agent", "start").exit == .code(0))
    let first = try stage.agent()
    let before = try status()
    #expect(before.exit == .code(0) && before.status.startedBy == "command")
    #expect(before.status.pid == first.pid)

    // The agent of a command leaves; that of the unit takes its place.
    let installed = try relctl("agent", "install")
    #expect(installed.exit == .code(0), "\(installed.errors)")
    #expect(
      calls == ["daemon-reload", "enable reltui-agent.service", "restart reltui-agent.service"])
    let second = try status()
    #expect(second.exit == .code(0) && second.status.startedBy == "systemd")
    #expect(second.status.pid != first.pid && !first.isAlive)
    let text = String(
      decoding: try Files.read(folder + "/units/reltui-agent.service"), as: UTF8.self)
    #expect(try relctl("agent", "install", "--print").output == text)

    // Commands start a unit that has failed.
    try stage.killAgent()
    try Files.replace(folder + "/state", with: Array("ActiveState=failed\n".utf8))
    #expect(try relctl("config", "shop", "set", "COLOUR=blue").exit == .code(0))
    #expect(calls.last == "start reltui-agent.service")

    // After systemctl stop none does, and nothing is requested in vain.
    let agent = try stage.agent()
    _ = try Invocation(
      [folder + "/bin/systemctl", "stop", "reltui-agent.service"], environment: stage.environment
    ).run()
    #expect(eventually { !agent.isAlive })
    let events = try stage.events().count
    for command in [["config", "shop", "set", "COLOUR=red"], ["agent", "start"]] {
      let refused = try relctl(command)
      #expect(
        refused.exit == .code(69)
          && refused.errors == """
            relctl: the agent's unit reltui-agent.service was stopped [RT-AGENT-STOPPED]
              Start it: systemctl start reltui-agent.service

            """,
        "\(refused.errors)")
    }
    #expect(try stage.events().count == events && calls.last == "stop reltui-agent.service")
    let stopped = try status()
    #expect(stopped.exit == .code(69) && stopped.status.cause?.id == "RT-AGENT-STOPPED")
    let doctor = try relctl("doctor")
    #expect(
      doctor.exit == .code(1) && doctor.output.contains("unit reltui-agent.service was stopped"))

    #expect(try relctl("agent", "uninstall").exit == .code(0))
    #expect(try Files.list(folder + "/units").isEmpty)
    #expect(try relctl("config", "shop", "set", "COLOUR=red").exit == .code(0))
    #expect(try status().status.startedBy == "command")
  }

  private func relctl(_ arguments: [String]) throws -> Stage.Answer {
    switch arguments.count {
    case 2: try relctl(arguments[0], arguments[1])
    default: try relctl(arguments[0], arguments[1], arguments[2], arguments[3])
    }
  }

  @Test func statusOfAnAgentThatDoesNotAnswer() throws {
    let none = try status()
    #expect(none.exit == .code(69) && none.status.cause?.id == "RT-AGENT-ABSENT")
    #expect(!Files.exists(stage.home.root))
    #expect(try relctl("agent", "start").exit == .code(0))
    let agent = try stage.agent()
    agent.signal(.stop)
    defer { agent.signal(.cont) }
    let silent = try relctl("agent", "status")
    #expect(silent.exit == .code(75) && silent.errors.contains("[RT-AGENT-SILENT]"))
    #expect(silent.output.contains("runs, pid \(agent.pid)"), "\(silent.output)")
  }

  /// An instance that other hosts can reach is named, with the line of its source to change.
  @Test func doctorNamesWhatListensToOtherHosts() throws {
    let tree = folder + "/release"
    try FileTree.copy(try Greeter.slug.get(), to: tree, skipping: { $0 == ".reltui" })
    let script = """
      import os, socket, time
      t = socket.socket(); t.bind(("127.0.0.1", 0)); t.listen()
      s = socket.socket(); s.bind(("0.0.0.0", int(os.environ["PORT"]))); s.listen()
      while True:
        c, _ = s.accept()
        c.recv(4096); c.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n"); c.close()
      """
    try Files.replace(tree + "/listen.py", with: Array(script.utf8), mode: 0o644)
    try Files.replace(
      tree + "/Procfile", with: Array("web: python3 listen.py\n".utf8), mode: 0o644)
    let deployed = try relctl("deploy", "shop", tree)
    #expect(deployed.exit == .code(0), "\(deployed.errors)\(deployed.output)")
    let port = try #require(try stage.ready().first?.port)
    let doctor = try relctl("doctor")
    #expect(
      doctor.output.contains(
        "shop/web.1 accepts connections from other hosts: it listens on 0.0.0.0, PORT (\(port))"),
      "\(doctor.output)")
    // What listens on loopback is not.
    #expect(doctor.lines.count { $0.contains("accepts connections") } == 1, "\(doctor.output)")
  }
}
