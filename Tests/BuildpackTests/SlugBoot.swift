import Glibc
import Posix
import TestSupport
import Testing

/// The slug on a machine without Elixir: a PATH with just what its scripts use.
struct SlugHost {
  let tree: String
  let environment: [String: String]
  let port: UInt16
  private let epmd: Child

  static let programs = [
    "sh", "awk", "basename", "cat", "cut", "date", "dd", "dirname", "env", "grep", "head",
    "id", "ln", "mkdir", "od", "readlink", "rm", "sed", "sha256sum",
  ]

  init(tree: String, folder: String) throws {
    self.tree = tree
    let path = folder + "/path-" + Random.hex(4)
    try Files.makeFolder(path, mode: 0o755)
    for name in Self.programs {
      let program = try Invocation([name], environment: Environment.current).program()
      try Files.symbolicLink(to: program, at: path + "/" + name)
    }
    port = try Loopback.freePort()
    let epmdPort = try Loopback.freePort()
    environment = [
      "PATH": path, "PORT": String(port), "GREETER_GREETING": "Moin",
      "ERL_EPMD_PORT": String(epmdPort), "ERL_EPMD_ADDRESS": "127.0.0.1",
    ]
    let erts = try #require(try Files.list(tree).first { $0.hasPrefix("erts-") })
    epmd = try Child.start(
      Invocation(["\(tree)/\(erts)/bin/epmd"], environment: environment), output: .null,
      errors: .null)
    let listens = Workspace.wait(milliseconds: 10_000) {
      Loopback.isListening(epmdPort) ? true : nil
    }
    try #require(listens == true)
  }

  func stop() {
    epmd.signal(SIGTERM)
    _ = epmd.wait()
  }

  func command(_ words: String..., change: [String: String] = [:]) -> Invocation {
    Invocation(
      [tree + "/bin/greeter"] + words, in: "/",
      environment: environment.merging(change) { $1 })
  }

  /// Starts the node and waits for its answer.
  func started(change: [String: String] = [:], _ body: (Child) throws -> Void) throws {
    let log = try File.open(tree + "-" + Random.hex(4) + ".log", .create)
    var invocation = command("start", change: change)
    if User.isRoot, change["AS_NOBODY"] != nil {
      invocation.arguments =
        ["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        + invocation.arguments
    }
    let node = try Child.start(
      invocation, output: .file(log), errors: .file(log), newSession: true)
    defer {
      for process in ProcessTable.descendants(of: node.pid) { kill(process.pid, SIGKILL) }
      node.signal(SIGKILL)
    }
    let request = Array("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8)
    let answer = Workspace.wait(milliseconds: 20_000) {
      try? Loopback.exchange(request, port: port, milliseconds: 2000)
    }
    let text = try #require(answer.map { String(decoding: $0, as: UTF8.self) })
    #expect(text.hasPrefix("HTTP/1.1 200") && text.contains("Moin from Greeter"))
    try body(node)
  }
}

extension GreeterBuildTests {
  func checkBoot(_ tree: String, _ folder: String) throws {
    let host = try SlugHost(tree: tree, folder: folder)
    defer { host.stop() }
    #expect(throws: PosixError.self) {
      try Invocation(["elixir"], environment: host.environment).program()
    }
    try host.started { node in
      let answer = try host.command("rpc", "IO.puts(node())").run(limit: 20_000)
      #expect(answer.text == "greeter@127.0.0.1\n")
      node.signal(SIGTERM)
      #expect(node.wait() == .code(0))
    }
  }

  /// A slug that its user cannot write keeps its cookie in the user's home.
  func checkReadOnlyStart(_ tree: String, _ folder: String) throws {
    try Files.remove(tree + "/tmp")
    let home = folder + "/somebody"
    try Files.makeFolder(home)
    if User.isRoot { #expect(chown(home, 65534, 65534) == 0) }
    try Files.setMode(tree, 0o555)
    defer { try? Files.setMode(tree, 0o755) }
    let host = try SlugHost(tree: tree, folder: folder)
    defer { host.stop() }
    try host.started(change: ["HOME": home, "AS_NOBODY": "1"]) { node in
      #expect(Files.exists(home + "/.cache/greeter/.greeter.cookie"))
      #expect(!Files.exists(tree + "/tmp"))
      node.signal(SIGTERM)
      #expect(node.wait() == .code(0))
    }
  }
}
