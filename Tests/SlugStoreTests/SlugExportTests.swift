import Events
import Glibc
import HomeLayout
import Posix
import ReleaseModel
import SlugStore
import TestSupport
import Testing

@Suite struct SlugExportTests {
  let release: ReleaseTree
  let id: String
  let signals: Signals

  init() throws {
    release = try ReleaseTree()
    try release.folder.write("tree/bin/twin", "#!/bin/sh\n", mode: 0o755)
    try Files.symbolicLink(to: "events.jsonl", at: release.tree + "/link")
    try release.folder.write("tree/provenance.json", "of the release's own")
    id = try release.store()
    signals = try Signals([.usr2])
  }

  private func tar(_ words: String...) throws -> Invocation.Result {
    try Invocation(
      ["tar"] + words, in: release.folder.path,
      environment: ["PATH": Invocation.standardPath, "LC_ALL": "C"]
    ).run()
  }

  private func export(
    _ name: String, _ store: StoredSlugs? = nil, _ compression: SlugExport.Compression = .gzip
  )
    throws -> [UInt8]
  {
    let path = release.folder.path + "/" + name
    let export = SlugExport(id, of: store ?? release.store, compression)
    #expect(try export.write(to: path, interrupts: signals))
    return try Files.read(path)
  }

  @Test func theSameSlugGivesTheSameBytes() throws {
    let bytes = try export("x.tgz")
    #expect(try export("y.tgz") == bytes)
    // A copy of the home has no hard links, other times and other modes.
    let copy = Home(root: release.folder.path + "/copy")
    try FileTree.copy(release.home.root, to: copy.root)
    #expect(try export("z.tgz", StoredSlugs(home: copy)) == bytes)
    let lines = try tar("-tvf", "x.tgz", "--full-time", "--numeric-owner").text.split(
      separator: "\n")
    let names = lines.compactMap { $0.split(separator: " ").dropFirst(5).first.map(String.init) }
    #expect(names.first == "./" && names.allSatisfy { $0.hasPrefix("./") })
    let tree = names.dropLast()
    #expect(tree == ArraySlice(tree.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }))
    #expect(names.last == "./" + Provenance.path)
    for line in lines {
      #expect(line.contains(" 0/0 ") && line.contains(" 2000-01-01 00:00:00 "), "\(line)")
      #expect(["-rw-r--r--", "-rwxr-xr-x", "drwxr-xr-x", "lrwxrwxrwx"].contains(line.prefix(10)))
    }
    #expect(!lines.contains { $0.hasPrefix("h") })
    #expect(try Files.list(release.folder.path).filter { $0.contains(".new-") } == [])
  }

  @Test(arguments: [SlugExport.Compression.gzip, .zstd])
  func whatWasExportedIsTheSlugAgain(_ compression: SlugExport.Compression) throws {
    let record = Array("a line\n".utf8)
    for hasRecord in [false, true] {
      if hasRecord { try release.store.keepRecord(record, of: id) }
      _ = try export("x", nil, compression)
      let folder = release.folder.path + "/unpacked-\(hasRecord)"
      #expect(try SlugArchive(release.folder.path + "/x", interrupts: nil).unpack(to: folder))
      let tree = try SlugTree.find(in: folder, called: "x")
      #expect(try tree.id == id && tree.record() == (hasRecord ? record : nil))
      #expect(try tree.provenance() == ReleaseTree.provenance)
      #expect(try Files.target(ofLink: folder + "/link") == "events.jsonl")
      let other = StoredSlugs(home: Home(root: release.folder.path + "/other-\(hasRecord)"))
      #expect(try other.store(tree, provenance: ReleaseTree.provenance).id == id)
    }
  }

  @Test func anOpenFileGetsTheSame() throws {
    let bytes = try export("x.tgz")
    let path = release.folder.path + "/out"
    try SlugExport(id, of: release.store, .gzip).write(to: try File.open(path, .create))
    #expect(try Files.read(path) == bytes)
  }

  @Test func whatFailsLeavesTheOldFile() throws {
    let path = release.folder.path + "/x"
    try Files.replace(path, with: [1])
    let missing = SlugExport(String(repeating: "0", count: 64), of: release.store, .gzip)
    let cause = #expect(throws: Cause.self) { try missing.write(to: path, interrupts: signals) }
    #expect(cause?.id == "RT-SLUG-ARCHIVE" && cause?.sentence.contains("tar: ") == true)
    #expect(try Files.read(path) == [1])
    for other in ["/dev/null", release.folder.path] {
      let export = SlugExport(id, of: release.store, .gzip)
      #expect(throws: Cause.self) { try export.write(to: other, interrupts: signals) }
      #expect(Files.exists(other))
    }
    #expect(try Files.list(release.folder.path).filter { $0.contains(".new-") } == [])
  }
}
