import Posix

/// A search in a slug for paths of the build's folder that the code would not find when it runs.
///
/// Most such paths do no harm and cannot be avoided: macros of Phoenix and Ecto keep the path of the source that uses
/// them, stack traces name files, configuration of esbuild says where assets are. So only the project's own code and
/// configuration is searched, and paths of source files and of files that only a build needs are ignored.
struct BuildPathSearch {
  /// A path of the build's folder in a file of the slug.
  struct BuildPath: Hashable {
    var file: String
    /// Relative to the source, or a word for the whole folder.
    var path: String
  }

  private let folder: WorkFolder
  private let own: Set<String>
  private let root: [UInt8]

  /// - Parameter folder: the work folder, with the paths that the compilers saw.
  init(_ folder: WorkFolder, own: Set<String>) {
    (self.folder, self.own, root) = (folder, own, Array(folder.root.utf8))
  }

  func buildPaths(in slug: String, _ beams: BeamStripper.Result) throws(PosixError) -> [BuildPath] {
    var found: [BuildPath] = []
    for module in beams.modules where isOwn(module.file) {
      found += paths(in: module.bytes).map { BuildPath(file: module.file, path: $0) }
    }
    for entry in try FileTree.entries(of: slug)
    where entry.info.kind == .file && Files.name(of: entry.path) == "sys.config" {
      let bytes = try File.open(slug + "/" + entry.path, .read).readWhole()
      found += paths(in: bytes + SlugSearch.listed(bytes)).map {
        BuildPath(file: entry.path, path: $0)
      }
    }
    return found
  }

  /// One line about all of them; nil if there are none.
  static func line(_ paths: [BuildPath]) -> String? {
    guard let first = paths.first else { return nil }
    let more = paths.count > 1 ? ", and there are \(paths.count - 1) more" : ""
    return
      "\(first.file) holds the path of \(first.path) in the build's folder, which is not there when it "
      + "runs\(more): use Application.app_dir"
  }

  private func isOwn(_ file: String) -> Bool {
    BeamStripper.application(of: file).map { own.contains($0) } ?? false
  }

  /// The paths in the bytes that the code will not find, each once.
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

  /// Whether a byte may belong to a path. In terms and texts a path ends at a space, a quote or a bracket.
  private static func isPart(_ byte: UInt8) -> Bool {
    byte > 32 && byte < 127 && !"\"'<>|:;,()[]{}".utf8.contains(byte)
  }

  private static let buildOnly: Set<String> = [
    "lib", "src", "web", "deps", "assets", "config", "test", "node_modules",
  ]

  /// - Parameter rest: the part after the root, such as `/app/priv/words.txt`.
  private func missed(_ rest: String) -> String? {
    let parts = rest.split(separator: "/")
    switch (rest.first, parts.first) {
    case (nil, _): return "everything"
    case ("/", "app"):
      let path = parts.dropFirst()
      if path.contains(where: { Self.buildOnly.contains(String($0)) }) { return nil }
      return path.isEmpty ? "the source" : path.joined(separator: "/")
    case ("/", "build"): return parts.joined(separator: "/")
    // Another folder with a longer name, or one that only exists while the build runs.
    default: return nil
    }
  }
}
