import DiskReserve
import Events
import HomeLayout
import Posix
import ReleaseModel

/// A tree that says of itself that it is a slug. What it says is held against its files when it is stored.
public struct SlugTree: Sendable {
  public let path: String
  public let id: String
  public let manifest: Manifest
  let manifestBytes: [UInt8]

  public init(_ path: String) throws(Cause) {
    self.path = path
    do throws(PosixError) {
      manifestBytes = try Files.read(path + "/" + Manifest.path, limit: 64 << 20)
    } catch { throw Cause(error) }
    id = Hex.encode(SHA256.digest(manifestBytes))
    manifest = try Manifest(bytes: manifestBytes)
  }

  /// Finds the tree in a folder: the folder itself, or `app` in it, as Heroku's slug archives have it.
  /// - Parameter name: what the person called it.
  public static func find(in folder: String, called name: String) throws(Cause) -> SlugTree {
    for tree in [folder, folder + "/app"] {
      if isSlug(tree) { return try SlugTree(tree) }
    }
    throw Cause(
      .manifestFormat, "'\(name)' has no \(Manifest.path), neither at its top nor in app/",
      remedy: "Only what this buildpack made is a slug; a built OTP release: relctl build DIR")
  }

  /// Whether a folder is a slug's tree, as far as a look tells. Links are not followed: what is to be taken in lies in the
  /// tree itself.
  public static func isSlug(_ tree: String) -> Bool {
    func kind(_ path: String) -> Files.Info.Kind? { (try? Files.info(path))?.kind }
    let manifest = tree + "/" + Manifest.path
    return kind(tree) == .folder && kind(Files.parent(of: manifest)) == .folder
      && kind(manifest) == .file
  }

  /// The record of its build, as it lies there; nil where there is none.
  public func record() throws(Cause) -> [UInt8]? {
    try read(SlugRecord.path, limit: SlugRecord.greatestSize) { SlugRecord.refusal(line: 1, $0) }
  }

  /// Where it says that it came from; nil where it says nothing.
  public func provenance() throws(Cause) -> Provenance? {
    try read(Provenance.path, limit: Provenance.greatestSize, Provenance.refusal)
      .map { bytes throws(Cause) in try Provenance(bytes: bytes) }
  }

  /// A file that is no part of the slug; nil where there is none.
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

  /// Whether a folder or link is what the manifest says: a link in place of a folder would lead to files elsewhere.
  /// Files are known by their digests.
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

  /// The same, and whether a file's content is what the manifest says.
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

  /// Opening a pipe would wait for ever, and a link may lead anywhere.
  static func requireFile(_ entry: Manifest.Entry, in tree: String) throws {
    guard let info = try Files.info(tree + "/" + entry.path), info.kind == .file else {
      throw Cause(.slugDamaged, "'\(entry.path)' is no file, as the manifest says")
    }
  }
}
