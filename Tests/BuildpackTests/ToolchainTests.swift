import Events
import Posix
import Synchronization
import TestSupport
import Testing

@testable import Buildpack

/// The lines that a build prints about its tools.
private final class Said: Sendable {
  private let lines = Mutex<[String]>([])
  var all: [String] { lines.withLock { $0 } }
  func add(_ line: String) { lines.withLock { $0.append(line) } }
}

@discardableResult
private func resolve(
  _ tools: String, url: String?, cache: String?, path: String, needsElixir: Bool = true,
  stack: String? = "heroku-22", said: Said = Said()
) throws -> Toolchain {
  let config = try BuildConfig { (name) throws(Cause) in
    name == ".tool-versions" ? Array(tools.utf8) : nil
  }
  var environment = ["PATH": path]
  environment["STACK"] = stack
  return try Toolchain.resolve(
    Toolchain.Request(
      config: config, needsElixir: needsElixir, environment: environment, url: url, cache: cache)
  ) { said.add($0) }
}

private func mirror() throws -> ToolchainMirror { try ToolchainMirror.shared.get() }
private let hostPath = Environment.current["PATH"] ?? ""

/// With real archives.
@Suite(.serialized, .waitsForPrograms) struct ToolchainTests {
  /// The output of the tools, with no other Erlang in the `PATH`.
  private func run(_ toolchain: Toolchain, _ arguments: [String]) throws -> Invocation.Result {
    let path = (toolchain.folders + [try mirror().bare]).joined(separator: ":")
    let home = try TemporaryFolder("home", inMemory: true)
    return try Invocation(
      arguments, in: home.path,
      environment: ["PATH": path, "HOME": home.path, "LANG": "C.UTF-8"]
    ).run(limit: 60_000)
  }

  @Test func usesTheImagesTools() throws {
    let image = InstalledTools(environment: ["PATH": hostPath])
    let (erlang, elixir) = (try #require(image.erlang), try #require(image.elixir))
    let tools = "erlang \(erlang.version.major)\nelixir \(elixir.version)"
    let toolchain = try resolve(tools, url: "file:/nowhere", cache: nil, path: hostPath)
    #expect(toolchain.folders == [] && toolchain.scratch == nil)
    #expect(toolchain.identity == erlang.identity + "; " + elixir.identity)
    #expect(
      toolchain.erlang.reason
        == "Erlang/OTP \(erlang.version) of the image (.tool-versions:1 wants \(erlang.version.major))"
    )
    let any = try resolve("", url: nil, cache: nil, path: hostPath, needsElixir: false)
    #expect(any.elixir == nil && any.identity == erlang.identity)
    #expect(any.erlang.reason.hasSuffix("of the image (the project names no version)"))
  }

  @Test func fetchesAndRunsTheRequiredVersions() throws {
    let mirror = try mirror()
    let server = try MirrorServer { path in
      (try? mirror.bytes(path)).map { .bytes($0) } ?? .status("404 Not Found")
    }
    let folder = try TemporaryFolder("cache", inMemory: true)
    let said = Said()
    let tools = "erlang 25.3\nelixir 1.14.5"
    let first = try resolve(
      tools, url: server.url + "/", cache: folder.path + "/a", path: mirror.bare, said: said)
    let archive = "otp/\(ToolchainMirror.system)/OTP-25.3.2.tar.gz"
    #expect(
      server.paths == [
        "elixir/builds.txt", "otp/\(ToolchainMirror.system)/builds.txt", archive,
        "elixir/v1.14.5-otp-25.zip",
      ])
    #expect(said.all.first == "Fetching \(server.url)/\(archive)" && said.all.count == 4)
    let place = server.url.dropFirst("http://".count)
    #expect(first.erlang.reason == "Erlang/OTP 25.3.2 from \(place) (.tool-versions:1 wants 25.3)")
    #expect(first.elixir?.reason == "Elixir 1.14.5 from \(place) (.tool-versions:2 wants 1.14.5)")
    #expect(first.scratch == nil && first.folders.count == 2)

