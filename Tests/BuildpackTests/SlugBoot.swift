import Glibc
import Posix
import TestSupport
import Testing

/// A slug on a host without Elixir, with only the programs that its scripts use in PATH.
struct SlugHost {
  let tree: String
  let environment: [String: String]
  let port: UInt16
  private let epmd: Child

  static let programs = [
    "sh", "awk", "basename", "cat", "cut", "date", "dd", "dirname", "env", "grep", "head",
    "id", "ln", "mkdir", "od", "readlink", "rm", "sed", "sha256sum",
  ]

  /// - Parameters:
  ///   - folder: for the host's other files.
  ///   - variables: the app's config vars.
  init(tree: String, folder: String, variables: [String: String]) throws {
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
      "PATH": path, "PORT": String(port), "ERL_EPMD_PORT": String(epmdPort),
      "ERL_EPMD_ADDRESS": "127.0.0.1",
    ].merging(variables) { $1 }
    epmd = try Child.start(
      Invocation([try Self.epmd(in: tree)], environment: environment), output: .null,
      errors: .null)
    let listens = Workspace.wait(milliseconds: 10_000) {
      Loopback.isListening(epmdPort) ? true : nil
    }
    try #require(listens == true)
  }

  /// A slug with several releases has the runtime in each of them.
  private static func epmd(in tree: String) throws -> String {
    let releases = try Files.isFolder(tree + "/rel") ? Files.list(tree + "/rel") : []
    for folder in [tree] + releases.map({ tree + "/rel/" + $0 }) {
      if let erts = try Files.list(folder).first(where: { $0.hasPrefix("erts-") }) {
        return "\(folder)/\(erts)/bin/epmd"
      }
    }
    throw PosixError("find the runtime in", tree, .noSuchFile)
  }

  func stop() {
    epmd.signal(.term)
    _ = epmd.exit()
  }

  func command(_ words: String..., change: [String: String] = [:]) -> Invocation {
    Invocation(words, in: "/", environment: environment.merging(change) { $1 })
  }

  /// Starts a node and waits for its answer.
  /// - Parameters:
  ///   - user: the user that runs it, if the test runs as root.
  ///   - answer: a part of the answer.
  func started(
    _ invocation: Invocation, as user: uid_t? = nil, answer expected: String,
    _ body: (Child) throws -> Void = { _ in }
  ) throws {
    let log = tree + "-" + Random.hex(4) + ".log"
    let file = try File.open(log, .create)
    var invocation = invocation
    if let user, User.isRoot {
      invocation.arguments =
        ["/usr/bin/setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups"]
        + invocation.arguments
    }
    let node = try Child.start(
      invocation, output: .file(file), errors: .file(file), newSession: true)
    defer {
      ProcessTable.endDescendants(of: node.pid)
      node.signal(.kill)
    }
    let request = Array("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8)
    let answer = Workspace.wait(milliseconds: 20_000) {
      try? Loopback.exchange(request, port: port, milliseconds: 2000)
    }
    let text = answer.map { String(decoding: $0, as: UTF8.self) } ?? ""
    let said = String(decoding: try Files.read(log), as: UTF8.self)
    try #require(
      text.hasPrefix("HTTP/1.1 200") && text.contains(expected), "answered '\(text)'\n\(said)")
    try body(node)
    node.signal(.term)
    #expect(node.exit() == .code(0))
  }
}

extension GreeterBuildTests {
  static let greeting = "Moin from Greeter"

  private func host(_ tree: String, _ folder: String) throws -> SlugHost {
    try SlugHost(tree: tree, folder: folder, variables: ["GREETER_GREETING": "Moin"])
  }

  func checkBoot(_ tree: String, _ folder: String) throws {
    let host = try host(tree, folder)
    defer { host.stop() }
    #expect(throws: PosixError.self) {
      try Invocation(["elixir"], environment: host.environment).program()
    }
    let program = tree + "/bin/greeter"
    try host.started(host.command(program, "start"), answer: Self.greeting) { _ in
      let answer = try host.command(program, "rpc", "IO.puts(node())").run(limit: 20_000)
      #expect(answer.text == "greeter@127.0.0.1\n")
    }
  }

  /// A slug that its user cannot write keeps its cookie in the user's home.
  func checkReadOnlyStart(_ tree: String, _ folder: String) throws {
    try Files.remove(tree + "/tmp")
    let home = folder + "/user"
    try Files.makeFolder(home)
    if User.isRoot { #expect(chown(home, BuildHost.user, BuildHost.user) == 0) }
    try Files.setMode(tree, 0o555)
    defer { try? Files.setMode(tree, 0o755) }
    let host = try host(tree, folder)
    defer { host.stop() }
    let start = host.command(tree + "/bin/greeter", "start", change: ["HOME": home])
    try host.started(start, as: BuildHost.user, answer: Self.greeting) { _ in
      #expect(Files.exists(home + "/.cache/greeter/.greeter.cookie"))
      #expect(!Files.exists(tree + "/tmp"))
    }
  }
}
