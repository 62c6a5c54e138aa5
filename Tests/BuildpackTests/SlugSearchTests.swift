import Events
import Posix
import Redaction
import SlugStore
import TestSupport
import Testing

@testable import Buildpack

/// A tree with modules that erlc has made.
private struct Code {
  let folder: TemporaryFolder
  var tree: String { folder.path + "/tree" }
  var source: String { folder.path + "/source" }

  init() throws {
    folder = try TemporaryFolder("code", inMemory: true)
    for path in [tree, source, folder.path + "/kept"] { try Files.makeFolder(path, mode: 0o755) }
  }

  /// Compiles a module into an application.
  func compile(
    _ name: String, _ body: String, into application: String = "own-1.0", _ options: [String] = []
  ) throws {
    let ebin = "\(tree)/lib/\(application)/ebin"
    try Files.makeFolder(ebin, mode: 0o755)
    try folder.write("source/\(name).erl", "-module(\(name)).\n-export([value/0]).\n" + body)
    let result = try Invocation(
      ["erlc"] + options + ["-o", ebin, "\(source)/\(name).erl"], in: source,
      environment: Environment.current
    ).run()
    try #require(result.isSuccess, "\(result.text)")
  }

  func beams(isStripping: Bool = false) throws -> BeamStripper.Result {
    let stripper = try BeamStripper.begin(
      tree, in: folder.path + "/scratch-" + Random.hex(4), toolchain: ["stdlib"],
      isStripping: isStripping, environment: Environment.current)
    return try #require(try stripper.end())
  }

  /// Searches for config vars. All files of the source are older than the build.
  func findings(_ config: [String: String], _ beams: BeamStripper.Result?) throws -> [SlugFinding] {
    try SlugSearch(ConfigSet(config)).findings(
      in: tree, beams,
      SlugSearch.Origin(
        source: folder.path + "/kept", toolchain: ["stdlib"], isSource: { _, _ in true }))
  }

  func read(_ path: String) throws -> [UInt8] { try Files.read(tree + "/" + path) }

  func value(_ module: String) throws -> String {
    try Invocation(
      [
        "erl", "-noinput", "-boot", "no_dot_erlang", "-pa", tree + "/lib/own-1.0/ebin", "-eval",
        "io:format(\"~0p\",[\(module):value()]),halt().",
      ], environment: Environment.current
    ).run(limit: 20_000).text
  }
}

@Suite struct BeamStripperTests {
  @Test func stripsDebugInformationAndNothingElse() throws {
    let code = try Code()
    let body =
      "-vsn(\"kept\").\nvalue() -> {proplists:get_value(vsn, module_info(attributes)), 42}."
    try code.compile("first", body, ["+debug_info"])
    try code.compile("second", body, ["+debug_info", "+compressed"])
    try code.compile("third", body, into: "stdlib-4.2", ["+debug_info"])
    try code.compile("plain", body, ["+no_debug_info", "+deterministic"])
    try code.folder.write("tree/lib/own-1.0/ebin/broken.beam", "no module, s3cret")
    let files = ["first", "second", "third", "plain"].map {
      "lib/\($0 == "third" ? "stdlib-4.2" : "own-1.0")/ebin/\($0).beam"
    }
    let before = try files.map(code.read)
    let looked = try code.beams()
    #expect(looked.debugInfo == .kept)
    #expect(try files.map(code.read) == before)
    #expect(
      looked.modules.map(\.file)
        == ["broken", "first", "plain", "second"].map {
          "lib/own-1.0/ebin/\($0).beam"
        })
    #expect(looked.modules.first?.bytes == Array("no module, s3cret".utf8))
    let stripped = try code.beams(isStripping: true)
    #expect(stripped.debugInfo == .stripped)
    let after = try files.map(code.read)
    for (old, new) in zip(before, after) { #expect(new.count < old.count) }
    #expect(after[1].starts(with: [31, 139]) && !after[0].starts(with: [31, 139]))
    for module in ["first", "second", "plain"] {
      #expect(try code.value(module) == "{\"kept\",42}")
    }
    // A second time nothing changes.
    _ = try code.beams(isStripping: true)
    #expect(try files.map(code.read) == after)
    #expect(try Files.read(code.tree + "/lib/own-1.0/ebin/broken.beam").count == 17)
  }