    // With the cache at another path, and without the network.
    try Files.rename(folder.path + "/a", to: folder.path + "/b c")
    let second = try resolve(tools, url: server.url, cache: folder.path + "/b c", path: mirror.bare)
    #expect(server.paths.count == 4 && second.identity == first.identity)
    #expect(second.folders.allSatisfy { $0.hasPrefix(folder.path + "/b c/") })
    #expect(second.erlang.reason.contains(" from the cache, from "))
    let alone = try resolve(
      "", url: server.url, cache: folder.path + "/b c", path: mirror.bare, needsElixir: false)
    #expect(alone.elixir == nil && alone.erlang.root == second.erlang.root)
    let root = try run(
      second, ["erl", "-noshell", "-eval", "io:format(\"~ts\",[code:root_dir()]),halt()."])
    #expect(root.text == second.erlang.root)
    let mix = try run(second, ["mix", "--version"])
    #expect(mix.isSuccess && mix.text.contains("Mix 1."), "\(mix.text)")
    #expect(
      InstalledTools(environment: ["PATH": second.folders.joined(separator: ":") + ":/bin"])
        .erlang?.root == second.erlang.root)
  }

  /// The image's Erlang with another Elixir.
  @Test func combinesTheImagesErlangWithAFetchedElixir() throws {
    let mirror = try mirror()
    let folder = try TemporaryFolder("cache", inMemory: true)
    let toolchain = try resolve(
      "elixir 1.14.5", url: mirror.url, cache: folder.path, path: hostPath)
    #expect(toolchain.erlang.reason.contains("of the image") && toolchain.folders.count == 1)
    #expect(toolchain.identity.contains("; elixir 1.14.5 "))
    let again = try resolve(
      "elixir 1.14.5", url: mirror.url, cache: folder.path, path: hostPath)
    #expect(again.folders == toolchain.folders)
  }
}

/// With an archive whose `erl` only prints that it is OTP 25.
@Suite(.waitsForPrograms) struct ToolchainCacheTests {
  /// - Parameter folder: the folder for the mirror.
  private static func pack(_ folder: TemporaryFolder) throws {
    let script = """
      mkdir -p x/bin x/erts-1/bin
      for file in x/bin/erl x/erts-1/bin/erl x/erts-1/bin/erlexec; do
        printf '#!/bin/sh\necho 25\n' > $file
        chmod 700 $file
      done
      tar -czf a x
      """
    let packing = Invocation(
      ["sh", "-ec", script], in: folder.path, environment: ["PATH": "/usr/bin:/bin"])
    #expect(try packing.run().isSuccess)
    let sum = Hex.encode(try SHA256.digest(ofFile: folder.path + "/a"))
    let otp = "otp/\(ToolchainMirror.system)"
    try folder.write(otp + "/builds.txt", "OTP-25.3.2 x y \(sum)\n")
    try Files.rename(folder.path + "/a", to: "\(folder.path)/\(otp)/OTP-25.3.2.tar.gz")
  }

  @Test func buildsCanRunSideBySide() throws {
    let mirror = try TemporaryFolder("mirror", inMemory: true)
    try Self.pack(mirror)
    let server = try MirrorServer { path in
      // Long enough for the other builds to begin.
      if path.hasSuffix(".gz") { Clock.pause(milliseconds: 300) }
      return (try? Files.read(mirror.path + "/" + path)).map { .bytes($0) } ?? .status("404 No")
    }
    let folder = try TemporaryFolder("cache", inMemory: true)
    let said = Said()
    let found = Threads.collect(3) { _ in
      try? resolve(
        "erlang 25.3.2", url: server.url, cache: folder.path, path: "", needsElixir: false,
        said: said)
    }
    #expect(Set(found.map { $0?.folders }).count == 1 && found.allSatisfy { $0 != nil })
    #expect(server.paths.count == 2)
    #expect(said.all.contains("Waiting for another build that fetches tools"))
    #expect(try Files.list(folder.path).filter { $0.hasPrefix("new-") } == [])
  }

