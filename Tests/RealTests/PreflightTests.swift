import Events
import Posix
import ReleaseModel
import TestSupport
import Testing

/// What is known before a deployment starts anything, through the real programs.
@Suite(.waitsForPrograms) struct PreflightTests {
  private let stage: Stage
  private var tree: String { stage.folder.path + "/tree" }
  private let machine: String

  /// A built release; it has no manifest yet.
  init() throws {
    stage = try Stage("preflight")
    let built = try Greeter.slug.get()
    try FileTree.copy(built, to: stage.folder.path + "/tree", skipping: { $0 == ".reltui" })
    machine = try Files.list(built).first { $0.hasPrefix("erts-") }.unsafelyUnwrapped + "/bin"
  }

  /// Changes the bytes of a file of the release.
  private func rewrite(_ path: String, as copy: String? = nil, _ change: (inout [UInt8]) -> Void)
    throws
  {
    var bytes = try Files.read("\(tree)/\(path)")
    change(&bytes)
    try stage.folder.write("tree/" + (copy ?? path), bytes, mode: 0o755)
  }

  /// Asks for a newer glibc by another name of the same length.
  private static func age(_ bytes: inout [UInt8]) {
    let old = Array("GLIBC_2.3".utf8)
    for place in bytes.indices.dropLast(old.count)
    where bytes[place] == old[0] && bytes[place...].starts(with: old) {
      bytes[place + 8] = UInt8(ascii: "9")
    }
  }

  @Test func whatCannotWorkIsRefusedBeforeItIsRequested() throws {
    let (beam, nif) = (machine + "/beam.smp", "lib/greeter-0.1.0/priv/greeter_nif.so")
    let cases: [(change: () throws -> Void, id: String, sentence: String)] = [
      (
        { try rewrite(beam, as: nif, Self.age) }, "RT-TARGET-MISMATCH",
        "relctl: \(nif) needs glibc 2.9"
      ),
      (
        { try Files.setMode("\(tree)/\(beam)", 0o644) }, "RT-NOT-EXECUTABLE",
        "relctl: \(beam) is not executable (mode 644)"
      ),
      (
        { try rewrite(beam) { $0[18] = $0[18] == 62 ? 183 : 62 } }, "RT-TARGET-MISMATCH",
        "relctl: \(beam) is for "
      ),
      (
        { try stage.folder.write("tree/Procfile", "web: bin/greter start\n") }, "RT-BUILD-PROCESS",
        "relctl: Procfile: web starts 'bin/greter', which the slug does not have"
      ),
    ]
    for (index, test) in cases.enumerated() {
      try test.change()
      let answer = try stage.relctl("deploy", "shop", tree)
      #expect(answer.exit != .code(0) && answer.errors.hasPrefix(test.sentence), "\(answer.errors)")
      let refused = try stage.events().filter { $0.type == .requestRefused }
      #expect(refused.count == index + 1)
      let data = try #require(refused.last?.data)
      #expect(data.cause?.id == test.id && data.action == "deploy.requested")
      #expect(data.slug != nil && data.by != nil && data.deadline == nil)
      // The next change starts from the release as it was built.
      for path in [beam, "Procfile"] { try Files.remove("\(tree)/\(path)") }
      try? Files.remove("\(tree)/\(nif)")
      for path in [beam, "Procfile"] {
        try FileTree.copyFile(
          "\(Greeter.slug.get())/\(path)", to: "\(tree)/\(path)",
          mode: path == beam ? 0o755 : 0o644)
      }
    }
    // Nothing was requested, so no agent was needed. A mistake is no event.
    #expect(try stage.relctl("restart", "nothing").exit == .code(69))
    let types = Set(try stage.events().compactMap(\.type))
    #expect(!types.contains(.deployRequested) && !types.contains(.agentStarted))
    #expect(try stage.events().filter { $0.type == .requestRefused }.count == cases.count)
  }

  @Test func whatMayFailIsAWarning() throws {
    try stage.folder.write("tree/app.json", #"{"formation": {"web": {"quantity": 3}}}"#)
    let script = tree + "/releases/0.1.0/env.sh"
    let text = String(decoding: try Files.read(script), as: UTF8.self)
    try stage.folder.write("tree/releases/0.1.0/env.sh", "true migrate\n" + text)
    let answer = try stage.relctl("deploy", "shop", tree, "--dry-run")
    #expect(answer.exit == .code(0), "\(answer.errors)")
    let warning = answer.lines.drop { !$0.contains(" !     ") }
    #expect(
      warning.prefix(3) == [
        " !     releases/0.1.0/env.sh:1 migrates at each start, and 3 instances start",
        "       Migrate once, in the release phase: write release: COMMAND in the Procfile.",
        "1. release phase, an hour at most: bin/greeter eval Greeter.Release.migrate",
      ], "\(answer.output)")
  }

  /// The same variable is refused in a deployment and in a change of the config vars.
  @Test func aVariableThatNothingSets() throws {
    try stage.folder.write("tree/app.json", #"{"reltui": {"observe": 0}}"#)
    let built = try stage.relctl("build", tree)
    let slug = String(try #require(built.lines.last?.split(separator: " ").last))
    var manifest = try Manifest(bytes: Files.read(stage.home.slugs + "/\(slug)/manifest.json"))
    manifest.variables = try Manifest(
      bytes: Files.read("\(Greeter.slug.get())/\(Manifest.path)")
    ).variables
    try stage.folder.write("tree/" + Manifest.path, manifest.bytes)
    let sentence = "relctl: GREETER_GREETING is not set (config/runtime.exs:5) [RT-CONFIG-MISSING]"
    let refused = try stage.relctl("deploy", "shop", tree)
    #expect(refused.errors.hasPrefix(sentence) && refused.exit == .code(1), "\(refused.errors)")
    #expect(try stage.relctl("config", "shop", "set", "GREETER_GREETING=Hi").exit == .code(0))
    let deployed = try stage.relctl("deploy", "shop", tree)
    #expect(deployed.exit == .code(0), "\(deployed.errors)\(deployed.output)")
    let unset = try stage.relctl("config", "shop", "unset", "GREETER_GREETING")
    #expect(unset.errors.hasPrefix(sentence) && unset.exit == .code(1), "\(unset.errors)")
    #expect(try stage.ready().count == 1)
    let events = try stage.checkedEvents()
    #expect(
      events.filter { $0.type == .requestRefused }.map(\.data.action)
        == ["deploy.requested", "config.requested"])
  }
}
