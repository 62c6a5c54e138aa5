import Events
import Posix
import ReleaseModel

/// A tree that holds a manifest. Its files are checked against it when it is stored.
public struct SlugTree: Sendable {
  public let path: String
  public let id: String
  public let manifest: Manifest
  let manifestBytes: [UInt8]

  public init(_ path: String) throws(Cause) {
    self.path = path
    manifestBytes = try Cause.explaining(Files.read(path + "/" + Manifest.path, limit: 64 << 20))
    id = Hex.encode(SHA256.digest(manifestBytes))
    manifest = try Manifest(bytes: manifestBytes)
  }

  /// Finds the tree in a folder: the folder itself, or `app` in it, as Heroku's slug archives have it.
  public static func find(in folder: String, called name: String) throws(Cause) -> SlugTree {
    for tree in [folder, folder + "/app"] {
      if isSlug(tree) { return try SlugTree(tree) }
    }
    throw Cause(
      .manifestFormat, "'\(name)' has no \(Manifest.path), neither at its top nor in app/",
      remedy: "Only what this buildpack made is a slug; a built OTP release: relctl build DIR")
  }

  /// Whether a folder looks like a slug's tree. Links are not followed: all files of a slug lie in the tree itself.
  public static func isSlug(_ tree: String) -> Bool {
    func kind(_ path: String) -> Files.Info.Kind? { (try? Files.info(path))?.kind }
    let manifest = tree + "/" + Manifest.path
    return kind(tree) == .folder && kind(Files.parent(of: manifest)) == .folder
      && kind(manifest) == .file
  }

  /// The bytes of the record of its build; nil if there is none.
  public func record() throws(Cause) -> [UInt8]? {
    try read(SlugRecord.path, limit: SlugRecord.greatestSize) { SlugRecord.refusal(line: 1, $0) }
  }

  /// The provenance that the tree claims; nil if it claims none.
  public func provenance() throws(Cause) -> Provenance? {
    try read(Provenance.path, limit: Provenance.greatestSize, Provenance.refusal)
      .map { bytes throws(Cause) in try Provenance(bytes: bytes) }
  }

  /// A file that is not part of the slug; nil if there is none.
  private func read(_ name: String, limit: Int, _ refusal: (String) -> Cause) throws(Cause)
    -> [UInt8]?
  {
    do throws(PosixError) {
      guard let info = try Files.info(path + "/" + name) else { return nil }
      if info.kind != .file { throw PosixError("read", name, .invalid) }
      return try Files.read(path + "/" + name, limit: limit)
    } catch {
      switch error.errno {
      case .invalid: throw refusal("it is no file")
      case .fileTooLarge:
        let unit = limit < 1 << 20 ? "\(limit >> 10) KiB" : "\(limit >> 20) MiB"
        throw refusal("the file is longer than \(unit)")
      default: throw Cause(error)
      }
    }
  }

  /// Whether a folder or link matches the manifest: a link in the place of a folder would lead to other files. Files
  /// are checked by their digests.
  func check(_ entry: Manifest.Entry) throws {
    let place = path + "/" + entry.path
    let isSo =
      switch entry.kind {
      case .file: true
      case .folder: try Files.info(place)?.kind == .folder
      case .link:
        try Files.info(place)?.kind == .link && Files.target(ofLink: place) == entry.target
      }
    if !isSo {
      throw Cause(
        .slugDamaged, "'\(entry.path)' is no such \(entry.kind.rawValue) as the manifest says")
    }
  }

  /// Checks an entry like `check`, and also a file's content.
  func checkWhole(_ entry: Manifest.Entry) throws {
    try check(entry)
    if entry.kind == .file { try Self.check(entry, in: path) }
  }

  static func check(_ entry: Manifest.Entry, in tree: String) throws {
    try requireFile(entry, in: tree)
    guard Hex.encode(try SHA256.digest(ofFile: tree + "/" + entry.path)) == entry.sha256 else {
      throw Cause(.slugDamaged, "'\(entry.path)' is not what the manifest says")
    }
  }

  /// Only regular files are opened: opening a pipe would wait for ever, and a link may lead anywhere.
  static func requireFile(_ entry: Manifest.Entry, in tree: String) throws {
    guard let info = try Files.info(tree + "/" + entry.path), info.kind == .file else {
      throw Cause(.slugDamaged, "'\(entry.path)' is no file, as the manifest says")
    }
  }
}