  private func run(_ toolchain: Toolchain) throws -> Bool {
    let path = toolchain.folders.joined(separator: ":")
    return try Invocation(["erl"], environment: ["PATH": path]).run().text == "25\n"
  }

  static let damages: [(name: String, @Sendable (String) throws -> Void)] = [
    ("a file is gone", { try Files.remove($0 + "/bin/erl") }),
    ("a file is shorter", { try File.open($0 + "/bin/erl", .replace).write("x") }),
    ("no marker", { try Files.remove($0 + "/.reltui-toolchain") }),
    (
      "a marker from the future",
      { try File.open($0 + "/.reltui-toolchain", .replace).write("format 2\nsha256 0\n") }
    ),
    (
      "a file in its place",
      {
        try Files.remove($0)
        try File.open($0, .create).write("")
      }
    ),
  ]

  @Test func replacesADamagedTree() throws {
    let mirror = try TemporaryFolder("mirror", inMemory: true)
    try Self.pack(mirror)
    let folder = try TemporaryFolder("cache", inMemory: true)
    func fetch(_ said: Said = Said()) throws -> Toolchain {
      try resolve(
        "erlang 25.3", url: "file:" + mirror.path, cache: folder.path, path: "", needsElixir: false,
        said: said)
    }
    let whole = try fetch()
    // A folder of a killed build.
    try folder.write("new-0123/unpacked/half", "")
    let old = Invocation(
      ["touch", "-d", "2 hours ago", folder.path + "/new-0123"], environment: ["PATH": "/bin"])
    #expect(try old.run().isSuccess)
    for (name, damage) in Self.damages {
      try damage(whole.erlang.root)
      let said = Said()
      let again = try fetch(said)
      #expect(
        again
          == Toolchain(
            folders: whole.folders, erlang: whole.erlang, elixir: nil, identity: whole.identity),
        "\(name)")
      #expect(said.all.count == 2, "\(name)")
      #expect(try run(again), "\(name)")
    }
    #expect(try Files.list(folder.path).count == 2)
  }

  @Test func worksWithoutACache() throws {
    let mirror = try TemporaryFolder("mirror", inMemory: true)
    try Self.pack(mirror)
    let folder = try TemporaryFolder("cache", inMemory: true)
    try folder.write("file", "")
    let said = Said()
    let toolchain = try resolve(
      "erlang 25.3", url: "file:" + mirror.path, cache: folder.path + "/file/x", path: "",
      needsElixir: false, said: said)
    let scratch = try #require(toolchain.scratch)
    defer { try? Files.remove(scratch) }
    #expect(toolchain.folders.allSatisfy { $0.hasPrefix(scratch + "/") })
    #expect(
      said.all.first?.hasPrefix("Erlang and Elixir are fetched for this build alone: cannot")
        == true)
    #expect(try run(toolchain))
  }
}

/// With untrusted lists and archives. Nothing is installed.
@Suite(.waitsForPrograms) struct ToolchainRefusalTests {
  static let sum = String(repeating: "ab", count: 32)
  static let otp = "otp/\(ToolchainMirror.system)"

