import Posix
import ReleaseModel

/// The native code in a tree – the virtual machine's programs, ports, NIFs – and what it needs from a host.
public struct NativeCode: Equatable, Sendable {
  public enum Incompatibility: Hashable, Sendable {
    case foreign(file: String, architecture: String)
    /// A file that looks for its libraries in a folder of the build host.
    case stray(file: String, folder: String)

    public var sentence: String {
      switch self {
      case .foreign(let file, let architecture):
        "\(file) is for \(architecture), not for \(Manifest.Target.host.arch)"
      case .stray(let file, let folder):
        "\(file) looks for its libraries in \(folder), which a host may not have"
      }
    }
  }

  /// Names of libraries that the tree does not hold, sorted; musl's dynamic linker is one.
  public private(set) var libraries: [String] = []
  private var greatest: [String: LibraryVersion] = [:]
  /// The greatest version that is needed, by its name: `GLIBC`, `GLIBCXX`, `CXXABI`.
  public var versions: [String: String] { greatest.mapValues(\.description) }
  /// In the order of the files.
  public private(set) var findings: [Incompatibility] = []

  /// The lowest glibc that is enough; nil if none is needed.
  public var glibc: String? { greatest["GLIBC"]?.description }

  public init(in tree: String, _ files: [Manifest.Entry]) throws(PosixError) {
    var needed: Set<String> = []
    var held: Set<String> = []
    for entry in files where entry.kind == .file && entry.size ?? 0 >= 52 {
      guard let elf = try Self.elf(tree + "/" + entry.path), elf.isLoadable else { continue }
      guard elf.architecture == Manifest.Target.host.arch else {
        findings.append(.foreign(file: entry.path, architecture: elf.architecture))
        continue
      }
      held.formUnion([Files.name(of: entry.path)] + [elf.name].compactMap { $0 })
      needed.formUnion(elf.libraries)
      for version in elf.versions { Self.take(version, into: &greatest) }
      if let folder = elf.folders.first(where: Self.leadsNowhere), !elf.needed.isEmpty {
        findings.append(.stray(file: entry.path, folder: folder))
      }
    }
    libraries = needed.subtracting(held).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The architecture that a program or library is for, as `uname -m` names it; nil if it is neither, cannot be read, or
  /// is not in the tree.
  /// - Parameter path: absolute. It may come from the output of an app.
  public static func architecture(of path: String, in tree: String) -> String? {
    (try? elf(SlugFile.open(path, in: tree)))??.architecture
  }

  static func elf(_ path: String) throws(PosixError) -> ELF? { try elf(File.open(path, .read)) }

  /// The header of an ELF file; nil for any other file.
  static func elf(_ file: File) throws(PosixError) -> ELF? {
    guard try file.read(upTo: ELF.magic.count, at: 0) == ELF.magic else { return nil }
    return ELF(size: try file.size()) { (try? file.read(upTo: $1, at: $0)) ?? [] }
  }

  /// Keeps the greater of two versions of the same name.
  private static func take(_ version: String, into versions: inout [String: LibraryVersion]) {
    // Linker and C library must both know relative relocations in their short form: glibc 2.36.
    if version == "GLIBC_ABI_DT_RELR" { return take("GLIBC_2.36", into: &versions) }
    guard let bar = version.lastIndex(of: "_"),
      let number = LibraryVersion(version[version.index(after: bar)...])
    else { return }
    let name = String(version[..<bar])
    versions[name] = versions[name].map { max($0, number) } ?? number
  }

  /// The greatest version of each name.
  static func greatest(_ names: [String]) -> [String: LibraryVersion] {
    names.reduce(into: [:]) { take($1, into: &$0) }
  }

  /// Folders that are the same on every host, and where Heroku's hosts keep the slug.
  private static let lasting = ["/lib", "/lib32", "/lib64", "/usr", "/opt", "/app"]

  private static func leadsNowhere(_ folder: String) -> Bool {
    folder.hasPrefix("/") && !lasting.contains { folder == $0 || folder.hasPrefix($0 + "/") }
  }
}

extension NativeNeeds {
  /// The needs of a file; nil if it is neither a program nor a shared library, or cannot be read.
  public init?(ofFile path: String, in tree: String) {
    guard let elf = try? NativeCode.elf(SlugFile.open(path, in: tree)), elf.isLoadable else {
      return nil
    }
    self.init(
      architecture: elf.architecture, glibc: NativeCode.greatest(elf.versions)["GLIBC"],
      libraries: elf.libraries, hasFolders: !elf.folders.isEmpty)
  }
}

extension ELF {
  fileprivate var libraries: [String] { needed + [muslLinker].compactMap { $0 } }

  /// The file name of musl's dynamic linker, if the file asks for that one.
  private var muslLinker: String? {
    interpreter.map(Files.name(of:)).flatMap { $0.hasPrefix("ld-musl-") ? $0 : nil }
  }
}
