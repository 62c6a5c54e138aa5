import Glibc
import JSONText
import Posix
import ReleaseModel
import TestSupport
import Testing

/// `relctl slug …` on small slugs made from a built OTP release.
@Suite(.waitsForPrograms) struct SlugCommandTests {
  let stage: Stage

  init() throws {
    stage = try Stage("slug-command")
    try FileTree.copy(Workspace.root + "/Tests/Fixtures/releases/mix", to: tree)
    try stage.folder.write("tree/bin/demo_mix", "#!/bin/sh\nexit 1\n", mode: 0o755)
    try stage.folder.write("tree/releases/0.1.0/env.sh", "")
  }

  private var tree: String { stage.folder.path + "/tree" }

  private func build(_ text: String) throws -> String {
    try stage.folder.write("tree/text", text)
    let answer = try stage.relctl("build", tree, "--json")
    #expect(answer.exit == .code(0), "\(answer.errors)")
    return try JSON.decode([String: String].self, from: Array(answer.output.utf8))["slug"] ?? ""
  }

  /// Adds a release to the ledger; it need not boot.
  private func release(_ app: String, _ slug: String) throws {
    let answer = try stage.relctl("deploy", app, slug)
    #expect(answer.exit == .code(1), "\(answer.errors)\(answer.output)")
    #expect(try stage.events().last { $0.type == .releaseCreated }?.data.slug == slug)
  }

  private func age(_ slug: String, hours: Int) throws {
    let result = try Invocation(
      ["touch", "-d", "\(hours) hours ago", stage.home.slugs + "/" + slug],
      environment: stage.environment
    ).run()
    #expect(result.isSuccess)
  }

