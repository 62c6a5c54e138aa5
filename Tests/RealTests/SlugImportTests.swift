import Events
import HomeLayout
import Posix
import ReleaseModel
import TestSupport
import Testing

/// A slug that was built on a host without a home, and its import into a home.
@Suite(.waitsForPrograms) struct SlugImportTests {
  /// The sample app, built as a platform does it, with its events inside; made once for all tests.
  static let built: Result<String, any Error> = Result {
    let tree = Workspace.root + "/.build/greeter-record"
    try Files.remove(tree)
    try Greeter.copySource(to: tree)
    let folder = try TemporaryFolder("record")
    try folder.write("env/RELPACK_RECORD", "slug\n")
    let result = try Invocation(
      [
        try Workspace.program("relpack"), "compile", tree, folder.path + "/cache",
        folder.path + "/env",
      ],
      environment: [
        "PATH": Environment.current["PATH"] ?? "", "HOME": folder.path, "RELPACK_APP": "greeter",
        "SOURCE_VERSION": "c0ffee",
      ]
    ).run(limit: 120_000)
    guard result.isSuccess else { throw Greeter.BuildFailed(output: result.text) }
    return tree
  }

  static let story = [
    "build.started", "build.step check", "build.step tools", "build.step compile",
    "build.step release", "build.step finish", "build.step boot-check", "build.finished",
  ]

  let stage: Stage
  let tree: String
  let id: String

  init() throws {
    stage = try Stage("slug-import")
    tree = try Self.built.get()
    id = Hex.encode(try SHA256.digest(ofFile: tree + "/" + Manifest.path))
  }

  private func pack(_ from: String? = nil, _ more: String...) throws {
    let result = try Invocation(
      ["tar", "-C", from ?? tree, "-czf", stage.folder.path + "/x.tgz", "."] + more,
      environment: stage.environment
    ).run()
    #expect(result.isSuccess, "\(result.text)")
  }

  private func told() throws -> [String] {
    try stage.events().map { $0.typeName + ($0.data.step.map { " " + $0 } ?? "") }
  }

  /// The leftovers of an import beside the slug.
  private func leftOver() throws -> [String] {
    let slugs = try Files.list(stage.home.slugs).filter { ![".lock", id].contains($0) }
    return try stage.builds() + slugs
  }

  @Test func importWritesTheRecordOnce() throws {
    try pack()
    let first = try stage.relctl("slug", "import", "x.tgz")
    #expect(
      first.lines == ["-----> Slug \(id)", "       8 events of its build are in the log now"],
      "\(first.errors)")
    let events = try stage.events()
    #expect(try told() == Self.story + ["slug.stored"])
    let record = try Files.read(tree + "/" + SlugRecord.path).split(separator: 10)
      .compactMap { Event(line: Array($0).span) }
    #expect(record.map(\.sequence) == Array(1...8))
    #expect(events.prefix(8).map(\.id) == record.map(\.id))
    #expect(events.prefix(8).map(\.data.occurred) == record.map(\.time))
    #expect(Set(events.prefix(8).map(\.app)) == ["greeter"])
    #expect(Set(events.map(\.data.build)).count == 1)
    let stored = events[8].data
    #expect(stored.slug == id && stored.commit == "c0ffee" && events[7].data.slug == id)
    #expect(stored.folder == stage.folder.path + "/x.tgz")

