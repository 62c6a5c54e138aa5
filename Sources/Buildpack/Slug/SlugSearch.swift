import Posix
import SlugStore

/// Looks through a finished slug for what must not be in it: values of config vars, which would be baked into it for
/// all apps that it is for, and the path of the build's folder, which is gone when it runs.
///
/// It sees values as they are, one with quotes and line ends escaped as in strings of JSON and Erlang, and single lines
/// of long ones. One that was packed or written in another way (base64, hexadecimal digits) is not seen.
public struct SlugSearch {
  private enum Label: Hashable, Sendable {
    case variable(String)
    case buildPath
  }

  private let search: ByteSearch<Label>

  /// - Parameters:
  ///   - paths: absolute; one that is too short to mean anything, or that platforms run slugs in, is passed over.
  public init(_ config: ConfigSet, buildPaths paths: [String]) {
    let values = Mask.texts(of: config).map {
      (label: Label.variable($0.name), bytes: Array($0.text.utf8))
    }
    let folders = paths.filter { $0.utf8.count >= 8 && !$0.hasPrefix("/app/") }
    search = ByteSearch(
      values + folders.map { (label: .buildPath, bytes: Array(($0 + "/").utf8)) })
  }

  /// - Parameters:
  ///   - slug: the tree.
  ///   - pass: what its compiled modules hold, unpacked.
  ///   - toolchain: names of applications that were there before the build.
  ///   - source: a value that stands in there anyway was not brought in by configuration.
  ///   - isSource: whether a file of it, with this content, was there before the build; of dependencies that it has
  ///     fetched nobody asks.
  /// - Returns: sorted by file; of each variable in a file one.
  public func findings(
    in slug: String, _ pass: BeamPass.Result?, toolchain: Set<String>, source: String,
    isSource: (_ path: String, _ bytes: [UInt8]) -> Bool
  ) throws(PosixError) -> [SlugFinding] {
    if search.isEmpty { return [] }
    var hits: [(file: String, texts: Set<ByteSearch<Label>.Text>)] = []
    func note(_ file: String, _ bytes: [UInt8]) {
      let texts = search.found(in: bytes)
      if !texts.isEmpty { hits.append((file, texts)) }
    }
    for module in pass?.modules ?? [] { note(module.file, module.bytes) }
    let unpacked = Set(pass?.modules.map(\.file) ?? [])
    for entry in try FileTree.entries(of: slug) where entry.info.kind == .file {
      if unpacked.contains(entry.path) || Self.isToolchain(entry.path, toolchain) { continue }
      let bytes = try File.open(slug + "/" + entry.path, .read).readWhole()
      note(entry.path, entry.path.hasSuffix(".config") ? bytes + Self.listed(bytes) : bytes)
    }
    if hits.isEmpty { return [] }
    let values = hits.reduce(into: Set()) { $0.formUnion($1.texts) }
      .filter { $0.label != .buildPath }
    let known = try inSource(source, isSource, values)
    let labels = hits.flatMap { hit in
      Set(hit.texts.subtracting(known).map(\.label)).map { (hit.file, $0) }
    }
    return labels.map { file, label in
      switch label {
      case .variable(let name): SlugFinding.value(variable: name, file: file)
      case .buildPath: .buildPath(file: file)
      }
    }.sorted { $0.order < $1.order }
  }

  /// What stands in Erlang terms as a list of numbers: mix writes texts in `sys.config` as `<<104,97,108,108,111>>`.
  static func listed(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var number: Int?
    for byte in bytes + [0] {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        number = min((number ?? 0) * 10 + Int(byte - UInt8(ascii: "0")), 1000)
      case UInt8(ascii: ","), UInt8(ascii: " "), UInt8(ascii: "\n"):
        if let code = number.flatMap({ UInt8(exactly: $0) }) { result.append(code) }
        number = nil
      default:
        if let code = number.flatMap({ UInt8(exactly: $0) }) { result.append(code) }
        number = nil
        // What is in two lists is no text.
        if result.last != 0 { result.append(0) }
      }
    }
    return result
  }

  /// In `deps/`; its `priv` may have been made when it was compiled.
  private static func isFetched(_ path: String) -> Bool {
    let parts = path.split(separator: "/")
    return parts.count > 2 && parts[0] == "deps" && parts[2] != "priv"
  }

  /// `erts-VSN` and `lib/NAME-VSN` of a release; what has such a name elsewhere is the project's own.
  private static func isToolchain(_ path: String, _ names: Set<String>) -> Bool {
    var parts = path.split(separator: "/")[...]
    if parts.first == ManifestBuilder.folder[...] { parts = parts.dropFirst(2) }
    func isVersioned(_ part: Substring?, _ names: Set<String>) -> Bool {
      guard let part, let dash = part.lastIndex(of: "-") else { return false }
      return names.contains(String(part[..<dash]))
        && part[part.index(after: dash)...].first?.isNumber == true
    }
    if isVersioned(parts.first, ["erts"]) { return true }
    return parts.first == "lib" && isVersioned(parts.dropFirst().first, names)
  }

  /// Folders in which results of builds lie, also of earlier ones with other values.
  private static let results: Set<String> = ["_build", ".git", "node_modules"]

  /// Those of the texts that stand in the source, dependencies that the build has fetched included.
  private func inSource(
    _ source: String, _ isSource: (String, [UInt8]) -> Bool,
    _ texts: Set<ByteSearch<Label>.Text>
  ) throws(PosixError) -> Set<ByteSearch<Label>.Text> {
    let search = ByteSearch(only: texts)
    var found: Set<ByteSearch<Label>.Text> = []
    let entries = try FileTree.entries(of: source, skippingOthers: true) { path in
      let name = Files.name(of: path)
      return Self.results.contains(name) || name.hasPrefix(".relpack-")
    }
    for entry in entries where entry.info.kind == .file && found.count < texts.count {
      let bytes = try File.open(source + "/" + entry.path, .read).readWhole()
      if Self.isFetched(entry.path) || isSource(entry.path, bytes) {
        found.formUnion(search.found(in: bytes))
      }
    }
    return found
  }
}

extension SlugFinding {
  fileprivate var order: (String, String) {
    switch self {
    case .value(let variable, let file): (file, variable)
    case .buildPath(let file), .cookie(let file, _): (file, "")
    case .native: ("", "")
    }
  }
}
