import Posix
import TestSupport
import Testing

/// An error of readdir(3) must not be taken for the end of a folder.
@Suite(.waitsForPrograms) struct ListingTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder("listing") }

  /// Makes an OTP release in the form that `mix release` leaves it, without code.
  private func makeRelease() throws -> String {
    let tree = folder.path + "/release"
    try FileTree.copy(Fixtures.path("releases/mix"), to: tree)
    for script in ["bin/demo_mix", "releases/0.1.0/elixir"] {
      try folder.write("release/" + script, "#!/bin/sh\n", mode: 0o755)
    }
    return tree
  }

  private func build(_ tree: String, injecting failure: [String] = []) throws -> Invocation.Result {
    let relctl = [try Workspace.program("relctl"), "build", tree]
    let strace = ["strace", "-f", "-y", "-o", folder.path + "/trace", "-e"]
    return try Invocation(
      strace + (failure.isEmpty ? ["trace=getdents64"] : failure) + relctl,
      environment: Environment.current.merging(["RELTUI_HOME": folder.path + "/home"]) { $1 }
    ).run(limit: 60_000)
  }

  private func slugLine(_ result: Invocation.Result) -> Substring? {
    result.text.split(separator: "\n").last { $0.hasPrefix("-----> Slug ") }
  }

  /// Each folder takes two calls of getdents64(2): one for its names, one for their end.
  @Test func failedListingIsNotAnEmptyFolder() throws {
    let tree = try makeRelease()
    let whole = try build(tree)
    let slug = try #require(slugLine(whole), "\(whole.text)")
    let trace = String(decoding: try Files.read(folder.path + "/trace"), as: UTF8.self)
    let calls = trace.split(separator: "\n").count { $0.contains("getdents64(") }
    try #require(calls > 50)
    var named = 0
    for number in stride(from: 1, through: calls, by: 5) {
      let result = try build(
        tree, injecting: ["inject=getdents64:error=EIO:when=\(number)"])
      if result.isSuccess { #expect(slugLine(result) == slug, "call \(number) gave another slug") }
      if result.text.contains("input/output error") { named += 1 }
    }
    #expect(named > 10)
  }
}