    let again = try stage.relctl("slug", "import", tree, "--json")
    #expect(again.output == #"{"events":0,"slug":"\#(id)"}"# + "\n")
    let third = try stage.relctl("slug", "import", "x.tgz")
    #expect(third.lines == ["-----> Slug \(id)", "       it was here already"])
    #expect(try stage.events() == events && leftOver() == [])
    let kept = try #require(try Files.info(stage.home.slugs + "/\(id)/events.jsonl"))
    #expect(kept.mode == 0o444)
    let said = try Files.list(stage.home.slugs + "/\(id)/tree/.reltui")
    #expect(said == ["manifest.json", "sbom.spdx.json"])
    let lines = try stage.relctl("slug", "inspect", id).lines.map { $0.split(separator: " ") }
    #expect(lines.contains(["commit", "c0ffee"]))
  }

  /// The slug has the same id as one built without a record.
  @Test func recordDoesNotChangeTheSlugID() throws {
    let plain = try Greeter.slug.get()
    #expect(!Files.exists(plain + "/" + SlugRecord.path))
    #expect(id == Hex.encode(try SHA256.digest(ofFile: plain + "/" + Manifest.path)))
    #expect(try stage.relctl("slug", "import", plain, "--json").output.contains(#""events":0"#))
    #expect(try told() == ["slug.stored"])
    // A second import may bring the record that the first one lacked.
    let later = try stage.relctl("slug", "import", tree)
    #expect(later.lines.last == "       8 events of its build are in the log now")
    #expect(try told() == ["slug.stored"] + Self.story)
  }

  /// The state after a kill between the last two steps, and within them.
  @Test func nextImportFinishesAKilledOne() throws {
    try stage.relctl("slug", "import", tree)
    let events = try stage.events()
    try Files.remove(stage.home.slugs + "/\(id)/events.jsonl")
    try stage.relctl("slug", "import", tree)
    #expect(try stage.events() == events)
    try Files.remove(stage.home.slugs + "/\(id)/events.jsonl")
    let log = stage.home.events + "/0000000000000001.jsonl"
    try Files.replace(
      log, with: try Files.read(log).split(separator: 10).prefix(3).flatMap { $0 + [10] })
    try stage.relctl("slug", "import", tree)
    #expect(try told() == Self.story + ["slug.stored"])
    #expect(try stage.events().prefix(8).map(\.id) == events.prefix(8).map(\.id))
    #expect(Files.exists(stage.home.slugs + "/\(id)/events.jsonl"))
  }

  @Test func concurrentImportsWriteTheRecordOnce() throws {
    try pack()
    let stage = stage
    let tree = tree
    let answers = Threads.collect(4) { index in
      try? stage.relctl("slug", "import", index % 2 == 0 ? "x.tgz" : tree, "--json").output
    }
    let expected = [8, 0, 0, 0].map { #"{"events":\#($0),"slug":"\#(id)"}"# + "\n" }
    #expect(answers.map { $0 ?? "" }.sorted() == expected.sorted())
    #expect(try told() == Self.story + ["slug.stored"])
    #expect(try leftOver() == [])
  }

  @Test func invalidRecordPreventsTheImport() throws {
    let copy = stage.folder.path + "/copy"
    try FileTree.copy(tree, to: copy)
    let path = copy + "/" + SlugRecord.path
    let lines = try Files.read(path).split(separator: 10)
    try Files.replace(path, with: lines.dropLast().flatMap { $0 + [10] })
    try pack(copy)
    for name in ["copy", "x.tgz"] {
      let answer = try stage.relctl("slug", "import", name)
      #expect(answer.exit == .code(65) && answer.output.isEmpty)
      #expect(
        answer.errors.hasPrefix(
          "relctl: .reltui/events.jsonl:7: 'build.step' is in the place of build.finished "
            + "[RT-SLUG-RECORD]\n"), "\(answer.errors)")
    }
    #expect(!Files.exists(stage.home.slugs) && !Files.exists(stage.home.events))
    #expect(try stage.builds() == [])
  }

  /// A copy as a platform's build leaves it, with its provenance.
  private func copyWithProvenance() throws -> String {
    let copy = stage.folder.path + "/copy"
    try FileTree.copy(tree, to: copy)
    let said = Provenance(
      time: Timestamp(milliseconds: 1_795_000_000_000), by: "ana", folder: "/elsewhere",
      commit: "beef", line: "Sell\u{1B}[31m tea", place: "/somewhere")
    try Files.replace(copy + "/" + Provenance.path, with: said.bytes, mode: 0o644)
    return copy
  }

  /// In every form of input the slug keeps its id, its needs, its events and its provenance.
  @Test func buildAndDeployAcceptSlugs() throws {
    let copy = try copyWithProvenance()
    try FileTree.copy(copy, to: stage.folder.path + "/holder/app")
    try pack(copy)
    for (index, name) in ["copy", "holder", "x.tgz"].enumerated() {
      let home = stage.folder.path + "/home-\(index)"
      let answer = try stage.relctl("build", name, "--home", home)
      #expect(
        answer.lines == [
          "-----> Importing the slug in '\(name)'",
          "       8 events of its build are in the log now", "-----> Slug \(id)",
        ], "\(answer.errors)")
      let kept = try Provenance(bytes: Files.read("\(home)/slugs/\(id)/provenance.json"))
      #expect(kept.by == "ana" && kept.commit == "beef" && kept.place == "/somewhere")
      #expect(kept.line == "Sell\u{FFFD}[31m tea", "\(kept)")
      #expect(kept.time?.milliseconds == 1_795_000_000_000)
      #expect(kept.folder == stage.folder.path + "/" + name)
      let builds = (try? Files.list(home + "/builds")) ?? []
      #expect(builds.filter { $0 != ".lock" } == [])
      let again = try stage.relctl("build", name, "--home", home, "--json")
      #expect(again.output == #"{"slug":"\#(id)"}"# + "\n")
      let variables = try stage.relctl("slug", "inspect", id, "--home", home).output
      #expect(variables.contains("config/runtime.exs:"))
    }
    let deployed = try stage.relctl("deploy", "greeter", "copy")
    #expect(deployed.exit == .code(0), "\(deployed.errors)\(deployed.output)")
    #expect(try told().starts(with: Self.story + ["slug.stored"]))
    #expect(try stage.events().first { $0.type == .releaseCreated }?.data.slug == id)
  }

  @Test func changedTreeIsRefusedWithARemedy() throws {
    let copy = try copyWithProvenance()
    try Files.replace(copy + "/Procfile", with: Array("web: bin/other\n".utf8), mode: 0o644)
    let answer = try stage.relctl("deploy", "greeter", "copy")
    #expect(answer.exit == .code(65))
    #expect(
      answer.errors == """
        relctl: 'Procfile' is not what the manifest says [RT-SLUG-DAMAGED]
          'copy' was changed after it was built. Build it again; or remove .reltui from it, and it is \
        taken as any built OTP release.

        """)
    #expect(!Files.exists(stage.home.events))
    try Files.remove(copy + "/.reltui")
    let taken = try stage.relctl("build", "copy", "--json")
    #expect(taken.exit == .code(0) && !taken.output.contains(id), "\(taken.errors)")
  }

  @Test func invalidProvenancePreventsTheImport() throws {
    let copy = try copyWithProvenance()
    try Files.replace(
      copy + "/" + Provenance.path, with: Array(#"{"format":2}"#.utf8), mode: 0o644)
    let answer = try stage.relctl("build", "copy")
    #expect(answer.exit == .code(65) && answer.errors.contains("[RT-FORMAT-NEWER]"))
    #expect(!Files.exists(stage.home.slugs) && !Files.exists(stage.home.events))
  }

  @Test func signalStopsTheImportWithoutLeftovers() throws {
    try stage.folder.write("m/f", "")
    let names = [String](repeating: stage.folder.path + "/m/f", count: 40_000)
    try stage.folder.write("names", names.joined(separator: "\n"))
    try pack(nil, "--hard-dereference", "-T", stage.folder.path + "/names")
    let program = try Workspace.program("relctl")
    let relctl = try Child.start(
      Invocation(
        [program, "slug", "import", "x.tgz"], in: stage.folder.path,
        environment: stage.environment), errors: .null)
    var tar: [ProcessTable.Stat] = []
    let unpacks = try eventually(60_000) {
      tar = ProcessTable.descendants(of: relctl.pid)
      return try !tar.isEmpty && !stage.builds().isEmpty
    }
    #expect(unpacks)
    relctl.signal(.term)
    #expect(relctl.exit() == .code(130))
    #expect(try stage.builds() == [] && !Files.exists(stage.home.slugs))
    for process in tar {
      let now = ProcessTable.stat(process.pid)
      #expect(now?.started != process.started || now?.state == "Z")
    }
  }
}
