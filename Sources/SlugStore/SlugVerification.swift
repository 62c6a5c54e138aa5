import Events
import Posix
import ReleaseModel

/// The result of checking a stored slug against its manifest, and the manifest against the slug's id.
public struct SlugVerification: Hashable, Encodable, Sendable {
  public enum Problem: String, Hashable, Codable, Sendable {
    case missing, extra, changed, kind, mode, target, unreadable, manifest
  }

  public struct Mismatch: Hashable, Encodable, Sendable {
    /// In the slug's tree; nil if it concerns the slug as a whole.
    public var path: String?
    public var problem: Problem
    public var sentence: String
  }

  public let slug: String
  /// Sorted by path.
  public private(set) var findings: [Mismatch] = []
  public private(set) var files = 0
  public private(set) var bytes = 0

  private enum CodingKeys: String, CodingKey { case slug, findings, files, bytes }

  /// No tree of a slug is deeper.
  private static let greatestDepth = 256

  init(_ slug: String, of store: StoredSlugs) {
    self.slug = slug
    let tree = store.tree(slug)
    let manifest: Manifest
    do throws(Cause) { manifest = try store.manifest(slug) } catch {
      add(nil, .manifest, error.sentence)
      return
    }
    var expected = Dictionary(manifest.files.map { ($0.path, $0) }) { first, _ in first }
    let own = Files.parent(of: Manifest.path)
    if expected[own] == nil {
      expected[own] = Manifest.Entry(path: own, kind: .folder, mode: "755")
    }
    expected[Manifest.path] = Manifest.Entry(
      path: Manifest.path, kind: .file, mode: "644", sha256: slug)
    walk(tree, "", depth: 0, &expected)
    for path in expected.keys { add(path, .missing, "is missing") }
    findings.sort { ($0.path ?? "", $0.sentence) < ($1.path ?? "", $1.sentence) }
  }

  private mutating func add(_ path: String?, _ problem: Problem, _ sentence: String) {
    findings.append(
      Mismatch(
        path: path, problem: problem, sentence: path.map { "'\($0)' \(sentence)" } ?? sentence))
  }

  /// Removes the files that it finds from `expected`; the rest is missing.
  private mutating func walk(
    _ root: String, _ folder: String, depth: Int, _ expected: inout [String: Manifest.Entry]
  ) {
    let place = folder.isEmpty ? root : root + "/" + folder
    for name in names(in: place, folder) {
      let path = folder.isEmpty ? name : folder + "/" + name
      let info: Files.Info?
      do throws(PosixError) { info = try Files.info(root + "/" + path) } catch {
        _ = expected.removeValue(forKey: path)
        add(path, .unreadable, "cannot be read: \(error.errno)")
        continue
      }
      guard let info else { continue }
      guard let entry = expected.removeValue(forKey: path) else {
        add(path, .extra, "is not in the manifest")
        continue
      }
      let kind = Self.kind(entry.kind)
      guard info.kind == kind else {
        add(path, .kind, "is \(Self.word(info.kind)), not \(Self.word(kind))")
        forget(path, &expected)
        continue
      }
      switch entry.kind {
      case .folder where depth < Self.greatestDepth: walk(root, path, depth: depth + 1, &expected)
      case .folder: add(path, .unreadable, "is nested too deep")
      case .link: checkLink(root, entry)
      case .file: checkFile(root, entry, info)
      }
    }
  }

  /// Files below a missing or wrong folder are not reported, since the folder is.
  private func forget(_ folder: String, _ expected: inout [String: Manifest.Entry]) {
    for path in expected.keys where path.hasPrefix(folder + "/") { expected[path] = nil }
  }

  private mutating func names(in place: String, _ folder: String) -> [String] {
    do throws(PosixError) { return try Files.list(place) } catch {
      let what = folder.isEmpty ? "." : folder
      guard error.errno == .invalid else {
        add(what, .unreadable, "cannot be read: \(error.errno)")
        return []
      }
      add(what, .extra, "holds a name that is not UTF-8")
      return (try? Files.list(place, skippingOthers: true)) ?? []
    }
  }

  private mutating func checkLink(_ root: String, _ entry: Manifest.Entry) {
    do throws(PosixError) {
      let target = try Files.target(ofLink: root + "/" + entry.path)
      if target == entry.target { return }
      add(entry.path, .target, "leads to '\(target)', not to '\(entry.target ?? "")'")
    } catch { add(entry.path, .unreadable, "cannot be read: \(error.errno)") }
  }

  private mutating func checkFile(_ root: String, _ entry: Manifest.Entry, _ info: Files.Info) {
    if info.isExecutable != entry.isExecutable {
      add(entry.path, .mode, "is \(entry.isExecutable ? "not executable" : "executable")")
    }
    // A file of another size cannot have the digest, so it is not read.
    if let size = entry.size, size != info.size {
      return add(entry.path, .changed, "has \(info.size) bytes, not \(size)")
    }
    do throws(PosixError) {
      let digest = Hex.encode(try SHA256.digest(ofFile: root + "/" + entry.path))
      if digest != entry.sha256 { return add(entry.path, .changed, "has another content") }
      files += 1
      bytes += info.size
    } catch { add(entry.path, .unreadable, "cannot be read: \(error.errno)") }
  }

  private static func kind(_ kind: Manifest.Entry.Kind) -> Files.Info.Kind {
    switch kind {
    case .file: .file
    case .folder: .folder
    case .link: .link
    }
  }

  private static func word(_ kind: Files.Info.Kind) -> String {
    switch kind {
    case .file: "a file"
    case .folder: "a folder"
    case .link: "a link"
    case .other: "neither file, folder nor link"
    }
  }
}

extension StoredSlugs {
  /// Reads every file of a slug.
  /// - Returns: nil if the slug is gone, or is removed meanwhile.
  public func verify(_ id: String) -> SlugVerification? {
    let verification = SlugVerification(id, of: self)
    return Files.isFolder(folder(id)) ? verification : nil
  }
}
