import Events
import HomeLayout
import JSONText
import Posix
import TestSupport
import Testing

/// A home of its own, in which a test acts as the operator with the real programs.
final class Stage: Sendable {
  let folder: TemporaryFolder
  /// The disk of the home, if it is not the test's own.
  private let disk: PrivateDisk?
  /// Whether the home has a router; most tests would only wait for it.
  private let hasRouter: Bool
  /// The home as the test sees it.
  var home: Home { Home(root: (disk?.outside ?? folder.path) + "/home") }

  init(_ name: String, router: Bool = false) throws {
    folder = try TemporaryFolder(name)
    (disk, hasRouter) = (nil, router)
  }

  init(_ name: String, on disk: PrivateDisk) throws {
    folder = try TemporaryFolder(name)
    (self.disk, hasRouter) = (disk, false)
  }

  deinit {
    for app in (try? Files.list(home.apps)) ?? [] { _ = try? relctl("stop", app) }
    _ = try? relctl("agent", "stop")
    try? Files.remove(buildUserCache)
  }

  /// The cache that root's builds for this home leave outside it.
  var buildUserCache: String {
    "/var/cache/reltui/build-" + Hex.encode(SHA256.digest(Array(home.root.utf8)).prefix(8))
  }

  /// The temporary folders of builds and imports in the home.
  func builds() throws -> [String] {
    Files.exists(home.builds) ? try Files.list(home.builds).filter { $0 != ".lock" } : []
  }

  struct Answer {
    var exit: Exit
    var output: String
    var errors: String
    var lines: [Substring] { output.split(separator: "\n") }
  }

  /// Runs a program of reltui with an environment that has only the paths.
  /// - Parameter input: the program's standard input.
  func run(
    _ program: String, _ arguments: [String], environment more: [String: String] = [:],
    input: String? = nil
  ) throws -> Answer {
    let errors = folder.path + "/errors-\(Random.hex(4))"
    let file = try File.open(errors, .replace)
    let result = try Invocation(
      (disk?.entrance ?? []) + [try Workspace.program(program)] + arguments, in: folder.path,
      environment: environment.merging(more) { $1 }
    ).run(
      input: try input.map { .file(try .holding(Array($0.utf8))) } ?? .null, errors: .file(file),
      limit: 120_000)
    let text = String(decoding: try Files.read(errors), as: UTF8.self)
    return Answer(exit: result.exit, output: result.text, errors: text)
  }

  var environment: [String: String] {
    let path = Environment.current["PATH"] ?? "/usr/bin:/bin"
    let home = (disk?.inside ?? folder.path) + "/home"
    let router = hasRouter ? [:] : ["RELTUI_HAPROXY": "none"]
    return ["PATH": path, "HOME": folder.path, "RELTUI_HOME": home, "LANG": "C.UTF-8"].merging(
      router
    ) { $1 }
  }

  @discardableResult
  func relctl(_ arguments: String...) throws -> Answer { try run("relctl", arguments) }

  /// Runs a command of `relctl` that must succeed.
  /// - Returns: its output.
  @discardableResult
  func does(
    _ words: [String], input: String? = nil, location: SourceLocation = #_sourceLocation
  ) throws -> String {
    let answer = try run("relctl", words, input: input)
    #expect(
      answer.exit == .code(0), "\(words): \(answer.errors)\(answer.output)",
      sourceLocation: location)
    return answer.output
  }

  @discardableResult
  func does(_ words: String..., location: SourceLocation = #_sourceLocation) throws -> String {
    try does(words, location: location)
  }

  /// The instances as `--json` prints them.
  func instances() throws -> [InstanceReport] {
    try JSON.decode([StateReport].self, from: Array(relctl("ps", "--json").output.utf8))
      .compactMap(\.instance)
  }

  func ready() throws -> [InstanceReport] { try instances().filter { $0.state == .ready } }

  func events() throws -> [Event] {
    try relctl("events", "--json").lines.map { line in
      let event = Event(line: Array(line.utf8).span)
      return try #require(event, "\(line)")
    }
  }

  /// The process of the home's agent.
  func agent() throws -> ProcessIdentity {
    // A new agent takes the lock before it writes its pid.
    let words = try Workspace.wait(milliseconds: 30_000) {
      let text = String(decoding: try Files.read(home.agentLock), as: UTF8.self)
      let words = text.split(separator: "\n").last?.split(separator: " ") ?? []
      return words.count == 3 ? words : nil
    }
    guard let words else { throw PosixError("read", home.agentLock, .invalid) }
    return ProcessIdentity(pid: Int32(words[1]) ?? 0, started: UInt64(words[2]) ?? 0)
  }

  /// Kills the agent, as no operator does.
  func killAgent() throws {
    let agent = try agent()
    #expect(agent.signal(.kill))
    #expect(eventually { !agent.isAlive })
  }

  /// The answer of an instance to GET /.
  func greet(_ instance: InstanceReport) -> String? {
    let request = Array("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
    let answer = try? Loopback.exchange(request, port: instance.port ?? 0, milliseconds: 3000)
    guard let text = answer.map({ String(decoding: $0, as: UTF8.self) }), text.contains(" 200 ")
    else {
      return nil
    }
    return text
  }
}

/// The sample application as a built OTP release, made once for all tests.
enum Greeter {
  static let slug: Result<String, any Error> = Result {
    let folder = try TemporaryFolder("greeter")
    defer { withExtendedLifetime(folder) {} }
    let tree = Workspace.root + "/.build/greeter-release"
    try copySource(to: folder.path + "/app")
    let result = try Invocation(
      [try Workspace.program("relpack"), "compile", folder.path + "/app", folder.path + "/cache"],
      environment: ["PATH": Environment.current["PATH"] ?? "", "HOME": folder.path]
    ).run(limit: 120_000)
    guard result.isSuccess else { throw BuildFailed(output: result.text) }
    try Files.remove(tree)
    try FileTree.copy(folder.path + "/app", to: tree)
    return tree
  }

  /// Copies the source, without an observation: most tests would only wait for its end.
  static func copySource(to path: String) throws {
    try FileTree.copy(Workspace.greeter, to: path, skipping: { $0 == "_build" })
    let text = String(decoding: try Files.read(path + "/app.json"), as: UTF8.self)
    try Files.replace(
      path + "/app.json", with: Array((#"{"reltui": {"observe": 0},"# + text.dropFirst()).utf8))
  }

  struct BuildFailed: Error { var output: String }
}

extension Stage {
  /// The events, after a check that none is missing and that each request has finished once.
  func checkedEvents() throws -> [Event] {
    let events = try events()
    #expect(events.map(\.sequence) == Array(1...UInt64(events.count)))
    for request in events where request.type?.isRequest == true {
      let outcomes = events.filter { $0.data.request == request.id }.compactMap(\.type)
        .filter { [.requestFinished, .requestFailed, .requestRejected].contains($0) }
      #expect(outcomes == [.requestFinished], "\(request.typeName)")
    }
    return events
  }

  /// Writes a project to `source` whose `mix.exs` runs a script first and prints its output.
  func writeProject(thatRuns script: String) throws {
    try folder.write("source/try.sh", script)
    try folder.write(
      "source/mix.exs",
      """
      {said, _} = System.cmd("sh", ["try.sh"], stderr_to_stdout: true)
      IO.puts(said)

      defmodule Demo.MixProject do
        use Mix.Project
        def project, do: [app: :demo, version: "0.1.0", deps: []]
        def application, do: []
      end
      """)
  }
}