  static let erlangs = """
    OTP-24.3.4 x 2024-01-01T00:00:00Z
    OTP-25.2.3 x 2024-01-01T00:00:00Z \(sum)
    OTP-25.3 x 2024-01-01T00:00:00Z \(sum)
    OTP-25.3.2 x 2024-01-01T00:00:00Z \(sum)
    OTP-25.3.2.8 x 2024-01-01T00:00:00Z \(sum)
    OTP-25.3.2.10 x 2024-01-01T00:00:00Z \(sum)
    OTP-26.2.5 x 2024-01-01T00:00:00Z \(sum)
    OTP-27.0-rc3 x 2024-01-01T00:00:00Z \(sum)
    OTP-27.0 x 2024-01-01T00:00:00Z
    maint x 2024-01-01T00:00:00Z \(sum)
    """
  static let elixirs = """
    v1.14.5 x 2024-01-01T00:00:00Z \(sum)
    v1.14.5-otp-25 x 2024-01-01T00:00:00Z \(sum)
    v1.14.5-otp-26 x 2024-01-01T00:00:00Z \(sum)
    v1.16.2-otp-26 x 2024-01-01T00:00:00Z \(sum)
    v1.16.2-otp-25 x 2024-01-01T00:00:00Z \(sum)
    v1.17.0-rc.0-otp-27 x 2024-01-01T00:00:00Z \(sum)
    v1.17.1-otp-27 x 2024-01-01T00:00:00Z
    v1.17-otp-26 x 2024-01-01T00:00:00Z \(sum)
    """

