import ReleaseModel

extension Manifest.Migration {
  /// The migrations among a tree's files, sorted. If two OTP releases hold the same application, its migrations are
  /// listed once.
  ///
  /// For Ecto a migration is a file `NUMBER_NAME.exs` in `priv/REPO/migrations` or in a folder below it.
  static func all(of releases: [OTPRelease], in files: [Manifest.Entry]) -> [Manifest.Migration] {
    var applications: [String: String] = [:]
    for release in releases {
      let top = release.folder.map { $0 + "/" } ?? ""
      for application in release.applications {
        applications["\(top)lib/\(application.name)-\(application.version)"] = application.name
      }
    }
    let found = files.lazy.filter { $0.kind != .folder && $0.path.hasSuffix(".exs") }
      .compactMap { Self(path: $0.path, applications) }
    return Set(found).sorted {
      ($0.application, $0.folder, $0.name) < ($1.application, $1.folder, $1.name)
    }
  }

  private init?(path: String, _ applications: [String: String]) {
    let parts = path.split(separator: "/")
    guard let priv = parts.firstIndex(of: "priv"), parts.count > priv + 3,
      let application = applications[parts[..<priv].joined(separator: "/")],
      parts[priv + 2] == "migrations", let file = parts.last
    else { return nil }
    let number = file.utf8.prefix { (48...57).contains($0) }
    guard !number.isEmpty, file.utf8.dropFirst(number.count).first == UInt8(ascii: "_") else {
      return nil
    }
    self.init(
      application: application,
      folder: parts[(priv + 1)..<(parts.count - 1)].joined(separator: "/"),
      name: String(file.dropLast(4)))
  }
}
