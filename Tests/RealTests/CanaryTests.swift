import ConfigStore
import JSONText
import Posix
import TestSupport
import Testing

/// Plants values of config vars wherever they can get into an event, then looks for them in every
/// byte of the log and of the output.
@Suite(.waitsForPrograms) struct CanaryTests {
  /// Random text with a unique prefix, by which even half a value is found.
  private static func noise() -> String { mark + Random.hex(10) }
  private static let mark = "zq"

  struct Canaries {
    /// Given as `KEY=VALUE`.
    let plain = noise()
    /// Marked as secret, and hard to find.
    let odd = "a\"b\\\(noise())\nö\"\(noise())é"
    /// Marked as secret; unmarked it would be too short to be masked.
    let short = "~%\(Random.hex(1))!"
    /// In a set that is no longer current.
    let old = noise()
    /// Known to one build only.
    let built = noise()

    /// Each line of each value, plain and escaped for JSON.
    var texts: [String] {
      let lines = [plain, odd, short, old, built].flatMap { $0.split(separator: "\n") }
      let quoted = lines.map {
        String(decoding: JSON.encode(String($0)).dropFirst().dropLast(), as: UTF8.self)
      }
      return lines.map(String.init) + quoted + [mark]
    }
  }

  @Test func noValueIsLogged() throws {
    let (stage, canaries) = (try Stage("canary"), Canaries())
    try setVariables(of: canaries, on: stage)
    try build(of: canaries, on: stage)
    let source = try source(of: canaries, on: stage)
    let deployed = try stage.relctl("deploy", "greeter", source)
    try #require(deployed.exit == .code(0), "\(deployed.errors)\(deployed.output)")
    let answers = [deployed] + (try failures(of: canaries, on: stage))

    #expect(try stage.events().map(\.typeName).contains("build.failed"))
    try checkPlanted(canaries, on: stage)
    try checkLog(canaries, on: stage)
    var shown = answers.map { $0.output + $0.errors }
    for command in [
      ["events", "--json"], ["events", "-n", "9999"], ["ps", "--json"], ["ps"],
      ["releases", "greeter"], ["releases", "greeter", "--json"], ["slug", "list"],
      ["logs", "greeter", "-n", "99999"], ["logs", "greeter", "--json", "-n", "99999"],
    ] {
      let answer = try stage.run("relctl", command)
      #expect(answer.exit == .code(0))
      shown.append(answer.output + answer.errors)
    }
    for text in shown { #expect(canaries.texts.filter(text.contains) == [], "\(text)") }
  }

  private func setVariables(of canaries: Canaries, on stage: Stage) throws {
    func set(_ name: String, _ value: String) throws {
      let answer = try stage.run("relctl", ["config", "greeter", "set", name], input: value)
      try #require(answer.exit == .code(0), "\(answer.errors)")
    }
    try #require(
      try stage.relctl("config", "greeter", "set", "PLAIN=\(canaries.plain)", "OLD=\(canaries.old)")
        .exit == .code(0))
    try set("ODD", canaries.odd)
    try set("SHORT", canaries.short)
    try #require(try stage.relctl("config", "greeter", "set", "OLD=-").exit == .code(0))
  }

  /// Builds a project, as a platform does, whose compile error contains every value.
  private func build(of canaries: Canaries, on stage: Stage) throws {
    let (project, variables) = (stage.folder.path + "/broken", stage.folder.path + "/env")
    try FileTree.copy(Workspace.greeter, to: project, skipping: { $0 == "_build" })
    let telling = """
      IO.puts(System.fetch_env!("BUILT"))
      raise System.fetch_env!("BUILT") <> \(Self.quoted(canaries.odd)) <> "\(canaries.short)"
      """
    try Files.replace(project + "/lib/greeter.ex", with: Array(telling.utf8), mode: 0o644)
    try stage.folder.write("env/BUILT", canaries.built)
    let answer = try stage.run(
      "relpack", ["compile", project, stage.folder.path + "/cache", variables],
      environment: [
        "RELPACK_APP": "The \(canaries.plain)", "SOURCE_VERSION": "v1-\(canaries.built)",
      ])
    #expect(answer.exit == .code(1))
    let text = answer.output + answer.errors
    #expect(text.contains("«BUILT»") && text.contains("«ODD»"), "\(text)")
    #expect(canaries.texts.filter(text.contains) == [], "\(text)")
  }

  /// A string literal of Elixir.
  private static func quoted(_ text: String) -> String {
    String(decoding: JSON.encode(text), as: UTF8.self)
  }

