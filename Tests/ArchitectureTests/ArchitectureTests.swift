import Foundation
import Testing

/// The table of rooms and their arrows in docs/architecture.md against what the package says of itself.
struct ArchitectureTests {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  struct Package: Decodable {
    struct Target: Decodable {
      var name: String
      var type: String
      var imports: [String]?

      enum CodingKeys: String, CodingKey {
        case name, type
        case imports = "target_dependencies"
      }
    }
    var targets: [Target]
    var dependencies: [[String: String]]
  }

  static func describe() throws -> Package {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    // A scratch folder of its own: the one of the running test is locked.
    let scratch = FileManager.default.temporaryDirectory.appending(
      path: "describe-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: scratch) }
    process.arguments = [
      "swift", "package", "--package-path", root.path, "--scratch-path", scratch.path, "describe",
      "--type", "json",
    ]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return try JSONDecoder().decode(Package.self, from: data)
  }

  struct Row: Equatable {
    var layer: String
    var name: String
    var imports: Set<String>
  }

  /// `| layer | `Room` | job | `Import`, `Import` |`; an empty layer repeats the one above.
  static func documented() throws -> [Row] {
    let text = try String(contentsOf: root.appending(path: "docs/architecture.md"), encoding: .utf8)
    var layer = ""
    return text.split(separator: "\n").compactMap { line in
      let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      guard cells.count == 6, cells[2].hasPrefix("`") else { return nil }
      if !cells[1].isEmpty { layer = cells[1] }
      let imports = cells[4].split(separator: ",").map {
        $0.trimmingCharacters(in: CharacterSet(charactersIn: " `–"))
      }.filter { !$0.isEmpty }
      let name = cells[2].trimmingCharacters(in: CharacterSet(charactersIn: "`"))
      return Row(layer: layer, name: name, imports: Set(imports))
    }
  }

  @Test func theRoomsAreThoseOfTheDocument() throws {
    let package = try Self.describe()
    let described = package.targets.filter { $0.type != "test" && $0.name != "TestSupport" }
      .map { "\($0.name): \(($0.imports ?? []).sorted().joined(separator: " "))" }
    let documented = try Self.documented()
      .map { "\($0.name): \($0.imports.sorted().joined(separator: " "))" }
    #expect(described.sorted() == documented.sorted())
    #expect(package.dependencies.isEmpty, "no SwiftPM packages")
  }

  @Test func arrowsPointDown() throws {
    let rows = try Self.documented()
    let order = Dictionary(uniqueKeysWithValues: rows.enumerated().map { ($1.name, $0) })
    let upward = rows.flatMap { row in
      row.imports.filter { (order[$0] ?? .max) >= (order[row.name] ?? -1) }.map {
        "\(row.name) → \($0)"
      }
    }
    #expect(upward.isEmpty, "a room imports only what stands above it in the table, a lower layer")
  }

  /// Values of config vars are masked there; who appended by itself would go around it.
  @Test func onlyTheJournalWritesEvents() throws {
    let sources = Self.root.appending(path: "Sources")
    var writers: Set<String> = []
    for row in try Self.documented() {
      for case let file as URL in FileManager.default.enumerator(
        at: sources.appending(path: row.name), includingPropertiesForKeys: nil)!
      where file.pathExtension == "swift" {
        if try String(contentsOf: file, encoding: .utf8).contains("NewEvent(") {
          writers.insert(row.name)
        }
      }
    }
    #expect(writers.subtracting(["EventLog", "relbench"]) == ["Journal"])
  }

  /// Every file that the page names is there, and none stands twice in one way through the code.
  @Test func thePageNamesFilesThatAreThere() throws {
    let page = try String(
      contentsOf: Self.root.appending(path: "docs/architecture.md"), encoding: .utf8)
    let files = page.matches(of: /`([A-Za-z]+\/[A-Za-z\/]+\.swift)`/).map { String($0.1) }
    #expect(files.count > 25)
    for file in files {
      let path = Self.root.appending(path: "Sources/\(file)").path
      #expect(FileManager.default.fileExists(atPath: path), "\(file)")
    }
    let ways = page.matches(of: /(?:\n[0-9]+\. [^\n]*)+/).map { String($0.0) }
    #expect(ways.count == 3)
    for way in ways {
      let named = way.matches(of: /`([A-Za-z]+\/[A-Za-z\/]+\.swift)`/).map { String($0.1) }
      #expect(Set(named).count == named.count && way.split(separator: "\n").count <= 10)
    }
  }

  /// What a file imports must be an arrow of its room, or one reached through its arrows.
  @Test func filesImportWhatTheirRoomMay() throws {
    let rows = try Self.documented()
    let arrows = Dictionary(uniqueKeysWithValues: rows.map { ($0.name, $0.imports) })
    func reachable(_ name: String) -> Set<String> {
      (arrows[name] ?? []).reduce(into: arrows[name] ?? []) { $0.formUnion(reachable($1)) }
    }
    var wrong: [String] = []
    for row in rows {
      let folder = Self.root.appending(path: "Sources/\(row.name)")
      let allowed = reachable(row.name)
      for case let file as URL in FileManager.default.enumerator(
        at: folder, includingPropertiesForKeys: nil)!
      where file.pathExtension == "swift" {
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
          guard let word = line.firstMatch(of: /^(?:@_exported )?import (\w+)/)?.1 else { continue }
          let name = String(word)
          let isOurs = arrows[name] != nil
          let isFoundation = name.hasPrefix("Foundation")
          let mayUseFoundation =
            name == "FoundationEssentials" && allowed.union([row.name]).contains("JSONText")
          if isOurs && !allowed.contains(name) || isFoundation && !mayUseFoundation {
            wrong.append("\(row.name)/\(file.lastPathComponent): \(name)")
          }
        }
      }
    }
    #expect(wrong.isEmpty)
  }
}
