import Buildpack
import Posix
import ReleaseModel
import SlugStore
import TestSupport
import Testing

/// Projects of rebar3 with different configurations of relx.
@Suite struct RebarBuildTests {
  private struct Case {
    var name: String
    var config: String
    var releases = ["one"]
    var variables: [String: String] = [:]
  }

  private static let release = "{release, {one, \"1.0.0\"}, [part]}"
  private static let other = "{release, {two, \"1.0.0\"}, [part, sasl]}"

  private static let cases = [
    Case(name: "erts wanted", config: "{relx, [\(release), {include_erts, true}]}."),
    Case(
      name: "erts wanted by a profile",
      config: "{relx, [\(release)]}. {profiles, [{prod, [{relx, [{include_erts, true}]}]}]}."),
    Case(
      name: "erts not wanted",
      config: "{relx, [\(release), {include_erts, false}]}."),
    Case(name: "the mode prod", config: "{relx, [\(release), {mode, prod}]}."),
    Case(
      name: "several releases", config: "{relx, [\(release), \(other), {include_erts, true}]}.",
      releases: ["one", "two"], variables: ["RELPACK_RELEASES": "all"]),
    Case(
      name: "one of several", config: "{relx, [\(release), \(other)]}.", releases: ["two"],
      variables: ["RELPACK_RELEASES": "two"]),
  ]

  @Test func buildsTheReleasesThatRelxDeclares() throws {
    for item in Self.cases {
      let folder = try TemporaryFolder("rebar", inMemory: true)
      let source = folder.path + "/source"
      try folder.write("source/rebar.config", "{deps, []}.\n\(item.config)\n")
      try folder.write(
        "source/src/part.app.src",
        "{application, part, [{description, \"\"}, {vsn, \"1.0.0\"}, {applications, [kernel, stdlib]}]}."
      )
      try folder.write("source/include/part.hrl", "-define(ONE, 1).\n")
      try folder.write(
        "source/src/part.erl",
        "-module(part).\n-include(\"part.hrl\").\n-export([a/0]).\na() -> ?ONE.\n")
      for (name, value) in item.variables { try folder.write("env/\(name)", value) }
      try Files.makeFolder(folder.path + "/env")
      let result = try Invocation(
        [
          try Workspace.program("relpack"), "compile", source, folder.path + "/cache",
          folder.path + "/env",
        ],
        environment: [
          "PATH": Environment.current["PATH"] ?? "", "HOME": folder.path,
          "RELPACK_BOOT_CHECK": "off",
        ]
      ).run(limit: 120_000)
      try #require(result.isSuccess, "\(item.name): \(result.text)")
      let manifest = try Manifest(bytes: try Files.read(source + "/" + Manifest.path))
      #expect(manifest.otpReleases.map(\.name) == item.releases, "\(item.name)")
      #expect(manifest.otpReleases.allSatisfy { !$0.ertsVersion.isEmpty }, "\(item.name)")
      let paths = manifest.files.map(\.path)
      #expect(paths.contains { $0.hasSuffix("/bin/beam.smp") }, "\(item.name)")
      #expect(paths.filter { $0.hasSuffix(".hrl") || $0.hasSuffix(".erl") } == [], "\(item.name)")
      #expect(manifest.files.filter { $0.kind == .link } == [], "\(item.name)")
    }
  }
}
