import Posix
import ReleaseModel
import SlugStore
import TestSupport
import Testing

/// The shared libraries of a host, in a folder that stands for its root.
@Suite struct HostLibrariesTests {
  private let root: TemporaryFolder

  init() throws { root = try TemporaryFolder("host", inMemory: true) }

  private func libraries() -> HostLibraries { HostLibraries(root: root.path) }

  private func addCLibrary(_ versions: [String]) throws {
    let image = ELFImage(machine: NativeCodeTests.host, defined: versions)
    try root.write("lib64/libc.so.6", image.bytes)
  }

  static let versions: [([String], String?)] = [
    (["libc.so.6", "GLIBC_2.2.5", "GLIBC_2.36", "GLIBC_2.4", "GLIBC_PRIVATE"], "2.36"),
    (["GLIBC_2.9"], "2.9"), (["libc.so.6"], nil), ([], nil),
  ]

  @Test(arguments: versions) func theVersionOfTheCLibrary(names: [String], version: String?) throws
  {
    try addCLibrary(names)
    #expect(libraries().glibc?.description == version)
  }

  @Test func looksWhereTheLoaderDoes() throws {
    try addCLibrary([])
    try root.write("usr/lib/libz.so.1", "")
    try root.write("opt/here/liba.so", "")
    try root.write("opt/there/libb.so", "")
    try root.write("etc/ld.so.conf", "# /opt/no\ninclude ld.so.conf.d/*.conf\n/opt/here # x\n")
    try root.write("etc/ld.so.conf.d/b.conf", "/opt/there\ninclude /etc/ld.so.conf\n")
    try root.write("etc/ld.so.conf.d/b.old", "/opt/no\n")
    try root.write("opt/no/libc.so", "")
    let found = libraries()
    for (name, isThere) in [
      ("libc.so.6", true), ("libz.so.1", true), ("liba.so", true), ("libb.so", true),
      ("libc.so", false), ("libz.so.2", false), ("/lib64/libc.so.6", nil), ("", nil), ("..", nil),
    ] as [(String, Bool?)] { #expect(found.has(name) == isThere, "\(name)") }
  }

  /// Without a C library in the known places, nothing is known of the others.
  @Test func anotherKindOfHost() throws {
    try root.write("usr/lib/libz.so.1", "")
    #expect(libraries().has("libz.so.1") == true && libraries().has("libz.so.2") == nil)
    #expect(libraries().glibc == nil)
    try root.write("lib64/libc.so.6", "no ELF")
    #expect(libraries().glibc == nil)
  }

  /// This host's own, asked another way.
  @Test func thisHost() throws {
    let answer = try Invocation(
      ["getconf", "GNU_LIBC_VERSION"], environment: ["PATH": Invocation.standardPath]
    ).run()
    let version = answer.text.split(whereSeparator: \.isWhitespace).last.map(String.init)
    #expect(HostLibraries().glibc?.description == version)
    #expect(HostLibraries().has("libm.so.6") == true)
  }
}
