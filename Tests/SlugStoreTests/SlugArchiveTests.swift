import Events
import Glibc
import Posix
import ReleaseModel
import SlugStore
import TestSupport
import Testing

/// Slugs that come as tar archives, made by the real tar; hostile ones too.
@Suite struct SlugArchiveTests {
  let release: ReleaseTree
  let folder: String

  init() throws {
    release = try ReleaseTree()
    folder = release.folder.path
    try release.folder.write("tree/" + Manifest.path, try release.manifest().bytes)
  }

  private func shell(_ script: String) throws {
    let result = try Invocation(
      ["sh", "-ec", script], in: folder,
      environment: ["PATH": Environment.current["PATH"] ?? "", "LC_ALL": "C"]
    ).run(limit: 60_000)
    if !result.isSuccess { throw Cause(.system, result.text) }
  }

  private func unpack(_ name: String = "x.tar") throws -> SlugTree {
    let archive = SlugArchive(folder + "/" + name, interrupts: nil)
    #expect(try archive.unpack(to: folder + "/scratch/1"))
    return try SlugTree.find(in: folder + "/scratch/1", called: name)
  }

  /// How a slug is packed, and where in what is unpacked it lies.
  static let packed = [
    ("tar -C tree -cf x.tar .", ""), ("tar -C tree -czf x.tar .", ""),
    ("tar -C tree -cf - . | zstd -q > x.tar", ""), ("tar -C tree -cf x.tar $(ls -A tree)", ""),
    ("mv tree app; tar -czf x.tar ./app", "/app"), ("mv tree app; tar -czf x.tar app", "/app"),
    ("mv tree app; tar --format=pax -cf x.tar app", "/app"),
    // As a stored slug is: nothing in it can be written.
    ("chmod -R a-w tree; tar -C tree -cf x.tar .; chmod -R u+w tree", ""),
  ]

  @Test(arguments: packed) func becomesTheSlugThatWasPacked(_ how: (String, String))
    throws
  {
    try release.folder.write("tree/bin/twin", "#!/bin/sh\n", mode: 0o755)
    try Files.symbolicLink(to: "../bin", at: release.tree + "/lib/link")
    try release.folder.write("tree/" + Manifest.path, try release.manifest().bytes)
    let id = try SlugTree(release.tree).id
    try shell(how.0)
    let tree = try unpack()
    #expect(tree.id == id && tree.path == folder + "/scratch/1" + how.1)
    let stored = try release.store.store(tree, provenance: ReleaseTree.provenance)
    #expect(stored.id == id && stored.isNew)
    #expect(try Files.target(ofLink: release.store.tree(id) + "/lib/link") == "../bin")
    let again = try release.store.store(tree, provenance: ReleaseTree.provenance)
    #expect(again.id == id && !again.isNew)
  }

