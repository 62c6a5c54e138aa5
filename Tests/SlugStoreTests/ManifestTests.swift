import Posix
import ReleaseModel
import SlugStore
import TestSupport
import Testing

/// What a manifest tells of a tree.
@Suite struct ManifestTests {
  let release: ReleaseTree
  init() throws { release = try ReleaseTree() }

  private func write(_ paths: [String]) throws {
    for path in paths { try release.folder.write("tree/" + path, "") }
  }

  private static let priv = "lib/demo_mix-0.1.0/priv"

  @Test func migrationsAreThoseThatEctoRuns() throws {
    #expect(try release.manifest().migrations == [])
    try write([
      Self.priv + "/repo/migrations/20260102000000_b.exs",
      Self.priv + "/repo/migrations/20260101000000_a.exs",
      Self.priv + "/repo/migrations/tenants/1_c.exs",
      Self.priv + "/archive/migrations/20260101000000_a.exs",
      Self.priv + "/repo/migrations/.formatter.exs",
      Self.priv + "/repo/migrations/20260101000000.exs",
      Self.priv + "/repo/migrations/20260101000000_a.ex",
      Self.priv + "/repo/migrations/x_a.exs",
      Self.priv + "/repo/seeds/1_a.exs",
      Self.priv + "/migrations/1_a.exs",
      "lib/stranger-1.0.0/priv/repo/migrations/1_a.exs",
      "priv/repo/migrations/1_a.exs",
    ])
    let found = try release.manifest().migrations ?? []
    #expect(found.allSatisfy { $0.application == "demo_mix" })
    #expect(
      found.map { "\($0.folder) \($0.name)" } == [
        "archive/migrations 20260101000000_a", "repo/migrations 20260101000000_a",
        "repo/migrations 20260102000000_b", "repo/migrations/tenants 1_c",
      ])
  }

  @Test func anApplicationOfTwoReleasesIsToldOnce() throws {
    let tree = release.folder.path + "/two"
    for name in ["admin", "web"] {
      try FileTree.copy(release.tree, to: "\(tree)/rel/\(name)")
      for number in 1...2 where name == "web" || number == 1 {
        try release.folder.write("two/rel/\(name)/\(Self.priv)/repo/migrations/\(number)_a.exs", "")
      }
    }
    let manifest = try ManifestBuilder.describe(tree)
    #expect(manifest.otpReleases.map(\.folder) == ["rel/admin", "rel/web"])
    #expect(manifest.migrations?.map(\.name) == ["1_a", "2_a"])
  }

  @Test func keysReadAtCompileTimeAreToldWithoutTheirValues() throws {
    #expect(try release.manifest().compileEnv == [])
    let text = """
      {application,demo_mix,[{compile_env,[
        {demo_mix,['Elixir.Demo.Repo',pool],{ok,<<"val">>}}, {demo_mix,['odd "key'],error},
        {logger,[level],{ok,debug}}, {demo_mix,[a,1],error}, {demo_mix,[],error},
        {demo_mix,x,error}, nonsense, {1,[x],error}]},
        {applications,[kernel,stdlib,elixir,logger]},{vsn,"0.1.0"}]}.
      """
    try release.folder.write("tree/lib/demo_mix-0.1.0/ebin/demo_mix.app", text)
    // The toolchain's own applications are left out.
    try release.folder.write(
      "tree/lib/logger-1.14.0/ebin/logger.app",
      #"{application,logger,[{compile_env,[{logger,[x],error}]},{vsn,"1.14.0"}]}."#)
    let manifest = try release.manifest()
    #expect(
      manifest.compileEnv?.map { "\($0.application) \($0.key) \($0.reader)" } == [
        #"demo_mix :"odd \"key" demo_mix"#, "demo_mix [:a, 1] demo_mix",
        "demo_mix [Demo.Repo, :pool] demo_mix", "logger :level demo_mix",
      ])
    let bytes = manifest.bytes
    #expect(!String(decoding: bytes, as: UTF8.self).contains("val\""))
    #expect(try Manifest(bytes: bytes) == manifest)
    // One of a build that did not look.
    var old = manifest
    old.compileEnv = nil
    #expect(!String(decoding: old.bytes, as: UTF8.self).contains("compile_env"))
    #expect(try Manifest(bytes: old.bytes) == old)
  }

  @Test func nativeCodeMakesTheTarget() throws {
    #expect(try release.manifest().target.libraries == [] && release.manifest().target.glibc == nil)
    let native = ELFImage(
      machine: NativeCodeTests.host, needed: ["libz.so.1"],
      versions: [("libc.so.6", ["GLIBC_2.31"])])
    try release.folder.write("tree/\(Self.priv)/nif.so", native.bytes)
    try release.folder.write(
      "tree/\(Self.priv)/other.so", ELFImage(machine: NativeCodeTests.other).bytes)
    var findings: [NativeCode.Incompatibility] = []
    let manifest = try ManifestBuilder.describe(release.tree) { findings.append($0) }
    #expect(manifest.target.glibc == "2.31" && manifest.target.libraries == ["libz.so.1"])
    #expect(findings.map(\.sentence).count == 1)
    #expect(findings.first?.sentence.hasPrefix(Self.priv + "/other.so is for ") == true)
  }

  @Test func processesOfOneRelease() throws {
    func processes() throws -> [String] {
      try release.manifest().processes.map { "\($0.process): \($0.command)" }
    }
    #expect(try processes() == ["web: bin/demo_mix start"])
    try release.folder.write("tree/bin/server", "")
    #expect(try processes() == ["web: bin/demo_mix start"])
    try Files.setMode(release.tree + "/bin/server", 0o755)
    // It was not asked for.
    try release.folder.write("tree/bin/migrate", "", mode: 0o755)
    #expect(try processes() == ["web: bin/server"])
    try release.folder.write("tree/Procfile", "release: bin/migrate\nweb: bin/server\n")
    #expect(try processes() == ["release: bin/migrate", "web: bin/server"])
  }

  @Test func processesOfSeveralReleases() throws {
    let tree = release.folder.path + "/two"
    for name in ["admin", "web"] {
      try FileTree.copy(release.tree, to: "\(tree)/rel/\(name)")
    }
    let both = try ManifestBuilder.describe(tree)
    #expect(both.processes.map(\.process) == ["demo_mix", "demo_mix-2"])
    try release.folder.write("two/rel/web/bin/server", "", mode: 0o755)
    let manifest = try ManifestBuilder.describe(tree)
    #expect(
      manifest.processes.map { "\($0.process): \($0.command)" } == [
        "demo_mix: bin/demo_mix start", "web: rel/web/bin/server",
      ])
    #expect(manifest.release(startedBy: "web")?.folder == "rel/web")
    #expect(manifest.release(startedBy: "demo_mix")?.folder == "rel/admin")
  }
}
