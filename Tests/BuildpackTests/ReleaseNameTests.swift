import Posix
import SlugStore
import TestSupport
import Testing

/// Releases of real builds that start with the config var RELEASE_NAME, which chose them for the build.
@Suite(.waitsForPrograms) struct ReleaseNameTests {
  @Test func aReleaseStartsUnderItsOwnName() throws {
    var sample = try #require(Sample.all.first { $0.name == "orchard: all" })
    sample.cache = .missing
    sample.config["RELPACK_BOOT_CHECK"] = "warn"
    let host = try BuildHost(sample)
    let source = try host.unpack("source")
    let built = try host.compile(source)
    try #require(built.exit == .code(0), "\(built.lines)")
    // The boot check starts them with the config var too.
    for name in ["apple", "pear"] {
      #expect(built.lines.contains { $0.hasPrefix("       \(name) boots: ") }, "\(built.lines)")
    }
    for chosen in ["apple pear", "all"] {
      let variables = ["RELEASE_NAME": chosen, "RELEASE_DISTRIBUTION": "sname"]
      let slug = try SlugHost(tree: source, folder: host.folder.path, variables: variables)
      defer { slug.stop() }
      for name in ["apple", "pear"] {
        let program = "\(source)/bin/\(name)"
        let start = slug.command(program, "start")
        try slug.started(start, as: BuildHost.user, answer: "orchard one, \(name)") { _ in
          // The question needs the cookie of the slug.
          var asking = slug.command(
            program, "rpc", "IO.puts([System.get_env(\"RELEASE_NAME\"), ?\\s, to_string(node())])")
          if User.isRoot {
            asking.arguments =
              [
                "/usr/bin/setpriv", "--reuid=\(BuildHost.user)", "--regid=\(BuildHost.user)",
                "--clear-groups",
              ] + asking.arguments
          }
          let answer = try asking.run(limit: 20_000)
          #expect(answer.text.hasPrefix("\(name) \(name)@"), "\(answer.text)")
        }
      }
    }
    // One cookie for both.
    #expect(try Files.list(source + "/tmp") == [".apple.cookie"])
  }
}
