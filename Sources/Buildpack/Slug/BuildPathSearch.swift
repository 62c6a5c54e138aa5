import Posix
import SlugStore

/// Looks for paths of the build's folder in a slug that its code would look for in vain when it runs.
///
/// Most such paths do no harm, and their owner can do nothing about them: macros of Phoenix and Ecto keep where the
/// source lies that uses them, stack traces name files, configuration of esbuild says where assets are. So only the
/// project's own code and configuration is looked at, and only what is neither source nor needed to build alone.
struct BuildPathSearch {
  struct Finding: Hashable {
    /// Relative to the slug.
    var file: String
    /// Relative to the source, or what the path is of.
    var path: String
  }

  private let folder: WorkFolder
  private let own: Set<String>
  private let root: [UInt8]

  /// - Parameters:
  ///   - folder: as compilers saw it.
  ///   - own: names of the project's own applications.
  init(_ folder: WorkFolder, own: Set<String>) {
    (self.folder, self.own, root) = (folder, own, Array(folder.root.utf8))
  }

  /// - Parameter pass: what its compiled modules hold, unpacked.
  func findings(in slug: String, _ pass: BeamPass.Result) throws(PosixError) -> [Finding] {
    var found: [Finding] = []
    for module in pass.modules where isOwn(module.file) {
      found += paths(in: module.bytes).map { Finding(file: module.file, path: $0) }
    }
    for entry in try FileTree.entries(of: slug)
    where entry.info.kind == .file && Files.name(of: entry.path) == "sys.config" {
      let bytes = try File.open(slug + "/" + entry.path, .read).readWhole()
      found += paths(in: bytes + SlugSearch.listed(bytes)).map {
        Finding(file: entry.path, path: $0)
      }
    }
    return found
  }

  /// One line about all of them; nil where there are none.
  static func line(_ findings: [Finding]) -> String? {
    guard let first = findings.first else { return nil }
    let more = findings.count > 1 ? ", and there are \(findings.count - 1) more" : ""
    return
      "\(first.file) holds the path of \(first.path) in the build's folder, which is not there when it "
      + "runs\(more): use Application.app_dir"
  }

  private func isOwn(_ file: String) -> Bool {
    BeamPass.application(of: file).map { own.contains($0) } ?? false
  }

  /// Those that will be missed, each once.
  func paths(in bytes: [UInt8]) -> [String] {
    guard bytes.contains(part: root) else { return [] }
    var found: [String] = []
    var next = bytes.firstIndex(of: UInt8(ascii: "/"), from: 0)
    while let place = next {
      next = bytes.firstIndex(of: UInt8(ascii: "/"), from: place + 1)
      guard bytes.has(root, at: place) else { continue }
      let rest = bytes[(place + root.count)...].prefix { Self.isPart($0) }
      if let path = missed(String(decoding: rest, as: UTF8.self)), !found.contains(path) {
        found.append(path)
      }
    }
    return found
  }

  /// A character of a path, as far as terms and texts let a path be told from what follows.
  private static func isPart(_ byte: UInt8) -> Bool {
    byte > 32 && byte < 127 && !"\"'<>|:;,()[]{}".utf8.contains(byte)
  }

  /// Folders with what is there for the build alone.
  private static let buildOnly: Set<String> = [
    "lib", "src", "web", "deps", "assets", "config", "test", "node_modules",
  ]

  /// - Parameter rest: behind the root: `/app/priv/words.txt`.
  /// - Returns: nil where no harm is done.
  private func missed(_ rest: String) -> String? {
    let parts = rest.split(separator: "/")
    switch (rest.first, parts.first) {
    case (nil, _): return "everything"
    case ("/", "app"):
      let path = parts.dropFirst()
      if path.contains(where: { Self.buildOnly.contains(String($0)) }) { return nil }
      return path.isEmpty ? "the source" : path.joined(separator: "/")
    case ("/", "build"): return parts.joined(separator: "/")
    // Another folder with a longer name, or one that is gone for everybody.
    default: return nil
    }
  }
}