  @Test func recognisesEncryptedDebugInformation() throws {
    let code = try Code()
    try code.compile(
      "locked", "value() -> 1.", ["+debug_info", "+{debug_info_key,\"a key of mine\"}"])
    #expect(try code.beams().debugInfo == .encrypted)
    #expect(try code.beams(isStripping: true).debugInfo == .stripped)
    #expect(try code.value("locked") == "1")
  }

  @Test func acceptsATreeWithoutModules() throws {
    let result = try Code().beams(isStripping: true)
    #expect(result.modules == [] && result.debugInfo == .stripped)
  }

  @Test func aFailureShowsTheMachinesOutput() throws {
    let code = try Code()
    let scratch = code.folder.path + "/scratch"
    let stripper = try BeamStripper.begin(
      code.tree, in: scratch, toolchain: [], isStripping: false, environment: Environment.current)
    // It cannot write what it has found.
    try Files.makeFolder(scratch + "/modules/in/the/way")
    do throws(Cause) {
      _ = try stripper.end()
      Issue.record("a stripper without a report has succeeded")
    } catch { #expect(error.id == "RT-SLUG-CONTENT" && !error.evidence.isEmpty, "\(error)") }
  }

  @Test func anAbandonedStripperEnds() throws {
    let code = try Code()
    let scratch = code.folder.path + "/scratch"
    func begin() throws {
      _ = try BeamStripper.begin(
        code.tree, in: scratch, toolchain: [], isStripping: false,
        environment: Environment.current)
    }
    try begin()
    #expect(!Files.exists(scratch))
    #expect(
      eventually { !ProcessTable.pids().contains { ProcessTable.words(of: $0).last == scratch } })
  }
}

@Suite struct SlugSearchTests {
  private static let value = "s3cret-value-0001"

  /// Ways to write a value in a module.
  static let bodies: [(String, Bool)] = [
    ("value() -> <<\"\(value)\">>.", true),
    ("value() -> \"\(value)\".", true),
    ("value() -> #{key => [{url, <<\"postgres://u:\(value)@db/x\">>}]}.", true),
    ("value() -> '\(value)'.", true),
    ("-key(<<\"\(value)\">>).\nvalue() -> 1.", true),
    ("value() -> f(<<\"\(value)\">>).\nf(<<\"\(value)\", _/binary>>) -> 1; f(_) -> 2.", true),
    ("value() -> <<\"s3cret-value-0002\">>.", false),
  ]

