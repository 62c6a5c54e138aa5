import Posix
import ReleaseModel
import TestSupport
import Testing

@testable import Buildpack

@Suite(.waitsForPrograms) struct EntryPointTests {
  @Test func detectPrintsNothingWithoutAProject() throws {
    let platform = try Platform { try Files.remove($0 + "/mix.exs") }
    let result = try platform.run("detect")
    #expect(result.exit == .code(1) && result.lines == [])
  }

  @Test func shimNamesAMissingArchitecture() throws {
    let platform = try Platform()
    let machine = platform.folder.path + "/buildpack/libexec/" + Manifest.Target.host.arch
    try Files.rename(machine, to: platform.folder.path + "/buildpack/libexec/vax")
    let result = try platform.invocation("detect", [platform.source]).run()
    let expected = " !     this buildpack has no relpack for \(Manifest.Target.host.arch)"
    #expect(result.exit == .code(1) && result.text == expected + "; it has: vax\n")
  }

  static let entries = ["compile", "detect", "release", "report", "test", "test-compile"]

  /// From another folder, copied to a path with blanks, with a `CDPATH` that leads astray.
  @Test func eachEntryPointRunsItsCommand() throws {
    let folder = try TemporaryFolder("entry", inMemory: true)
    let pack = folder.path + "/a \"pack\""
    try FileTree.copy(Workspace.root + "/buildpack", to: pack)
    #expect(try Files.list(pack + "/bin") == Self.entries)
    let script = "#!/bin/sh\nprintf '<%s>' \"$@\"\nexit 7\n"
    let relpack = "\(pack)/libexec/\(Manifest.Target.host.arch)/relpack"
    try Files.makeFolder(Files.parent(of: relpack))
    try File.open(relpack, .create, mode: 0o755).write(script)
    let environment = ["PATH": Invocation.standardPath, "CDPATH": "/:/tmp"]
    for name in Self.entries {
      for command in ["\(pack)/bin/\(name)", "./bin/\(name)"] {
        let result = try Invocation([command, "a b", ""], in: pack, environment: environment).run()
        #expect(result.text == "<\(name)><a b><>" && result.exit == .code(7), "\(name)")
      }
    }
    try Files.setMode(relpack, 0o644)
    let lost = try Invocation(["\(pack)/bin/report", "x"], environment: environment).run()
    #expect(lost.exit == .code(1) && lost.text.hasSuffix("it has: none\n"))
  }

  @Test(arguments: [
    ([], "relpack: a command is missing [RT-USAGE]"),
    (["compil"], "relpack: unknown command 'compil'; did you mean 'compile'? [RT-USAGE]"),
    (["detect"], "relpack: 'detect' needs DIR [RT-USAGE]"),
    (["plan", "a", "b", "c"], "relpack: 'c' is one argument too many [RT-USAGE]"),
    (
      ["release", "--home", "x"],
      "relpack: unknown option '--home' [RT-USAGE]"
    ),
  ]) func refusesBadArguments(_ words: [String], _ line: String) throws {
    let relpack = try Workspace.program("relpack")
    let result = try Invocation([relpack] + words, environment: [:]).run()
    #expect(result.exit == .code(64))
    #expect(Platform.lines(result.text).first == line)
  }

  @Test func planChangesNothing() throws {
    let platform = try Platform()
    let before = try platform.snapshot()
    let settings = try BuildSettings(config: [:], stack: nil)
    let plan = try BuildPlan(source: platform.source, settings: settings)
    #expect(plan.steps.map(\.step) == BuildStep.allCases.filter { $0 != .test })
    #expect(plan.lines.count == plan.steps.count)
    #expect(try platform.snapshot() == before)
  }

  @Test(
    arguments: [
      (.slug, [.dependencies, .compile, .assets, .release]),
      (.testCompile, [.dependencies, .compile]),
      (.test, []),
    ] as [(BuildPlan.Goal, [BuildStep])])
  func mixIsGivenTheStepsOfThePlan(_ goal: BuildPlan.Goal, _ steps: [BuildStep]) throws {
    let settings = try BuildSettings(config: [:], stack: nil)
    let plan = try BuildPlan(source: Sample.folder("sprout"), settings: settings, goal: goal)
    #expect(plan.builderSteps == steps)
    let mix = MixBuild(
      project: plan.project, steps: plan.builderSteps, target: "/x", hooks: [:], npmFolders: [])
    #expect(
      mix.words.filter { $0.hasPrefix("--step=") } == steps.map { "--step=\($0.rawValue)" })
    #expect(plan.has(.test) == (goal == .test) && plan.has(.finish) == (goal == .slug))
  }

  @Test func aPlanWithoutABootCheckSaysSo() throws {
    let settings = try BuildSettings(config: ["RELPACK_BOOT_CHECK": "off"], stack: nil)
    let plan = try BuildPlan(source: Sample.folder("pebble"), settings: settings)
    #expect(plan.steps.map(\.step) == [.check, .tools, .dependencies, .compile, .release, .finish])
    #expect(
      RebarBuild.words(
        plan.builderSteps, release: .init(names: ["a", "b"], runtime: "/otp", target: "/x")
      )
      .joined(separator: " ")
        == "rebar3 as prod do get-deps, release -n a --include-erts=/otp --dev-mode=false -o /x, "
        + "release -n b --include-erts=/otp --dev-mode=false -o /x")
    #expect(
      RebarBuild.words([.dependencies, .compile]).joined(separator: " ")
        == "rebar3 as test do get-deps, compile")
  }

  @Test func aBuildNeverGoesBackToAStep() throws {
    let record = BuildRecord(environment: [:], config: [:], isRecorded: false, travels: false)
    #expect(record.isNext(.check) && !record.isNext(.compile))
    try record.step(.check)
    record.planned = [.check, .tools, .dependencies, .compile]
    #expect(!record.isNext(.check) && record.isNext(.tools) && !record.isNext(.release))
    try record.step(.compile)
    #expect(!record.isNext(.dependencies) && !record.isNext(.compile))
  }

  @Test(arguments: [
    (nil, "---\n{}\n"),
    ("web: bin/a start\n", "---\ndefault_process_types:\n  web: \"bin/a start\"\n"),
    (
      "no: sh -c 'a: \"b\" \\ # c'\n1x: 'é'\n",
      "---\ndefault_process_types:\n  \"no\": \"sh -c 'a: \\\"b\\\" \\\\ # c'\"\n  \"1x\": \"'é'\"\n"
    ),
  ]) func writesYAML(_ procfile: String?, _ yaml: String) throws {
    let folder = try TemporaryFolder("yaml", inMemory: true)
    if let procfile { try File.open(folder.path + "/Procfile", .create).write(procfile) }
    #expect(try DefaultProcesses.yaml(folder.path) == yaml)
  }
}
