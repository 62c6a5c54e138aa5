import Posix
import TestSupport
import Testing

/// What nodes are given to evaluate is what the sources beside it say.
struct ProbeFormsTests {
  @Test(arguments: ["survey", "collector"]) func areMadeOfTheirSource(_ name: String) throws {
    let kept = Workspace.root + "/Sources/NodeWatch/Probes/\(name)"
    let folder = try TemporaryFolder("probe")
    try folder.write("\(name).erl", try Files.read(kept + ".erl"))
    let made = try Invocation(
      ["escript", Workspace.root + "/scripts/probe-forms", folder.path + "/\(name).erl"],
      environment: Environment.current
    ).run(limit: 60_000)
    try #require(made.isSuccess, "\(made.text)")
    let isSame = try Files.read(folder.path + "/\(name).forms") == Files.read(kept + ".forms")
    #expect(isSame, "mend it with: scripts/probe-forms Sources/NodeWatch/Probes/*.erl")
  }
}
