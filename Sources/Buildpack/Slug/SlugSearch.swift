import Posix
import Redaction
import ReleaseModel
import SlugStore

/// A search in a finished slug for values of config vars, which must not be compiled into it.
///
/// It finds a value as it is, a value with quotes and line ends escaped as in strings of JSON and Erlang, and single
/// lines of a long value. It does not find a value that is compressed or encoded (base64, hexadecimal digits).
///
/// A value that is also in the source or in the toolchain does not count, since it did not come from the config var:
/// `supervisor` is an atom of Erlang. A value that does not look like a secret (`SecretLook`) does not count in files
/// that mix, relx or OTP wrote, nor anywhere if it is a word of their start scripts.
public struct SlugSearch {
  /// Each text is labelled with the name of its variable.
  private typealias Texts = Set<ByteSearch<String>.Text>

  private let search: ByteSearch<String>
  private let looks: [String: SecretLook]

  public init(_ config: ConfigSet) {
    search = ByteSearch(
      Redactor.texts(of: config).map { (label: $0.name, bytes: Array($0.text.utf8)) })
    let looks = config.values.map { ($0, SecretLook(name: $0, value: $1)) }
    self.looks = Dictionary(uniqueKeysWithValues: looks).compactMapValues { $0 }
  }

  /// The places from which the words of a slug may have come, besides config vars.
  public struct Origin {
    var source: String
    /// A folder with fetched dependencies outside of the source.
    var fetched: String?
    /// Names of applications that come with Erlang and Elixir.
    var toolchain: Set<String>
    var releases: [OTPRelease] = []
    /// Whether a file of the source had this content before the build.
    var isSource: (_ path: String, _ bytes: [UInt8]) -> Bool
  }

  /// - Parameter beams: the slug's compiled modules, unpacked.
  /// - Returns: one finding for each variable in a file, sorted by file.
  public func findings(in slug: String, _ beams: BeamStripper.Result?, _ origin: Origin)
    throws(PosixError) -> [SlugFinding]
  {
    if search.isEmpty { return [] }
    let hits = try hits(in: slug, beams, origin.toolchain)
    let values = hits.reduce(into: Texts()) { $0.formUnion($1.texts) }
    if hits.isEmpty { return [] }
    var (known, names) = try inSource(origin, values)
    known.formUnion(try inToolchain(slug, origin.toolchain, values.subtracting(known)))
    let written = WrittenFiles(origin.releases, templates: names)
    let own = ByteSearch(only: values).found(in: Array(written.ownText.utf8))
    let words = hits.filter { written.isScript($0.file) }.reduce(into: own) {
      $0.formUnion($1.texts)
    }
    let labels = hits.flatMap { hit in
      let isWritten = written.contains(hit.file)
      let texts = hit.texts.subtracting(known).filter {
        // A value that looks like a secret counts everywhere.
        looks[$0.label] == .value || !isWritten && !words.contains($0)
      }
      return Set(texts.map(\.label)).map { (hit.file, $0) }
    }
    return labels.map { file, name in
      looks[name] == nil
        ? SlugFinding.harmless(variable: name, file: file) : .value(variable: name, file: file)
    }.sorted { $0.order < $1.order }
  }

  private func hits(in slug: String, _ beams: BeamStripper.Result?, _ toolchain: Set<String>)
    throws(PosixError) -> [(file: String, texts: Texts)]
  {
    var hits: [(file: String, texts: Texts)] = []
    func note(_ file: String, _ bytes: [UInt8]) {
      let texts = search.found(in: bytes)
      if !texts.isEmpty { hits.append((file, texts)) }
    }
    for module in beams?.modules ?? [] { note(module.file, module.bytes) }
    let unpacked = Set(beams?.modules.map(\.file) ?? [])
    for entry in try FileTree.entries(of: slug) where entry.info.kind == .file {
      if unpacked.contains(entry.path) || Self.isToolchain(entry.path, toolchain) { continue }
      let bytes = try File.open(slug + "/" + entry.path, .read).readWhole()
      note(entry.path, entry.path.hasSuffix(".config") ? bytes + Self.listed(bytes) : bytes)
    }
    return hits
  }

  /// The texts that Erlang terms hold as lists of numbers: mix writes texts in `sys.config` as `<<104,97,108,108,111>>`.
  static func listed(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var number: Int?
    for byte in bytes + [0] {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        number = min((number ?? 0) * 10 + Int(byte - UInt8(ascii: "0")), 1000)
      default:
        if let code = number.flatMap({ UInt8(exactly: $0) }) { result.append(code) }
        number = nil
        // A text ends with its list; a zero byte separates it from the next text.
        if !", \n".utf8.contains(byte), result.last != 0 { result.append(0) }
      }
    }
    return result
  }

  /// Whether a file of `deps/` was fetched. Files in `priv` may have been made when the dependency was compiled.
  private static func isFetched(_ path: String) -> Bool {
    let parts = path.split(separator: "/")
    return parts.count > 2 && parts[0] == "deps" && parts[2] != "priv"
  }

  /// Whether a path lies in `erts-VSN` or `lib/NAME-VSN` of a release. Elsewhere such a name belongs to the project.
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

  /// Folders with results of builds, which may hold values of earlier config vars.
  private static let results: Set<String> = ["_build", ".git", "node_modules"]

  /// The texts that are in the source or in fetched dependencies, and the names of the files that are made from the
  /// source's templates.
  private func inSource(_ origin: Origin, _ texts: Texts) throws(PosixError) -> (Texts, Set<String>)
  {
    let search = ByteSearch(only: texts)
    var (found, names): (Texts, Set<String>) = ([], [])
    let entries = try FileTree.entries(of: origin.source, skippingOthers: true) { path in
      let name = Files.name(of: path)
      return Self.results.contains(name) || name.hasPrefix(".relpack-")
    }
    for entry in entries where entry.info.kind == .file && found.count < texts.count {
      let bytes = try File.open(origin.source + "/" + entry.path, .read).readWhole()
      let isFetched = Self.isFetched(entry.path)
      guard isFetched || origin.isSource(entry.path, bytes) else { continue }
      found.formUnion(search.found(in: bytes))
      if !isFetched { names.insert(WrittenFiles.made(of: Files.name(of: entry.path))) }
    }
    if let fetched = origin.fetched, Files.isFolder(fetched) {
      let sources = try FileTree.entries(of: fetched, skippingOthers: true) { path in
        let parts = path.split(separator: "/")
        return parts.count == 2 && (parts[1] == "ebin" || parts[1] == "priv")
      }
      for entry in sources where entry.info.kind == .file && found.count < texts.count {
        let bytes = try File.open(fetched + "/" + entry.path, .read).readWhole()
        found.formUnion(search.found(in: bytes))
      }
    }
    return (found, names)
  }

  /// The texts that are in the slug's Erlang and Elixir.
  private func inToolchain(_ slug: String, _ names: Set<String>, _ texts: Texts) throws(PosixError)
    -> Texts
  {
    var found: Texts = []
    if texts.isEmpty { return found }
    let search = ByteSearch(only: texts)
    for entry in try FileTree.entries(of: slug)
    where entry.info.kind == .file && found.count < texts.count
      && Self.isToolchain(entry.path, names)
    {
      found.formUnion(search.found(in: try File.open(slug + "/" + entry.path, .read).readWhole()))
    }
    return found
  }
}

extension SlugFinding {
  fileprivate var order: (String, String) {
    switch self {
    case .value(let variable, let file), .harmless(let variable, let file): (file, variable)
    case .cookie(let file, _): (file, "")
    case .native: ("", "")
    }
  }
}
