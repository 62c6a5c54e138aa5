import Buildpack
import Glibc
import Posix
import ReleaseModel
import TestSupport
import Testing

/// Builds that are killed at any moment. The next build with the same folder and cache is right, and the killed one leaves
/// no process and no file.
@Suite(.waitsForPrograms) struct KilledBuildTests {
  private static let sample = Sample(
    name: "sprout", project: "sprout", constant: "", answer: "", processes: [])

  @Test func leaveNothing() throws { try Self.check(isConfined: false) }

  fileprivate static func check(isConfined: Bool) throws {
    let host = try BuildHost(sample)
    func compile(_ source: String) -> Invocation {
      host.invocation(
        "compile", [source, host.cache], isConfined: isConfined,
        environment: ["MARK": source, "RELPACK_BOOT_CHECK": "off"])
    }
    let start = Clock.monotonic()
    let whole = try host.unpack("whole")
    try #require(try BuildHost.result(compile(whole)).exit == .code(0))
    let longest = Clock.monotonic() - start
    let id = try SHA256.digest(ofFile: whole + "/" + Manifest.path)
    var random = Scramble(isConfined ? 11 : 5)
    for round in 0..<6 {
      let source = try host.unpack("round-\(round)") {
        // Every second build does not use the cache.
        if round % 2 == 0 { try rewrite($0 + "/Procfile", "web: bin/sprout start\n") }
      }
      let expected = round % 2 == 0 ? nil : id
      let build = try Child.start(compile(source), output: .null, errors: .null)
      let limit = round % 2 == 0 ? longest : longest / 4
      Clock.pause(milliseconds: Int64.random(in: 0...limit, using: &random))
      build.signal(.kill)
      _ = build.exit()
      // A build that is killed at its very end has made the slug, and may have left its empty folders.
      if !Files.exists(source + "/" + Manifest.path) || Files.exists(source + "/mix.exs") {
        let next = try BuildHost.result(compile(source))
        #expect(next.exit == .code(0), "round \(round): \(next.lines)")
        #expect(try Files.list(source).filter { $0.hasPrefix(".relpack") } == [], "round \(round)")
      }
      let made = try SHA256.digest(ofFile: source + "/" + Manifest.path)
      #expect(expected == nil || made == expected, "round \(round)")
      #expect(leftovers(source) == [], "round \(round)")
    }
    if isConfined { #expect(!Files.exists("/var/tmp/reltui-build")) }
    // Each kill leaves one unfinished file at most; later builds remove it when it is a minute old.
    #expect(try Files.list(host.cache + "/reltui").filter { $0.contains("new-") }.count <= 6)
  }

  /// Processes of a build, by their environment. It waits a moment for those that are ending.
  private static func leftovers(_ source: String) -> [String] {
    func found() -> [String] {
      ProcessTable.all().filter { $0.state != "Z" }.filter {
        ProcessTable.environment(of: $0.pid).contains("MARK=" + source)
      }.map { ProcessTable.words(of: $0.pid).joined(separator: " ") }
    }
    _ = Workspace.wait(milliseconds: 3000) { found().isEmpty ? true : nil }
    return found()
  }
}

extension SharedPlaceTests {
  /// Without namespaces the build's place is one for the whole host.
  @Test func killedBuildsWithoutNamespacesLeaveNothing() throws {
    try KilledBuildTests.check(isConfined: true)
  }
}
