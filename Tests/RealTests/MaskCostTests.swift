import Posix
import TestSupport
import Testing

/// Every append masks the values of all config vars; its cost must not grow with the number of
/// apps.
@Suite(.waitsForPrograms) struct MaskCostTests {
  /// Feeds one line at a time, after the one before was written.
  private static let feeding = """
    set -e
    coproc strace -f -o "$1" "$2" events emit --stdin
    for number in 1 2 3 4 5 6; do
      echo '{"type":"a.b"}' >&"${COPROC[1]}"
      read -r -u "${COPROC[0]}" answer
      test "$answer" = "$number"
    done
    """

  /// The number of system calls between two printed numbers, once the sets are known.
  private func calls(apps: Int) throws -> [Int] {
    let stage = try Stage("mask")
    let key = [UInt8](repeating: 7, count: 32)
    for app in 0..<apps {
      let bytes = Array(#"{"format":1,"values":{"KEY":"value of app \#(app)"}}"#.utf8)
      let folder = stage.home.app("app\(app)")
      try Files.makeFolder(folder.configs)
      let digest = Hex.encode(SHA256.authenticate(bytes, key: key))
      try File.open(folder.config(digest), .replace).write(bytes)
    }
    try Files.replace(stage.home.secret, with: key)
    let trace = stage.folder.path + "/trace"
    let fed = try Invocation(
      ["bash", "-c", Self.feeding, "feed", trace, try Workspace.program("relctl")],
      environment: stage.environment
    ).run(limit: 60_000)
    try #require(fed.isSuccess, "\(fed.text)")
    let lines = String(decoding: try Files.read(trace), as: UTF8.self).split(separator: "\n")
    let printed = (1...6).compactMap { number in
      lines.firstIndex { $0.contains("write(") && $0.contains(#""\#(number)\n""#) }
    }
    try #require(printed.count == 6)
    return zip(printed.dropFirst(), printed.dropFirst(2)).map { $1 - $0 }
  }

  @Test func appendCostsTheSameWithManyApps() throws {
    let (one, many) = (try calls(apps: 1), try calls(apps: 300))
    #expect(one == many && one.allSatisfy { $0 < 40 })
  }

  /// A short-lived process reads one file instead of all sets.
  @Test func shortProcessReadsOnlyTheMask() throws {
    let stage = try Stage("mask-once")
    for app in 0..<20 {
      let set = try stage.relctl("config", "app\(app)", "set", "--build", "KEY=value-of-\(app)")
      try #require(set.exit == .code(0), "\(set.errors)")
    }
    _ = try stage.relctl("events", "emit", "a.b")
    let trace = stage.folder.path + "/trace"
    let traced = try Invocation(
      [
        "strace", "-f", "-o", trace, "-e", "trace=open,openat", try Workspace.program("relctl"),
        "events", "emit", "a.b", "--data", #"{"x":"value-of-7"}"#,
      ], environment: stage.environment
    ).run(limit: 30_000)
    #expect(traced.text == "2\n")
    let opened = String(decoding: try Files.read(trace), as: UTF8.self)
    #expect(!opened.contains("/config/") && opened.contains("/config.mask"))
    #expect(try stage.relctl("events").output.contains("x=«KEY»"))
  }
}
