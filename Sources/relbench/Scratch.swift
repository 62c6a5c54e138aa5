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