  @Test func bitsThatAreRootsAreNotTakenAlong() throws {
    try shell(
      "ln tree/bin/demo_mix tree/bin/twin; chmod 6755 tree/bin/demo_mix; chmod 3777 tree/lib")
    try release.folder.write("tree/" + Manifest.path, try release.manifest().bytes)
    try shell("tar -C tree -cf x.tar .")
    let tree = try unpack()
    let id = try release.store.store(tree, provenance: ReleaseTree.provenance).id
    for root in [tree.path, release.store.tree(id)] {
      let odd = try FileTree.entries(of: root).filter { $0.info.mode & 0o7022 != 0 }
      #expect(odd.filter { $0.info.kind != .link }.map(\.path) == [])
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var script: String
    var id: ProblemID
    var said: String
  }

  static let hostile = [
    Case(
      testDescription: "nothing", script: ": > x.tar", id: .slugArchive,
      said: "'x.tar' cannot be unpacked: tar: This does not look like a tar archive"),
    Case(
      testDescription: "no archive", script: "cp tree/bin/demo_mix x.tar", id: .slugArchive,
      said: "'x.tar' cannot be unpacked: tar: This does not look like a tar archive"),
    Case(testDescription: "not there", script: "true", id: .slugArchive, said: "it is no file"),
    Case(
      testDescription: "a pipe", script: "mkfifo x.tar", id: .slugArchive, said: "it is no file"),
    Case(
      testDescription: "cut short",
      script: "tar -C tree -cf y.tar .; head -c 20000 y.tar > x.tar", id: .slugArchive,
      said: "tar: Unexpected EOF in archive"),
    Case(
      testDescription: "cut short and packed",
      script: "tar -C tree -czf y.tar .; head -c 2000 y.tar > x.tar", id: .slugArchive,
      said: "cannot be unpacked: "),
    Case(
      testDescription: "cut between entries",
      script: "tar -C tree -cf x.tar ./.reltui ./bin", id: .slugDamaged,
      said: "as the manifest says"),
    Case(
      testDescription: "no manifest", script: "tar -C tree -cf x.tar ./bin", id: .manifestFormat,
      said: "'x.tar' has no .reltui/manifest.json, neither at its top nor in app/"),
    Case(
      testDescription: "a link to a manifest",
      script: "cp tree/.reltui/manifest.json m; rm tree/.reltui/manifest.json;"
        + "ln -s \"$PWD/m\" tree/.reltui/manifest.json; tar -C tree -cf x.tar .",
      id: .manifestFormat, said: "has no .reltui/manifest.json"),
    Case(
      testDescription: "a link to the slug",
      script: "mkdir t; ln -s \"$PWD/tree\" t/app; tar -C t -cf x.tar .",
      id: .manifestFormat, said: "has no .reltui/manifest.json"),
    Case(
      testDescription: "an absolute name", script: "tar -P -cf x.tar \"$PWD/tree\"",
      id: .slugContent, said: "is outside the slug"),
    Case(
      testDescription: "a name that leads out",
      script: "tar -C tree -cf x.tar . --transform 's,^./Procfile$,../out,' -P; echo x > p;"
        + "tar -P --transform 's,^p$,a/../../out,' -rf x.tar p",
      id: .slugContent, said: "'a/../../out' is outside the slug"),
    Case(
      testDescription: "a file through a link",
      script: "mkdir o t t/l; ln -s \"$PWD/o\" l; echo x > t/l/f; tar -cf x.tar l;"
        + "tar -C t -rf x.tar l/f; tar -C tree -rf x.tar .", id: .slugArchive,
      said: "cannot be unpacked: tar: l/f: Cannot open"),
    Case(
      testDescription: "a hard link to what lies outside",
      script: "echo x > f; ln f g; tar -P -cf x.tar f g --transform 's,^f$,/etc/hostname,h';"
        + "tar --delete -Pf x.tar /etc/hostname; tar -C tree -rf x.tar .", id: .slugArchive,
      said: "Cannot hard link"),
    Case(
      testDescription: "a pipe inside", script: "mkfifo tree/p; tar -C tree -cf x.tar .",
      id: .slugContent, said: "the archive's './p' is neither file, folder nor link"),
    Case(
      testDescription: "a device", script: "tar -C / -cf x.tar dev/null", id: .slugContent,
      said: "the archive's 'dev/null' is neither file, folder nor link"),
    Case(
      testDescription: "a file without end",
      script: "truncate -s 9T tree/big; tar --sparse --format=pax -C tree -czf x.tar .",
      id: .slugArchive, said: "the archive has more than 2 GiB of files, unpacked"),
    Case(
      testDescription: "big files",
      script: "for i in 1 2 3; do truncate -s 1G tree/$i; done; tar -SC tree -czf x.tar .",
      id: .slugArchive, said: "the archive has more than 2 GiB of files, unpacked"),
    Case(
      testDescription: "entries without end",
      script: "mkdir -p m; touch m/f; yes m/f | head -100001 > names;"
        + "tar -czf x.tar --hard-dereference -T names", id: .slugArchive,
      said: "the archive has more than 100000 entries"),
    Case(
      testDescription: "a name without end",
      script: "(cat name; head -c 3221225472 /dev/zero) | zstd -q -1 > x.tar", id: .slugArchive,
      said: "tar: memory exhausted"),
    Case(
      testDescription: "another content",
      script: "echo more >> tree/bin/demo_mix; tar -C tree -cf x.tar .", id: .slugDamaged,
      said: "'bin/demo_mix' is not what the manifest says"),
    Case(
      testDescription: "a link in place of a folder",
      script: "mv tree/lib lib; ln -s \"$PWD/lib\" tree/lib; tar -C tree -cf x.tar .",
      id: .slugDamaged, said: "'lib' is no such folder as the manifest says"),
  ]

  /// The header of a long name (GNU's type `L`) of 3 GiB. Source: tar(5)
  private static var longName: [UInt8] {
    var header = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, at place: Int) {
      header.replaceSubrange(place..<(place + text.utf8.count), with: text.utf8)
    }
    put("././@LongLink", at: 0)
    put("0000644", at: 100)
    put("30000000000", at: 124)
    put("L", at: 156)
    put("ustar", at: 257)
    put("        ", at: 148)
    let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
    put(String(repeating: "0", count: 6 - sum.count) + sum + "\0", at: 148)
    return header
  }

