import Events

extension Manifest {
  /// Whether the file at a path of a slug's tree is not part of the slug's identity.
  public static func isOutside(_ path: String) -> Bool { outside.contains(path) }

  /// The paths of the files in a slug's tree that are not part of its identity.
  public static let outside = [path, SlugRecord.path, Provenance.path]

  public static let mostEntries = 100_000
  /// Bytes of a path or of a link's target. path_resolution(7), `PATH_MAX`
  static let longestPath = 4095
  /// The deepest nesting of folders.
  static let greatestDepth = 128
  /// Bytes of all files: more than any slug has, and far below the greatest `Int`.
  static let greatestSize = 1 << 40

  /// Checks that every entry can be in a tree. The manifest may come from any program.
  func checkEntries() throws(Cause) {
    if files.count > Self.mostEntries {
      throw Cause(.manifestFormat, "the manifest has more than \(Self.mostEntries) entries")
    }
    var kinds: [String: Entry.Kind] = [:]
    var size = 0
    for entry in files {
      try check(entry)
      try checkPlace(entry, kinds)
      if kinds.updateValue(entry.kind, forKey: entry.path) != nil {
        throw Cause(.manifestFormat, "the manifest names '\(entry.path)' twice")
      }
      size = size.addingClamped(entry.size ?? 0)
    }
    if size > Self.greatestSize {
      throw Cause(
        .manifestFormat, "the manifest has more than \(Self.greatestSize >> 40) TiB of files")
    }
  }

  /// Checks that each folder is listed before its content, and that no path goes through a link.
  private func checkPlace(_ entry: Entry, _ before: [String: Entry.Kind]) throws(Cause) {
    let own = ".reltui"
    if Self.isOutside(entry.path) || entry.path == own && entry.kind != .folder {
      throw Cause(.slugContent, "the manifest names '\(entry.path)', which is no part of the slug")
    }
    guard let slash = entry.path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return }
    let folder = String(entry.path[..<slash])
    switch before[folder] {
    case .folder: return
    // The manifest's own folder may be left out.
    case nil where folder == own: return
    case nil:
      throw Cause(.manifestFormat, "the manifest has no folder before it for '\(entry.path)'")
    case .file, .link:
      throw Cause(
        .slugContent, "the manifest names '\(entry.path)', which is beneath a file or a link")
    }
  }

  private func check(_ entry: Entry) throws(Cause) {
    let shown = entry.path.prefix(256)
    guard Self.isInside(entry.path) else {
      throw Cause(.slugContent, "the manifest names '\(shown)', which is outside the slug")
    }
    let depth = entry.path.utf8.count { $0 == UInt8(ascii: "/") }
    if entry.path.utf8.count > Self.longestPath || depth >= Self.greatestDepth {
      throw Cause(.manifestFormat, "the manifest's path '\(shown)' is too long or too deep")
    }
    if (entry.target?.utf8.count ?? 0) > Self.longestPath {
      throw Cause(.manifestFormat, "the manifest's link '\(shown)' has too long a target")
    }
    if let size = entry.size, size < 0 {
      throw Cause(.manifestFormat, "the manifest has \(size) bytes for '\(shown)'")
    }
  }

  /// Checks the names that become parts of paths.
  func checkNames() throws(Cause) {
    for entry in processes where !ProcessType.isValid(entry.process) {
      throw Cause(
        .manifestFormat, "the manifest has a process type '\(entry.process.prefix(64))'")
    }
    for release in otpReleases {
      let parts = [release.name, release.version, release.ertsVersion]
      let paths = [release.startCommand] + [release.folder].compactMap { $0 }
      let wrong =
        parts.first { !Self.isInside($0) || $0.contains("/") } ?? paths.first { !Self.isInside($0) }
      if let wrong {
        throw Cause(
          .slugContent,
          "the manifest's OTP release has a path that is outside the slug: '\(wrong.prefix(64))'")
      }
    }
  }
}