  /// The sample application, changed to print values, in a folder and with a commit that contain
  /// values.
  private func source(of canaries: Canaries, on stage: Stage) throws -> String {
    let source = stage.folder.path + "/app-\(canaries.plain)-\(canaries.short)"
    try FileTree.copy(Workspace.greeter, to: source, skipping: { $0 == "_build" })
    let all = #"Enum.map_join(~w(PLAIN ODD SHORT OLD), " ", &System.get_env/1)"#
    func edit(_ file: String, _ old: String, _ new: String) throws {
      let path = source + "/lib/greeter/" + file
      let text = String(decoding: try Files.read(path), as: UTF8.self)
      try #require(text.contains(old))
      try Files.replace(
        path, with: Array(text.replacing(old, with: new).utf8), mode: 0o644)
    }
    try edit("application.ex", "env = App", "IO.puts(\(all)); IO.inspect(\(all)); env = App")
    try edit("release.ex", #"raise "#, #"raise \#(all) <> "#)
    // As long as a cause may be, with a value across its end.
    try edit("fuse.ex", "raise(", #"raise(String.duplicate("long ", 55) <> \#(all) <> "#)
    for command in [
      ["init", "-q"], ["add", "."],
      ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "Use \(canaries.old) now"],
    ] {
      let git = Invocation(["git", "-C", source] + command, environment: stage.environment)
      try #require(try git.run().isSuccess)
    }
    return source
  }

  /// A boot, a release phase and a run that fail with messages that contain values.
  private func failures(of canaries: Canaries, on stage: Stage) throws -> [Stage.Answer] {
    var answers = [
      try stage.run(
        "relctl", ["config", "greeter", "set", "GREETER_FAIL_BOOT"], input: canaries.odd),
      try stage.relctl("config", "greeter", "set", "GREETER_FAIL_MIGRATION=1"),
    ]
    #expect(answers.map(\.exit) == [.code(1), .code(1)])
    answers.append(try stage.relctl("config", "greeter", "set", "GREETER_CRASH_AFTER_MS=1500"))
    #expect(answers.last?.exit == .code(1), "\(answers.last?.errors ?? "")")
    #expect(
      try eventually {
        try stage.events().contains {
          $0.type == .instanceCrashed && $0.data.cause?.id == "RT-APPLICATION-ENDED"
        }
      })
    answers.append(try stage.relctl("stop", "greeter"))
    return answers
  }

  /// Checks that the values were really printed; otherwise the test would pass without testing
  /// anything.
  private func checkPlanted(_ canaries: Canaries, on stage: Stage) throws {
    let output = try FileTree.entries(of: stage.home.apps).map(\.path)
      .filter { $0.contains("/log/") }
      .map { String(decoding: try Files.read(stage.home.apps + "/" + $0), as: UTF8.self) }.joined()
    let lines =
      [canaries.plain, canaries.short] + canaries.odd.split(separator: "\n").map(String.init)
    #expect(lines.filter { !output.contains($0) } == [])
    let events = try stage.events()
    #expect(events.contains { $0.data.line == "Use «OLD» now" })
    #expect(events.contains { $0.data.folder?.hasSuffix("/app-«PLAIN»-«SHORT»") == true })
    #expect(events.contains { $0.app == "The «PLAIN»" && $0.data.commit == "v1-«BUILT»" })
    let causes = events.compactMap(\.data.cause).map {
      String(decoding: JSON.encode($0), as: UTF8.self)
    }
    // A masked value may leave nothing of the term that names the application.
    for (ids, name) in [
      (["RT-APPLICATION-FAILED", "RT-BOOT-FAILED"], "GREETER_FAIL_BOOT"),
      (["RT-RELEASE-PHASE"], "PLAIN"), (["RT-APPLICATION-ENDED"], "PLAI"),
    ] {
      let told = causes.filter { cause in ids.contains { cause.contains($0) } }
      // Where the VM printed the value as numbers, they are left out.
      let isMasked = told.contains { $0.contains("«\(name)") || $0.contains("([…") }
      #expect(isMasked, "\(ids): \(causes)")
    }
  }

  /// Checks every byte of the files that reltui's programs write.
  private func checkLog(_ canaries: Canaries, on stage: Stage) throws {
    let files = try FileTree.entries(of: stage.home.root).filter { $0.info.kind == .file }.map(
      \.path
    )
    .filter { path in
      path.hasPrefix("events/")
        || ["agent.log", "shim.log", "provenance.json", "status"].contains(Files.name(of: path))
    }
    #expect(
      files.contains { $0.hasSuffix(".jsonl") } && files.contains { $0.hasSuffix("shim.log") })
    for file in files {
      let text = String(decoding: try Files.read(stage.home.root + "/" + file), as: UTF8.self)
      #expect(canaries.texts.filter(text.contains) == [], "\(file)")
    }
  }
}
