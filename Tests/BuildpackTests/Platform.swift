import Posix
import ReleaseModel
import TestSupport
import Testing

/// The parts that a PaaS gives to a build: the packaged buildpack, a source, a cache and config vars.
final class Platform: Sendable {
  struct Result {
    var exit: Exit
    var lines: [String]
  }

  /// One copy for all tests, since only its owner may be able to enter the workspace. install(1) makes it: a program that
  /// this process has just written may be open in a child of another thread, and then cannot be run.
  static let relpack = Swift.Result {
    let folder = try TemporaryFolder("relpack", inMemory: true)
    let made = try Invocation(
      ["install", "-m", "755", try Workspace.program("relpack"), folder.path],
      environment: ["PATH": Invocation.standardPath]
    ).run()
    try #require(made.isSuccess, "\(made.text)")
    return folder
  }

  let folder: TemporaryFolder
  var source: String { folder.path + "/source" }
  var home: String { folder.path + "/home" }
  var variables: String { folder.path + "/env" }
  var cache: String { folder.path + "/cache" }

  /// - Parameter config: the app's config vars.
  init(config: [String: String] = [:], change: (String) throws -> Void = { _ in }) throws {
    folder = try TemporaryFolder("build", inMemory: true)
    try FileTree.copy(
      Workspace.greeter, to: folder.path + "/source",
      skipping: { ["_build", "deps"].contains($0) })
    try FileTree.copy(Workspace.root + "/buildpack", to: folder.path + "/buildpack")
    let machine = folder.path + "/buildpack/libexec/" + Manifest.Target.host.arch
    try Files.makeFolder(machine)
    try Files.hardLink(
      try Platform.relpack.get().path + "/relpack", at: machine + "/relpack")
    try Files.makeFolder(folder.path + "/env")
    try Files.makeFolder(folder.path + "/cache")
    for (name, value) in config {
      try File.open(folder.path + "/env/" + name, .create).write(value)
    }
    try change(folder.path + "/source")
  }

  func invocation(
    _ command: String, _ arguments: [String], environment: [String: String] = [:]
  ) -> Invocation {
    var environment = environment
    environment["PATH"] = environment["PATH"] ?? Environment.current["PATH"]
    return Invocation(
      [folder.path + "/buildpack/bin/" + command] + arguments, environment: environment)
  }

  /// Runs one of the buildpack's programs with nothing in its environment but `PATH`.
  func run(
    _ command: String, _ arguments: [String]? = nil, environment: [String: String] = [:]
  ) throws -> Result {
    let result = try invocation(command, arguments ?? [source], environment: environment)
      .run(limit: 60_000)
    return Result(exit: result.exit, lines: Self.lines(result.text))
  }

  static func lines(_ text: String) -> [String] {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if lines.last == "" { lines.removeLast() }
    return lines
  }

  /// Everything in the source: name, mode and content.
  func snapshot() throws -> [String] {
    try FileTree.entries(of: source).map { entry in
      let path = source + "/" + entry.path
      let content = entry.info.kind == .file ? Hex.encode(try SHA256.digest(ofFile: path)) : ""
      return "\(entry.path) \(entry.info.mode) \(content)"
    }
  }
}
