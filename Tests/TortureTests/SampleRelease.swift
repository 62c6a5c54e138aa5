import Posix
import TestSupport

/// The sample application as a built OTP release, made once.
enum SampleRelease {
  /// The path of its tree.
  static let tree: Result<String, any Error> = Result {
    let tree = Workspace.root + "/.build/greeter-torture"
    let folder = try TemporaryFolder("greeter")
    let (source, cache) = (folder.path + "/app", folder.path + "/cache")
    try FileTree.copy(Workspace.greeter, to: source, skipping: { $0 == "_build" })
    let path = Environment.current["PATH"] ?? Invocation.standardPath
    let result = try Invocation(
      [try Workspace.program("relpack"), "compile", source, cache],
      environment: ["PATH": path, "HOME": folder.path]
    ).run(limit: 300_000)
    guard result.isSuccess else { throw BuildFailed(output: result.text) }
    try Files.remove(tree)
    try FileTree.copy(source, to: tree)
    return tree
  }

  struct BuildFailed: Error { var output: String }
}
