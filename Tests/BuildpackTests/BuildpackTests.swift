import Buildpack
import Posix
import TestSupport
import Testing

@Suite struct EntryPointTests {
  @Test func detectSaysNothingOfWhatItCannotBuild() throws {
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

  @Test(arguments: [
    ([], "relpack: a command is missing [RT-USAGE]"),
    (["compil"], "relpack: unknown command 'compil'; did you mean 'compile'? [RT-USAGE]"),
    (["detect"], "relpack: 'detect' needs DIR [RT-USAGE]"),
    (["plan", "a", "b"], "relpack: 'b' is one argument too many [RT-USAGE]"),
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
    // There are no assets.
    #expect(plan.steps.map(\.step) == BuildStep.allCases.filter { $0 != .assets && $0 != .test })
    #expect(plan.lines.count == plan.steps.count)
    #expect(try platform.snapshot() == before)
  }

  @Test(arguments: [
    (nil, "---\n{}\n"),
    ("web: bin/a start\n", "---\ndefault_process_types:\n  web: \"bin/a start\"\n"),
    (
      "no: sh -c 'a: \"b\" \\ # c'\n1x: 'é'\n",
      "---\ndefault_process_types:\n  \"no\": \"sh -c 'a: \\\"b\\\" \\\\ # c'\"\n  \"1x\": \"'é'\"\n"
    ),
  ]) func writesYAML(_ procfile: String?, _ yaml: String) throws {
    let folder = try TemporaryFolder("yaml")
    if let procfile { try File.open(folder.path + "/Procfile", .create).write(procfile) }
    #expect(try DefaultProcesses.yaml(folder.path) == yaml)
  }
}
