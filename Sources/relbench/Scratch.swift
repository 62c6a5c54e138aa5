import Posix

/// A scratch folder on the disk that is measured, with a home in it, and the programs built beside this one.
struct Scratch {
  let folder: String
  let programs: String
  private(set) var environment: [String: String]

  init() throws(PosixError) {
    programs = Files.parent(of: try Files.target(ofLink: "/proc/self/exe"))
    folder = "/var/tmp/reltui-bench-\(Random.hex(4))"
    try Files.makeFolder(folder)
    environment = [
      "PATH": Environment.current["PATH"] ?? Invocation.standardPath, "HOME": folder,
      "LANG": "C.UTF-8", "RELTUI_HOME": folder + "/home", "TERM": "xterm-256color",
    ]
  }

  func with(home name: String) -> Scratch {
    var scratch = self
    scratch.environment["RELTUI_HOME"] = "\(folder)/\(name)"
    return scratch
  }

  /// A copy of the sample application.
  /// - Returns: its folder.
  func sample(_ name: String) throws(PosixError) -> String {
    let source = try Files.resolve("docs/examples/greeter")
    try FileTree.copy(source, to: "\(folder)/\(name)", skipping: { $0 == "_build" })
    return "\(folder)/\(name)"
  }

  /// The environment of nodes whose port mapper listens on this port.
  func environment(epmd port: UInt16) -> [String: String] {
    let own = ["ERL_EPMD_PORT": String(port), "ERL_EPMD_ADDRESS": "127.0.0.1"]
    return environment.merging(own) { $1 }
  }

  /// Makes a cookie for all nodes whose HOME is this folder.
  func makeCookie() throws(PosixError) {
    let cookie = Array(Random.hex(16).utf8)
    try Files.replace(folder + "/.erlang.cookie", with: cookie, mode: 0o400)
  }

  func startEPMD(_ port: UInt16) throws(PosixError) -> Child {
    let words = ["epmd", "-port", String(port)]
    return try .startSilent(Invocation(words, in: "/", environment: environment(epmd: port)))
  }

  var events: String { (environment["RELTUI_HOME"] ?? folder) + "/events" }

  func invocation(_ program: String, _ arguments: [String]) -> Invocation {
    let path = program.contains("/") ? program : "\(programs)/\(program)"
    return Invocation([path] + arguments, in: folder, environment: environment)
  }

  /// Runs one of our programs, or another by its path, which must succeed.
  @discardableResult
  func run(_ program: String, _ arguments: String...) throws(PosixError) -> Invocation.Result {
    let result = try invocation(program, arguments).run(limit: 300_000)
    if !result.isSuccess {
      print(result.text)
      throw PosixError("run", ([program] + arguments).joined(separator: " "), .invalid)
    }
    return result
  }

  /// Compiles a program of `scripts`.
  /// - Returns: its path.
  func compile(_ name: String, libraries: [String]) throws(PosixError) -> String {
    let source = try Files.resolve("scripts/\(name).c")
    let compiler = ["cc", "clang"].first {
      (try? Invocation([$0], environment: environment).program()) != nil
    }
    let program = "\(folder)/\(name)"
    let arguments = [compiler ?? "cc", "-O2", "-o", program, source] + libraries
    let result = try Invocation(arguments, environment: environment).run(limit: 60_000)
    if !result.isSuccess { throw PosixError("compile", source, .invalid) }
    return program
  }

  func clean() {
    for words in [["stop", "greeter"], ["agent", "stop"]] {
      _ = try? invocation("relctl", words).run(limit: 60_000)
    }
    try? Files.remove(folder)
  }
}

extension Child {
  /// Starts a program in a session of its own, with its output discarded.
  static func startSilent(_ invocation: Invocation) throws(PosixError) -> Child {
    try start(invocation, output: .null, errors: .null, newSession: true)
  }

  func end() {
    signal(.kill)
    _ = wait()
  }
}