  @Test(arguments: bodies) func aValueInAModuleIsFound(_ body: String, _ isFound: Bool) throws {
    let code = try Code()
    try code.compile("leak", body, ["+deterministic"])
    let found = try code.findings(["KEY": Self.value], try code.beams(isStripping: true))
    #expect(
      found == (isFound ? [.value(variable: "KEY", file: "lib/own-1.0/ebin/leak.beam")] : []))
    #expect(found.allSatisfy { !"\($0)\($0.sentence)\($0.remedy ?? "")".contains("s3cret") })
  }

  @Test func aPackedLiteralIsFoundOnlyUnpacked() throws {
    let code = try Code()
    let padding = String(repeating: "padding that packs well, ", count: 200)
    try code.compile(
      "leak", "value() -> {<<\"\(padding)\">>, <<\"\(Self.value)\">>}.", ["+deterministic"])
    #expect(try code.findings(["KEY": Self.value], nil) == [])
    #expect(try code.findings(["KEY": Self.value], try code.beams()).count == 1)
  }

  static let texts: [(String, String, String, [String])] = [
    ("as it is", "s3cret-value-0001", "key = s3cret-value-0001", ["KEY"]),
    ("a part of more", "s3cret-value-0001", "Xs3cret-value-0001X", ["KEY"]),
    ("nearly", "s3cret-value-0001", "s3cret-value-000 1", []),
    ("quotes", "a \"quoted\" value", #"{key, "a \"quoted\" value"}"#, ["KEY"]),
    ("backslashes", #"C:\keys\my.key"#, #"<<"C:\\keys\\my.key">>"#, ["KEY"]),
    ("a line of many", "-----BEGIN\nMIIEvQIBADANBg\n", "x MIIEvQIBADANBg y", ["KEY"]),
    ("all lines in one text", "first line\nsecond line", #""first line\nsecond line""#, ["KEY"]),
    ("short", "prod", "prod", []),
    ("a common word", "production", "production", []),
    ("a number", "1234567890", "1234567890", []),
    ("bytes", "s3cret-\u{e9}-\u{20ac}", "s3cret-\u{e9}-\u{20ac}", ["KEY"]),
    ("at the end", "s3cret-value-0001", "\u{0}s3cret-value-000", []),
  ]

  @Test(arguments: texts) func findsValuesInAnyFile(
    _ name: String, _ value: String, _ text: String, _ found: [String]
  ) throws {
    let code = try Code()
    try code.folder.write("tree/releases/1/sys.config", [0xff, 0, 0xc3] + Array(text.utf8))
    #expect(
      try code.findings(["KEY": value, "EMPTY": ""], nil)
        == found.map {
          .value(variable: $0, file: "releases/1/sys.config")
        }, "\(name)")
  }

  @Test func valuesInTheSourceDoNotCount() throws {
    let code = try Code()
    let (host, key) = ("shop.example.com", "s3cret-value-0001")
    try code.folder.write("tree/lib/own-1.0/priv/a.js", "\(host) \(key)")
    let config = ["HOST": host, "KEY": key]
    let file = "lib/own-1.0/priv/a.js"
    let both: [SlugFinding] = [
      .harmless(variable: "HOST", file: file), .value(variable: "KEY", file: file),
    ]
    #expect(try code.findings(config, nil) == both)
    // Words of the toolchain do not count either.
    for place in ["lib/stdlib-4.2/ebin/b.beam", "erts-13/bin/c"] {
      try code.folder.write("tree/" + place, key)
      #expect(try code.findings(config, nil) == [both[0]])
      try Files.remove(code.tree + "/" + place)
    }
    // Results of builds do not belong to the source.
    for folder in ["_build/prod", ".git", "assets/node_modules", ".relpack-1"] {
      try code.folder.write("kept/\(folder)/x", "\(host) \(key)")
    }
    #expect(try code.findings(config, nil) == both)
    try code.folder.write("kept/config/config.exs", "url: [host: \"\(host)\"]")
    #expect(try code.findings(config, nil) == [both[1]])
    let search = SlugSearch(ConfigSet(config))
    func findings() throws -> [SlugFinding] {
      try search.findings(
        in: code.tree, nil,
        SlugSearch.Origin(
          source: code.folder.path + "/kept", fetched: code.folder.path + "/fetched",
          toolchain: ["stdlib"], isSource: { _, _ in false }))
    }
    // Files that the build has made do not either; fetched files do.
    #expect(try findings() == both)
    try code.folder.write("kept/deps/d/x.ex", host)
    #expect(try findings() == [both[1]])
    // A dependency's own build may write there.
    try code.folder.write("kept/deps/d/priv/x", key)
    #expect(try findings() == [both[1]])
    for (place, count) in [("ebin", 1), ("priv", 1), ("src", 0)] {
      try code.folder.write("fetched/d/\(place)/x", key)
      #expect(try findings().count == count, "\(place)")
    }
    try Files.remove(code.folder.path + "/fetched")
    // Only a release's own folders hold the toolchain.
    try code.folder.write("tree/lib/own-1.0/priv/erts-13/x", key)
    try code.folder.write("tree/lib/stdlib-keys/x", key)
    #expect(try findings().count == 3)
  }
}
