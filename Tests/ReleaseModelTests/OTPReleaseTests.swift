import FoundationEssentials
import Testing

@testable import ReleaseModel

@Suite struct OTPReleaseTests {
  private func summary(of release: OTPRelease) -> [String] {
    [
      release.name, release.version, release.ertsVersion, release.kind.rawValue,
      release.startCommand, release.startArgument,
    ]
  }

  @Test func mixRelease() throws {
    let release = try OTPReleaseFiles(fixture: "mix").release()
    #expect(
      summary(of: release) == ["demo_mix", "0.1.0", "13.1.5", "mix", "bin/demo_mix", "start"])
    #expect(
      release.applications.map { "\($0.name) \($0.version) \($0.startType) \($0.order ?? 0)" } == [
        "kernel 8.5.3 permanent 1", "stdlib 4.2 permanent 2", "elixir 1.14.0 permanent 4",
        "sasl 4.2 permanent 5", "demo_mix 0.1.0 permanent 7", "iex 1.14.0 none 0",
        "compiler 8.2.3 permanent 3", "logger 1.14.0 permanent 6",
      ])
    #expect(
      release.bootOrder == [
        "kernel", "stdlib", "compiler", "elixir", "sasl", "logger", "demo_mix",
      ])
    #expect(
      release.applications[4]
        == OTPRelease.Application(
          name: "demo_mix", version: "0.1.0", order: 7, description: "demo_mix",
          dependencies: ["kernel", "stdlib", "elixir", "logger"],
          callbackModule: "Elixir.DemoMix.Application", modules: 2))
  }

  @Test func relxRelease() throws {
    let release = try OTPReleaseFiles(fixture: "relx").release()
    #expect(
      summary(of: release) == [
        "demo_relx", "0.1.0", "13.1.5", "relx", "bin/demo_relx", "foreground",
      ])
    #expect(release.bootOrder == ["kernel", "stdlib", "demo_relx", "sasl"])
    let sasl = try #require(release.applications.last)
    #expect(sasl.registered == ["sasl_sup", "alarm_handler", "release_handler"])
    #expect(sasl.dependencies == ["kernel", "stdlib"])
    #expect(sasl.description == "SASL  CXC 138 11")
  }

  /// Each layout must give the same release.
  @Test(arguments: ["mix", "relx"])
  func otherLayoutsGiveTheSameRelease(_ name: String) throws {
    let files = OTPReleaseFiles(fixture: name)
    let folder = "releases/0.1.0"
    let changes: [(inout OTPReleaseFiles) -> Void] = [
      { $0["\(folder)/start.boot"] = nil },
      { $0["releases/start_erl.data"] = "13.1.5 0.1.0\n" },
      { $0.move("\(folder)/start.boot", to: "\(folder)/demo_\(name).boot") },
      { $0.move("\(folder)/demo_\(name).rel", to: "releases/demo_\(name).rel") },
      {
        $0["\(folder)/start.boot"] = nil
        $0.move("\(folder)/start.script", to: "\(folder)/demo_\(name).script")
      },
      { $0["\(folder)/start_clean.rel"] = "not read" },
      { $0["\(folder)/start.rel"] = $0["\(folder)/demo_\(name).rel"] },
      { $0["releases/old.rel"] = "not read" },
      { $0["releases/RELEASES"] = "not read" },
      {  // A release without ERTS has no applications of OTP.
        for application in ["kernel-8.5.3", "stdlib-4.2", "sasl-4.2"] {
          let base = application.prefix { $0 != "-" }
          $0["lib/\(application)/ebin/\(base).app"] = nil
        }
      },
    ]
    let expected = try files.release()
    for (index, change) in changes.enumerated() {
      var changed = files
      change(&changed)
      #expect(try changed.release() == expected, "change \(index)")
    }
  }

  @Test func entriesInEveryForm() throws {
    var files = OTPReleaseFiles(fixture: "relx")
    files["releases/0.1.0/demo_relx.rel"] = """
      {release,{"demo_relx","0.1.0"},{erts,"13.1.5"},
       [{kernel,"8.5.3",permanent,[]},{stdlib,"4.2",transient},{sasl,"4.2",[stdlib]},
        {demo_relx,"0.1.0",temporary,[sasl]},{extra,"1",load},{other,"2",none}]}.
      """
    files["lib/extra-1/ebin/extra.app"] = """
      {application,extra,[{applications,[kernel,gone,sasl]},{optional_applications,[gone,sasl]},
       {included_applications,[other]}]}.
      """
    files["lib/other-2/ebin/other.app"] = "{application,other,[{vsn,\"2\"}]}."
    let applications = try files.release().applications
    #expect(
      applications.map { "\($0.name) \($0.startType) \($0.includedApplications)" } == [
        "kernel permanent []", "stdlib transient []", "sasl permanent [\"stdlib\"]",
        "demo_relx temporary [\"sasl\"]", "extra load [\"other\"]", "other none []",
      ])
    #expect(applications[4].dependencies == ["kernel", "sasl"])
    #expect(applications[4].optionalDependencies == ["gone", "sasl"])
  }

  @Test(arguments: ["mix", "relx"])
  func releasesSurviveJSON(_ name: String) throws {
    let release = try OTPReleaseFiles(fixture: name).release()
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let data = try encoder.encode(release)
    #expect(try JSONDecoder().decode(OTPRelease.self, from: data) == release)
    let text = String(decoding: data, as: UTF8.self)
    #expect(
      text.hasSuffix(
        "\"start_argument\":\"\(release.startArgument)\",\"start_command\":"
          + "\"bin/demo_\(name)\",\"version\":\"0.1.0\"}"))
    #expect(text.contains("\"start_type\":\"permanent\""))
  }
}
