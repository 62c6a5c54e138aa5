import Posix
import Redaction
import ReleaseModel
import SlugStore

/// Looks through a finished slug for what must not be in it: values of config vars, which would be baked into it for
/// all apps that it is for.
///
/// It sees values as they are, one with quotes and line ends escaped as in strings of JSON and Erlang, and single lines
/// of long ones. One that was packed or written in another way (base64, hexadecimal digits) is not seen.
///
/// A value that the source or the toolchain holds too was not brought in by configuration: `supervisor` is an atom of
/// Erlang's. One that looks like no secret by itself (`SecretLook`) does not count where mix, relx or OTP wrote the
/// file, nor anywhere if it is a word of their start scripts.
public struct SlugSearch {
  /// Each has the name of its variable.
  private typealias Texts = Set<ByteSearch<String>.Text>

  private let search: ByteSearch<String>
  private let looks: [String: SecretLook]

  /// - Parameter config: the config vars whose values are looked for.
  public init(_ config: ConfigSet) {
    search = ByteSearch(Redactor.texts(of: config).map { (label: $0.name, bytes: Array($0.text.utf8)) })
    let looks = config.values.map { ($0, SecretLook(name: $0, value: $1)) }
    self.looks = Dictionary(uniqueKeysWithValues: looks).compactMapValues { $0 }
  }

  /// Where the words of a slug may have come from, if not from config vars.
  public struct Origin {
    /// The source's folder.
    var source: String
    /// A folder outside of the source that dependencies were fetched to.
    var fetched: String?
    /// Whether a file of the source, with this content, was there before the build.
    var isSource: (_ path: String, _ bytes: [UInt8]) -> Bool
    /// Names of applications that come with Erlang and Elixir.
    var toolchain: Set<String>
    /// The OTP releases in the slug.
    var releases: [OTPRelease]

    public init(
      source: String, fetched: String? = nil, toolchain: Set<String>, releases: [OTPRelease] = [],
      isSource: @escaping (_ path: String, _ bytes: [UInt8]) -> Bool
    ) {
      (self.source, self.fetched, self.isSource) = (source, fetched, isSource)
      (self.toolchain, self.releases) = (toolchain, releases)
    }
  }

  /// - Parameters:
  ///   - slug: the tree.
  ///   - pass: what its compiled modules hold, unpacked.
  /// - Returns: sorted by file; of each variable in a file one.
  public func findings(in slug: String, _ pass: BeamPass.Result?, _ origin: Origin)
    throws(PosixError) -> [SlugFinding]
  {
    if search.isEmpty { return [] }
    let hits = try hits(in: slug, pass, origin.toolchain)
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
        // What is a secret by its look counts wherever it stands.
        looks[$0.label] == .value || !isWritten && !words.contains($0)
      }
      return Set(texts.map(\.label)).map { (hit.file, $0) }
    }
    return labels.map { file, name in
      looks[name] == nil
        ? SlugFinding.harmless(variable: name, file: file) : .value(variable: name, file: file)
    }.sorted { $0.order < $1.order }
  }

  private func hits(in slug: String, _ pass: BeamPass.Result?, _ toolchain: Set<String>)
    throws(PosixError) -> [(file: String, texts: Texts)]
  {
    var hits: [(file: String, texts: Texts)] = []
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
    return hits
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

  /// Those of the texts that stand in the source, dependencies that the build has fetched included, and the names that
  /// its files give to what is made of them.
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

  /// Those of the texts that stand in the slug's Erlang and Elixir.
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