  @Test func unneededSlugsAreRemoved() throws {
    let slugs = try (1...4).map { try build("text \($0)") }
    try release("shop", slugs[0])
    try release("shop", slugs[1])
    let list = try stage.relctl("slug", "list")
    #expect(list.lines.count == 5 && list.lines[0].hasPrefix("SLUG "))
    #expect(list.lines.contains { $0.hasPrefix(slugs[0].prefix(12)) && $0.contains(" shop v1 ") })
    let json = try stage.relctl("slug", "list", "--json").output
    #expect(json.contains(#""releases":[{"app":"shop","release":"v2"}],"slug":"\#(slugs[1])""#))

    // All slugs are new.
    #expect(try stage.relctl("slug", "gc", "--keep", "0").lines == ["0 kB freed; 4 slugs stay"])
    for (index, slug) in slugs.enumerated() { try age(slug, hours: 10 - index) }
    let dry = try stage.relctl("slug", "gc", "--dry-run", "--keep", "1")
    #expect(dry.lines.first == "would remove \(slugs[2].prefix(12))", "\(dry.errors)")
    let before = try stage.events().count
    let gone = try stage.relctl("slug", "gc", "--keep", "1")
    #expect(gone.lines.first == "removed \(slugs[2].prefix(12))")
    #expect(gone.lines.last?.hasSuffix(" freed; 3 slugs stay") == true)
    let event = try #require(try stage.events().dropFirst(before).first)
    #expect(event.type == .slugRemoved && event.data.slug == slugs[2] && event.data.by != nil)

    let used = try stage.relctl("slug", "rm", slugs[3], slugs[1])
    #expect(used.exit == .code(1))
    let sentence = "relctl: slug \(slugs[1].prefix(12)) is needed by v2 of 'shop' [RT-SLUG-USED]"
    #expect(used.errors.split(separator: "\n").first == sentence[...])
    #expect(try stage.relctl("slug", "rm", slugs[3]).exit == .code(0))
    #expect(try stage.relctl("slug", "verify", "--all").lines.count == 2)
    #expect(
      try stage.relctl("slug", "gc", "--keep", "0", "--json").output
        == "{\"bytes\":0,\"removed\":[]}\n")
  }

  @Test func neededSlugsAreKept() throws {
    let slugs = try (1...2).map { try build("text \($0)") }
    for slug in slugs { try age(slug, hours: 5) }
    let running = try Child.start(
      Invocation(
        ["sleep", "1000"], in: stage.home.slugs + "/\(slugs[0])/tree/lib",
        environment: stage.environment))
    defer {
      running.signal(.kill)
      _ = running.exit()
    }
    // Building the slug again counts as a use.
    #expect(try build("text 2") == slugs[1])
    #expect(try stage.relctl("slug", "gc", "--keep", "0").lines == ["0 kB freed; 2 slugs stay"])
    let used = try stage.relctl("slug", "rm", slugs[0])
    #expect(used.errors.contains("is in use by the process \(running.pid) [RT-SLUG-USED]"))
  }

  @Test func damagedLogPreventsRemoval() throws {
    let slug = try build("text")
    try release("shop", slug)
    try age(slug, hours: 5)
    let log = stage.home.events + "/0000000000000001.jsonl"
    var bytes = try Files.read(log)
    let place = try #require(bytes.lastIndex(of: UInt8(ascii: "v")))
    bytes[place] = UInt8(ascii: "w")
    try Files.replace(log, with: bytes)
    let answer = try stage.relctl("slug", "gc", "--keep", "0")
    #expect(answer.errors.contains("[RT-LOG-DAMAGED]"), "\(answer.output)\(answer.errors)")
    #expect(Files.exists(stage.home.slugs + "/" + slug))
  }

  @Test func differencesArePrinted() throws {
    let (first, second) = (try build("text"), try build("another text"))
    let diff = try stage.relctl("slug", "diff", first, second)
    #expect(diff.lines.first == "slug        \(first.prefix(12)) → \(second.prefix(12))")
    #expect(diff.output.contains("files       ~ 1 (12 B)\n"), "\(diff.output)")
    let same = try stage.relctl("slug", "diff", first, first)
    #expect(same.lines.dropFirst() == ["            it is the same slug"])
    let json = try stage.relctl("slug", "diff", first, second, "--json").output
    #expect(json.contains(#""files":[{"from":4,"path":"text","to":12}]"#))
  }

  @Test func missingVariablesAreNamedBeforeADeployment() throws {
    try stage.folder.write(
      "tree/app.json", #"{"env":{"GIVEN":{"value":"x"},"MADE":{"generator":"secret"}}}"#)
    let slug = try build("text")
    var manifest = try Manifest(bytes: Files.read(stage.home.slugs + "/\(slug)/manifest.json"))
    func read(_ name: String, _ need: Manifest.Variable.Need, _ line: Int) -> Manifest.Variable {
      Manifest.Variable(name: name, need: need, file: "config/runtime.exs", line: line)
    }
    let required = ["GIVEN", "KEPT", "MADE", "PORT", "RELEASE_NODE", "URL", "URL"]
    manifest.variables =
      required.enumerated().map { read($1, .required, $0 + 4) }
      + [read("BRANCH", .conditional, 1), read("MAYBE", .optional, 2)]
    try stage.folder.write("tree/" + Manifest.path, manifest.bytes)
    try stage.relctl("config", "shop", "set", "KEPT=x")
    let warning = " !     URL is not set (config/runtime.exs:9)"
    let answer = try stage.relctl("deploy", "shop", tree)
    #expect(
      answer.lines.filter { $0.contains(" is not set ") } == [warning[...]], "\(answer.output)")
    let json = try stage.relctl("deploy", "shop", tree, "--json")
    #expect(json.errors.split(separator: "\n").first == warning[...], "\(json.errors)")
  }

  @Test func damagedSlugIsReportedAndNotExported() throws {
    let slug = try build("text")
    let file = stage.home.slugs + "/\(slug)/tree/text"
    #expect(
      try stage.relctl("slug", "verify").lines.first?.contains("  as it was stored: ") == true)
    try Files.replace(file, with: Array("tixt".utf8), mode: 0o444)
    let verify = try stage.relctl("slug", "verify", slug)
    #expect(verify.exit == .code(65))
    #expect(verify.lines == ["\(slug.prefix(12))  'text' has another content"])
    #expect(verify.errors.contains("slug \(slug.prefix(12)) is damaged [RT-SLUG-DAMAGED]"))
    let json = try stage.relctl("slug", "verify", "--json").output
    #expect(
      json.contains(#"{"path":"text","problem":"changed","sentence":"'text' has another content"}"#)
    )
    let export = try stage.relctl("slug", "export", slug, "x.tgz")
    #expect(export.exit == .code(65) && !Files.exists(stage.folder.path + "/x.tgz"))
  }

  @Test func exportedSlugCanBeImported() throws {
    let slug = try build("text")
    for name in ["x.tgz", "x.tar.zst"] {
      #expect(try stage.relctl("slug", "export", slug, name).exit == .code(0))
      let other = stage.folder.path + "/" + name + "-home"
      let answer = try stage.relctl("slug", "import", name, "--home", other, "--json")
      #expect(answer.output.contains(slug), "\(answer.errors)")
    }
    let piped = try Invocation(
      [try Workspace.program("relctl"), "slug", "export", slug, "-"],
      environment: stage.environment
    ).run(errors: .null)
    #expect(piped.output == (try Files.read(stage.folder.path + "/x.tgz")))
    let terminal = try Invocation(
      ["script", "-qec", "\(try Workspace.program("relctl")) slug export \(slug) -", "/dev/null"],
      environment: stage.environment
    ).run(limit: 30_000)
    #expect(terminal.text.contains("a slug is nothing for a terminal [RT-USAGE]"))
  }
}
