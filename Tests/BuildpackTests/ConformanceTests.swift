import Buildpack
import JSONText
import Journal
import Posix
import ReleaseModel
import SlugStore
import TestSupport
import Testing

/// The packaged buildpack on each kind of project, as a platform runs it, and the slug as a platform starts it.
@Suite(.waitsForPrograms) struct ConformanceTests {
  struct Built {
    var lines: [String]
    var manifest: Manifest
    var id: String
  }

  /// Builds cold; then in another folder after a change of one line that keeps sizes and times; then unchanged again in a
  /// third folder, which must give the first slug.
  @Test(arguments: Sample.all) func buildsTheSameSlugAnywhereAndNeverAStaleOne(_ sample: Sample)
    throws
  {
    let host = try BuildHost(sample)
    let source = try host.unpack("source")
    let detected = try host.run("detect", [source])
    #expect(detected.lines == [sample.language] && detected.exit == .code(0))
    let first = try build(host, source, umask: "022")
    try checkOutput(first, sample)
    try checkTree(source, first.manifest, sample)
    try checkReport(host, source, first)

    let changed = try host.unpack("other/place/of/another/length", change: sample.change)
    let second = try build(host, changed, umask: "077")
    let third = try build(host, host.unpack("c"), umask: "002")
    #expect(differences(first.manifest, third.manifest) == [])
    #expect(third.id == first.id && second.id != first.id)

    #expect(try Canary.found(in: host.cache) == [])
    #expect(try Canary.found(in: host.home) == [])
    #expect(try Canary.found(in: changed) == [])
    try boot(host, changed)
  }

  @Test(arguments: Sample.all.filter { ["pebble", "sprout"].contains($0.name) })
  func keepsTheCacheWhenABuildFails(_ sample: Sample) throws {
    let host = try BuildHost(sample)
    _ = try build(host, try host.unpack("source"), umask: "022")
    let before = try snapshot(host.cache)
    let broken = try host.unpack("broken") {
      try replace(in: $0 + "/" + sample.constant, "\n", "\n)")
    }
    #expect(try host.compile(broken).exit == .code(1))
    #expect(try snapshot(host.cache) == before && !before.isEmpty)
  }

  private func snapshot(_ folder: String) throws -> [String] {
    try FileTree.entries(of: folder).filter { $0.info.kind == .file }.map { entry in
      "\(entry.path) \(Hex.encode(try SHA256.digest(ofFile: folder + "/" + entry.path)))"
    }
  }

  private func build(_ host: BuildHost, _ source: String, umask: String) throws -> Built {
    let result = try host.compile(
      source, umask: umask,
      environment: ["RELTUI_HOME": host.home + "/reltui", "RELPACK_APP": "sample"])
    try #require(result.exit == .code(0), "\(result.lines.joined(separator: "\n"))")
    #expect(badLines(result.lines) == [])
    let bytes = try Files.read(source + "/" + Manifest.path)
    return Built(
      lines: result.lines, manifest: try Manifest(bytes: bytes),
      id: Hex.encode(SHA256.digest(bytes)))
  }

  private func checkOutput(_ built: Built, _ sample: Sample) throws {
    #expect(sample.says.filter { !built.lines.contains($0) } == [])
    #expect(built.lines.last?.hasPrefix("-----> Slug \(built.id.prefix(12)) built in ") == true)
    #expect(
      built.lines.contains(
        " !     the config var CANARY_BYTES is left out of the build: it is not UTF-8"))
    #expect(
      built.lines.contains { $0.contains("CANARY_BIG is left out of the build: it is longer") })
  }

  private func checkTree(_ tree: String, _ manifest: Manifest, _ sample: Sample) throws {
    let found = try FileTree.entries(
      of: tree, skipping: { [Manifest.path, Provenance.path].contains($0) })
    #expect(manifest.files.map(\.path) == found.map(\.path))
    #expect(Set(sample.holds).subtracting(found.map(\.path)) == [])
    #expect(manifest.processes.map(\.process) == sample.processes)
    let strangers = found.map(\.path).filter { path in
      ["/COOKIE", ".ex", ".erl", ".c", ".tar.gz", "mix.exs", "mix.lock"].contains {
        path.hasSuffix($0)
      } || path.contains("_build") || path.contains(".relpack") || path.contains("node_modules")
    }
    #expect(strangers == [])
    #expect(try Canary.found(in: tree) == [])
  }

  private func checkReport(_ host: BuildHost, _ source: String, _ built: Built) throws {
    let report = try host.run("report", [source, host.cache, host.variables])
    #expect(report.exit == .code(0))
    let facts = try flatJSON(report.lines)
    #expect(facts["slug"] == .text(built.id))
    #expect(!report.lines.joined().contains(Canary.word))
  }

  private func differences(_ one: Manifest, _ other: Manifest) -> [String] {
    let (left, right) = (Set(one.files), Set(other.files))
    return Set(left.symmetricDifference(right).map(\.path)).sorted()
  }

  /// Starts the slug in another folder, without the source, the cache and the tools that built it.
  private func boot(_ host: BuildHost, _ source: String) throws {
    let sample = host.sample
    // With the arguments of Heroku and of herokuish.
    let released = try host.run("release", [source])
    #expect(try host.run("release", [source, host.cache]).lines == released.lines)
    let types = try processTypes(released.lines)
    #expect(types.map(\.name) == sample.processes)
    let tree = host.folder.path + "/app"
    try Files.rename(source, to: tree)
    for place in ["source", "other", "c", "caches", "remote.git", "work"] {
      try Files.remove(host.folder.path + "/" + place)
    }
    let slug = try SlugHost(tree: tree, folder: host.folder.path, variables: sample.variables)
    defer { slug.stop() }
    #expect(throws: PosixError.self) {
      try Invocation(["erl"], environment: slug.environment).program()
    }
    let command = try #require(types.first?.command)
    let script = "for f in .profile.d/*.sh; do [ ! -e $f ] || . ./$f; done; exec \(command)"
    var start = slug.command("sh", "-c", script, change: ["HOME": tree])
    start.directory = tree
    try slug.started(start, as: BuildHost.user, answer: sample.answer)
  }

  /// Of the YAML that `bin/release` prints.
  private func processTypes(_ lines: [String]) throws -> [(name: String, command: String)] {
    #expect(lines.prefix(2) == ["---", "default_process_types:"])
    return try lines.dropFirst(2).map { line in
      let parts = line.split(separator: ":", maxSplits: 1).map { $0.drop { $0 == " " } }
      try #require(parts.count == 2, "\(line)")
      return (String(parts[0]), try JSON.decode(String.self, from: Array(parts[1].utf8)))
    }
  }
}

/// A fact of `bin/report`: a text, a number or a truth value, and nothing deeper.
enum Fact: Decodable, Equatable {
  case text(String)
  case number(Int)
  case truth(Bool)

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let truth = try? container.decode(Bool.self) {
      self = .truth(truth)
    } else if let number = try? container.decode(Int.self) {
      self = .number(number)
    } else {
      self = .text(try container.decode(String.self))
    }
  }
}

func flatJSON(_ lines: [String]) throws -> [String: Fact] {
  #expect(lines.count == 1)
  return try JSON.decode([String: Fact].self, from: Array((lines.first ?? "").utf8))
}