  /// The first archive that is fetched, read from the output before the fetch fails; else the failure.
  static func outcome(
    _ tools: String, path: String = "", needsElixir: Bool = true, stack: String? = "heroku-22",
    erlangs: String = erlangs, elixirs: String = elixirs
  ) throws -> String {
    let folder = try TemporaryFolder("lists", inMemory: true)
    try folder.write(otp + "/builds.txt", erlangs)
    try folder.write("elixir/builds.txt", elixirs)
    let said = Said()
    let cause = try #require(throws: Cause.self) {
      try resolve(
        tools, url: "file://" + folder.path, cache: folder.path + "/cache", path: path,
        needsElixir: needsElixir, stack: stack, said: said)
    }
    #expect(try Files.list(folder.path + "/cache").allSatisfy { $0 == "lock" })
    if let first = said.all.first { return Files.name(of: first) }
    return cause.id + ": " + cause.sentence.replacing(folder.path, with: "HERE")
  }

  static let choices: [(tools: String, outcome: String)] = [
    ("erlang 25", "OTP-25.3.2.10.tar.gz"), ("erlang 25.3", "OTP-25.3.2.10.tar.gz"),
    ("erlang 25.3.2", "OTP-25.3.2.tar.gz"), ("erlang 25.3.2.8", "OTP-25.3.2.8.tar.gz"),
    ("erlang 27.0-rc3\nelixir 1.17.0-rc.0", "OTP-27.0-rc3.tar.gz"),
    ("elixir 1.14", "OTP-26.2.5.tar.gz"), ("elixir 1.14.5-otp-25", "OTP-25.3.2.10.tar.gz"),
    ("", "OTP-26.2.5.tar.gz"),
    (
      "erlang 25.3.9",
      "RT-BUILD-TOOLCHAIN: .tool-versions:1 wants Erlang/OTP 25.3.9, which HERE does not have; "
        + "the nearest are 25.3.2.8, 25.3.2.10, 26.2.5, 27.0"
    ),
    (
      "elixir 1.15",
      "RT-BUILD-TOOLCHAIN: .tool-versions:1 wants Elixir 1.15, which HERE does not have; "
        + "the nearest are 1.14.5, 1.16.2, 1.17.1"
    ),
    (
      "erlang 27\nelixir 1.16",
      "RT-BUILD-TOOLCHAIN: .tool-versions:2 wants Elixir 1.16, which HERE has only for "
        + "Erlang/OTP 25, 26, not for 27 (.tool-versions:1 wants 27)"
    ),
    (
      "erlang 27.0\nelixir 1.17.1",
      "RT-BUILD-CHECKSUM: OTP-27.0 of HERE cannot be verified: its list has no checksum"
    ),
  ]

  @Test(arguments: choices) func chooses(_ item: (tools: String, outcome: String)) throws {
    #expect(try Self.outcome(item.tools) == item.outcome)
  }

  @Test func namesTheImagesVersion() throws {
    let folder = try TemporaryFolder("image", inMemory: true)
    try InstalledToolsTests.makeErlang(folder, at: "a", version: "27.0.1")
    try folder.write("broken/erl", "#!/bin/sh\necho no version is set\nexit 1\n", mode: 0o755)
    let path = folder.path + "/a/bin"
    #expect(
      try Self.outcome("erlang 28", path: path)
        == "RT-BUILD-TOOLCHAIN: .tool-versions:1 wants Erlang/OTP 28, which HERE does not have; "
        + "the nearest are 26.2.5, 27.0; the image has 27.0.1")
    #expect(
      try Self.outcome("erlang 27\nelixir 1.16.2", path: path)
        == "RT-BUILD-TOOLCHAIN: .tool-versions:2 wants Elixir 1.16.2, which HERE has only for "
        + "Erlang/OTP 25, 26, not for 27 (.tool-versions:1 wants 27)")
    // The project did not require that Erlang.
    #expect(try Self.outcome("elixir 1.16.2", path: path) == "OTP-26.2.5.tar.gz")
    #expect(try Self.outcome("", path: path) == "OTP-26.2.5.tar.gz")
    let broken = try Self.outcome("erlang 28", path: folder.path + "/broken")
    #expect(
      broken.hasSuffix(
        "; '\(folder.path)/broken/erl' does not print its version: no version is set")
    )
  }

  static let lists: [(list: String, outcome: String)] = [
    ("", "RT-BUILD-TOOLCHAIN: HERE has no Erlang/OTP"),
    ("<html>not a list</html>\n", "RT-BUILD-TOOLCHAIN: HERE has no Erlang/OTP"),
    (
      "OTP-../../x y z \(sum)\nOTP-25.0/../x y z \(sum)\nOTP-1\u{0} y z \(sum)\nOTP- y z \(sum)\n"
        + "OTP-99999999999.0 y z \(sum)\nOTP-25.0.tar.gz y z \(sum)\n",
      "RT-BUILD-TOOLCHAIN: HERE has no Erlang/OTP"
    ),
    (
      "OTP-25.0 y z \(sum)0\n",
      "RT-BUILD-CHECKSUM: OTP-25.0 of HERE cannot be verified: its list has no checksum"
    ),
    (
      "OTP-25.0 y z " + String(repeating: "z", count: 64),
      "RT-BUILD-CHECKSUM: OTP-25.0 of HERE cannot be verified: its list has no checksum"
    ),
    ("OTP-25.0 y z \(sum.uppercased())\r\n", "OTP-25.0.tar.gz"),
    (String(repeating: "OTP-25.0 y z \(sum)\n", count: 10_000), "OTP-25.0.tar.gz"),
  ]

  @Test(arguments: lists) func readsOddLists(_ item: (list: String, outcome: String)) throws {
    #expect(try Self.outcome("", needsElixir: false, erlangs: item.list) == item.outcome)
  }

  static let servers:
    [(name: String, answer: @Sendable (String) -> MirrorServer.Answer, outcome: String)] = [
      (
        "not there", { _ in .status("404 Not Found") },
        "RT-BUILD-DOWNLOAD: cannot fetch URL/LIST: The requested URL returned error: 404"
      ),
      (
        "redirected to a file", { _ in .redirect("file:///etc/passwd") },
        "RT-BUILD-DOWNLOAD: cannot fetch URL/LIST: Protocol \"file\" not supported or disabled in libcurl"
      ),
      (
        "redirected for ever", { .redirect("/" + $0) },
        "RT-BUILD-DOWNLOAD: cannot fetch URL/LIST: Maximum (5) redirects followed"
      ),
      (
        "a list of 100 MB", { _ in .bytes([UInt8](repeating: 10, count: 100 << 20)) },
        "RT-BUILD-DOWNLOAD: cannot fetch URL/LIST: it is larger than 8 MB"
      ),
      (
        "a list without an end", { _ in .endless },
        "RT-BUILD-DOWNLOAD: cannot fetch URL/LIST: it is larger than 8 MB"
      ),
      (
        "a cut list", { _ in .cut(Array("OTP-25.0 x y \(sum)".utf8)) },
        "RT-BUILD-DOWNLOAD: cannot fetch URL/LIST: transfer closed with 10 bytes remaining to read"
      ),
      (
        "an archive with another sum", archive(.bytes([1, 2, 3])),
        "RT-BUILD-CHECKSUM: URL/ARCHIVE has the SHA-256 "
          + "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81, and the list says \(sum)"
      ),
      (
        "a cut archive", archive(.cut([1])),
        "RT-BUILD-DOWNLOAD: cannot fetch URL/ARCHIVE: transfer closed with 10 bytes remaining to read"
      ),
      (
        "no archive", archive(.status("403 Forbidden")),
        "RT-BUILD-DOWNLOAD: cannot fetch URL/ARCHIVE: The requested URL returned error: 403"
      ),
    ]

  static func archive(_ answer: MirrorServer.Answer) -> @Sendable (String) -> MirrorServer.Answer {
    { $0.hasSuffix("builds.txt") ? .bytes(Array("OTP-25.0 x y \(sum)\n".utf8)) : answer }
  }

  @Test(arguments: servers.indices) func refusesHostileServers(_ index: Int) throws {
    let (name, answer, expected) = Self.servers[index]
    let server = try MirrorServer(answer)
    let folder = try TemporaryFolder("cache", inMemory: true)
    let cause = try #require(throws: Cause.self) {
      try resolve("", url: server.url, cache: folder.path, path: "", needsElixir: false)
    }
    let outcome = "\(cause.id): \(cause.sentence)".replacing(server.url, with: "URL")
      .replacing(Self.otp + "/builds.txt", with: "LIST")
      .replacing(Self.otp + "/OTP-25.0.tar.gz", with: "ARCHIVE")
    #expect(outcome == expected, "\(name)")
    #expect(try Files.list(folder.path).filter { $0 != "lock" } == [], "\(name)")
  }

  /// The checksum is right, since the list comes from the same server.
  static let archives: [(name: String, script: String, outcome: String)] = [
    ("no archive at all", "head -c 5000 /dev/zero > a", "cannot be unpacked: "),
    ("empty", "tar -czf a -T /dev/null", "holds no Erlang/OTP"),
    ("something else", "mkdir x; echo y > x/y; tar -czf a x", "holds no Erlang/OTP"),
    (
      "a name that leads out", "echo y > y; tar -czPf a --transform 's,^,../../,' y",
      "cannot be unpacked: the archive's '../../y' is outside the slug"
    ),
    (
      "a device", "mkdir x; mkfifo x/p; tar -czf a x",
      "cannot be unpacked: the archive's 'x/p' is neither file, folder nor link"
    ),
    (
      "too large", "truncate -s 3G x; tar -cSzf a x",
      "cannot be unpacked: the archive has more than 2 GiB of files, unpacked"
    ),
    (
      "an Erlang that does not run",
      "mkdir -p x/bin x/erts-1/bin; for f in x/bin/erl x/erts-1/bin/erl x/erts-1/bin/erlexec; do "
        + "printf '#!/bin/sh\\necho cannot load libcrypto.so.9\\nexit 1\\n' > $f; chmod +x $f; done; "
        + "tar -czf a x", "does not run here: cannot load libcrypto.so.9"
    ),
    (
      "an Install that fails",
      "mkdir -p x/erts-1/bin; printf '#!/bin/sh\\n' > x/erts-1/bin/erlexec; chmod +x x/erts-1/bin/*; "
        + "echo 'echo no sed; exit 3' > x/Install; tar -czf a x", "cannot be installed: no sed"
    ),
  ]

  @Test(arguments: archives)
  func refusesArchives(_ item: (name: String, script: String, outcome: String)) throws {
    let folder = try TemporaryFolder("archive", inMemory: true)
    let packing = Invocation(
      ["sh", "-ec", item.script], in: folder.path, environment: ["PATH": "/usr/bin:/bin"])
    #expect(try packing.run().isSuccess)
    let sum = Hex.encode(try SHA256.digest(ofFile: folder.path + "/a"))
    try Files.makeFolder(folder.path + "/" + Self.otp)
    try Files.rename(folder.path + "/a", to: "\(folder.path)/\(Self.otp)/OTP-25.0.tar.gz")
    try folder.write(Self.otp + "/builds.txt", "OTP-25.0 x y \(sum)\n")
    let cause = try #require(throws: Cause.self) {
      try resolve(
        "", url: "file:" + folder.path, cache: folder.path + "/cache", path: "", needsElixir: false)
    }
    #expect(cause.id == "RT-BUILD-TOOLCHAIN")
    #expect(cause.sentence.hasPrefix("OTP-25.0 " + item.outcome), "\(cause.sentence)")
    #expect(try Files.list(folder.path + "/cache").filter { $0 != "lock" } == [])
  }

  static let addresses = [
    "ftp://host/x", "host/x", "https://", "https://a b", "https://a\"\nurl = \"file:///etc/passwd",
    "file:relative", "javascript:1", "-o/etc/x", "https://host/x?y", "file://../x",
  ]

  @Test(arguments: addresses) func refusesAddresses(_ address: String) throws {
    let cause = try #require(throws: Cause.self) {
      try resolve("", url: address, cache: nil, path: "")
    }
    #expect(cause.id == "RT-BUILD-CONFIG")
    #expect(!cause.sentence.contains(address))
  }

  @Test func neverShowsAPassword() throws {
    let port = try Loopback.freePort()
    let cause = try #require(throws: Cause.self) {
      try resolve("", url: "http://me:secret@127.0.0.1:\(port)/x", cache: nil, path: "")
    }
    #expect(cause.sentence.hasPrefix("cannot fetch http://127.0.0.1:\(port)/x/elixir/builds.txt: "))
    #expect(cause.sentence.contains("onnect") && !cause.sentence.contains("secret"))
  }

  static let platforms: [(stack: String?, release: String, system: String?)] = [
    ("heroku-24", "ID=debian\nVERSION_ID=\"12\"", "ubuntu-24.04"),
    ("heroku-26", "", "ubuntu-26.04"), ("heroku-99999999999999999999", "", nil),
    ("heroku-../x", "ID=ubuntu\nVERSION_ID=\"20.04\"", "ubuntu-20.04"),
    (nil, "ID=ubuntu\nVERSION_ID=\"22.04\"\n", "ubuntu-22.04"),
    (nil, "ID=ubuntu\nVERSION_ID='23.10'\n", "ubuntu-22.04"),
    (nil, "ID=ubuntu\nVERSION_ID=18.04\n", nil),
    (nil, "NAME=x\nID=debian\nVERSION_ID=\"11\"", "ubuntu-20.04"),
    (nil, "ID=debian\nVERSION_ID=\"12\"", "ubuntu-22.04"),
    (nil, "ID=debian\nVERSION_ID=\"13\"", "ubuntu-24.04"),
    (nil, "ID=debian\nVERSION_ID=\"10\"", nil), (nil, "ID=debian", nil),
    (nil, "ID=linuxmint\nVERSION_ID=21\nUBUNTU_CODENAME=jammy", "ubuntu-22.04"),
    (nil, "ID=alpine\nVERSION_ID=3.19.1\nPRETTY_NAME=\"Alpine Linux v3.19\"", nil), (nil, "", nil),
  ]

  @Test(arguments: platforms)
  func knowsPlatforms(_ item: (stack: String?, release: String, system: String?)) {
    let platform = try? ToolchainPlatform(stack: item.stack, release: Array(item.release.utf8))
    #expect(platform?.system == item.system)
  }

  @Test func namesASystemWithoutBuilds() throws {
    let cause = try #require(throws: Cause.self) {
      try ToolchainPlatform(stack: nil, release: Array("ID=alpine\nPRETTY_NAME=\"Alpine 3\"".utf8))
    }
    #expect(cause.sentence == "there are no prebuilt Erlang and Elixir for Alpine 3")
  }
}
