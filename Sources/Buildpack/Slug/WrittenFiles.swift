import ReleaseModel

/// The files of a slug that mix, relx, OTP and this buildpack write by themselves. No word in them comes from a config
/// var, unless the project has a template for the file.
struct WrittenFiles {
  private let releases: [OTPRelease]
  /// Names of the source's files without the endings of templates.
  private let templates: Set<String>

  init(_ releases: [OTPRelease], templates: Set<String>) {
    (self.releases, self.templates) = (releases, templates)
  }

  /// The name of the file that is made from a file of the source: `env.sh` from `env.sh.eex`.
  static func made(of name: String) -> String {
    for ending in [".eex", ".src", ".tmpl"] where name.hasSuffix(ending) {
      return String(name.dropLast(ending.utf8.count))
    }
    return name
  }

  var ownText: String {
    releases.reduce(ProfileScript.text(releases)) {
      let snippet = StartSnippet($1, among: releases)
      return $0 + snippet.head + snippet.tail
    }
  }

  /// Whether a file is a start script. Its words come from the tools, even if they also occur in other files.
  func isScript(_ path: String) -> Bool {
    !hasTemplate(path) && releases.contains { Self.isScript(path, of: $0) }
  }

  func contains(_ path: String) -> Bool {
    if path.hasPrefix(".reltui/") || path.hasPrefix(".profile.d/\(ProfileScript.name)") {
      return true
    }
    return !hasTemplate(path)
      && releases.contains { Self.isScript(path, of: $0) || Self.isDescription(path, of: $0) }
  }

  private func hasTemplate(_ path: String) -> Bool {
    path.split(separator: "/").last.map { templates.contains(String($0)) } ?? false
  }

  private static func isScript(_ path: String, of release: OTPRelease) -> Bool {
    guard let path = path.inside(release.folder) else { return path == "bin/\(release.name)" }
    let endings = ["", ".bat", ".cmd", ".ps1"]
    let programs = [
      "bin/\(release.name)", "bin/\(release.name)-\(release.version)",
      "releases/\(release.version)/elixir", "releases/\(release.version)/iex",
    ]
    if programs.contains(where: { name in endings.contains { path == name + $0 } }) { return true }
    return ["install_upgrade.escript", "nodetool", "no_dot_erlang.boot", "start_clean.boot"]
      .contains { path == "bin/" + $0 }
  }

  /// Whether a file describes the release for the start scripts and the virtual machine.
  private static func isDescription(_ path: String, of release: OTPRelease) -> Bool {
    guard let path = path.inside(release.folder) else { return false }
    if ["releases/start_erl.data", "releases/RELEASES"].contains(path) { return true }
    guard let name = path.inside("releases/\(release.version)") else { return false }
    return ["env.sh", "env.bat", "vm.args", "remote.vm.args"].contains(name)
      || [".boot", ".script", ".rel"].contains { name.hasSuffix($0) }
  }
}

extension String {
  /// The path relative to the folder; nil if it is not in the folder. Nil for the folder means the top.
  fileprivate func inside(_ folder: String?) -> String? {
    guard let folder else { return self }
    return hasPrefix(folder + "/") ? String(dropFirst(folder.utf8.count + 1)) : nil
  }
}