  @Test(arguments: hostile) func isRefusedAndLeavesNothing(_ item: Case) throws {
    try release.folder.write("name", Self.longName)
    try shell(item.script)
    let before = try outside()
    let cause = #expect(throws: Cause.self) {
      try release.store.store(unpack(), provenance: ReleaseTree.provenance)
    }
    #expect(cause?.id == item.id.rawValue)
    #expect(cause?.sentence.contains(item.said) == true, "\(cause?.sentence ?? "")")
    #expect(try release.slugsAndNews() == [])
    #expect(try outside() == before)
  }

  /// Everything in the test's folder but the home and what was unpacked.
  private func outside() throws -> [String] {
    try FileTree.entries(of: folder, skipping: { ["home", "scratch"].contains($0) })
      .map { "\($0.path) \($0.info)" }
  }

  /// What lies in a tree outside of the slug's identity, and what is said of one that cannot be read.
  static let beside: [(path: String, limit: String, size: Int, id: ProblemID)] = [
    (SlugRecord.path + ":1", "1 MiB", 1 << 20, .slugRecord),
    (Provenance.path, "64 KiB", 64 << 10, .slugProvenance),
  ]

  private static func read(_ path: String, of tree: SlugTree) throws(Cause) -> [UInt8]? {
    path == Provenance.path ? try tree.provenance()?.bytes : try tree.record()
  }

  @Test(arguments: beside.indices) func isNoPartOfTheSlug(_ index: Int) throws {
    let (said, limit, size, id) = Self.beside[index]
    let name = said.replacing(":1", with: "")
    let before = try release.manifest()
    #expect(try Self.read(name, of: SlugTree(release.tree)) == nil)
    let path = release.tree + "/" + name
    let bytes = ReleaseTree.provenance.bytes
    try File.open(path, .create).write(bytes)
    #expect(try release.manifest() == before)
    #expect(try Self.read(name, of: SlugTree(release.tree)) == bytes)
    let stored = try release.store.store(
      SlugTree(release.tree), provenance: ReleaseTree.provenance)
    #expect(!Files.exists(release.store.tree(stored.id) + "/" + name))
    let wrong: [(String, (String) throws -> Void)] = [
      (
        "the file is longer than \(limit)",
        { try File.open($0, .create).write([UInt8](repeating: 10, count: size + 1)) }
      ),
      ("it is no file", { try Files.symbolicLink(to: "/etc/passwd", at: $0) }),
      ("it is no file", { try Files.makeFolder($0) }),
      ("it is no file", { mkfifo($0, 0o644) }),
    ]
    for (fault, make) in wrong {
      try Files.remove(path)
      try make(path)
      let cause = #expect(throws: Cause.self) {
        try Self.read(name, of: SlugTree(release.tree))
      }
      #expect(cause?.sentence == "\(said): \(fault)")
      #expect(cause?.id == id.rawValue)
    }
  }
}
