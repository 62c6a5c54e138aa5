import Posix
import ReleaseModel

/// Folders that earlier buildpacks have put into BUILD_DIR for the running app: system packages in `.apt`, runtimes in
/// `.heroku` and `vendor`, and folders that their scripts in `.profile.d` name.
/// Source: Heroku, "Buildpack API"; heroku-buildpack-apt, heroku-buildpack-nodejs.
enum Inheritance {
  private static let usual = [".apt", ".heroku", "vendor"]

  /// Names of such folders at the top of a source, sorted.
  static func names(in source: String) throws(PosixError) -> [String] {
    var names = Set(usual)
    let profile = source + "/" + RuntimeFiles.profile
    if Files.isFolder(profile) {
      for name in try Files.list(profile, skippingOthers: true) where name.hasSuffix(".sh") {
        let text = (try? Files.read(profile + "/" + name, limit: 1 << 20)) ?? []
        names.formUnion(mentioned(in: String(decoding: text, as: UTF8.self)))
      }
    }
    return names.sorted().filter { name in
      (try? Files.info(source + "/" + name))??.kind == .folder && !isOurs(name)
        && !isProject(source + "/" + name)
    }
  }

  /// The first parts of paths below the app's folder: `$HOME/.apt/usr/bin`, `${HOME}/x`, `/app/x`.
  static func mentioned(in script: String) -> Set<String> {
    var found: Set<String> = []
    let lines = script.split(separator: "\n").filter {
      !$0.drop(while: \.isWhitespace).hasPrefix("#")
    }
    // A path begins at the start of a word, or of an entry in a list like PATH.
    let words = lines.flatMap { $0.split { " \t\"'=:;()".contains($0) } }
    for word in words {
      for start in ["$HOME/", "${HOME}/", "/app/"] where word.hasPrefix(start) {
        let name = word.dropFirst(start.count).prefix {
          $0.isLetter || $0.isNumber || "._-+@".contains($0)
        }
        if Manifest.isInside(String(name)) { found.insert(String(name)) }
      }
    }
    return found
  }

  /// Folders that belong to the slug itself or to the project's source.
  private static let ours: Set<String> = [
    RuntimeFiles.profile, ".reltui", ".git", "_build", "deps", "bin", "lib", "releases", "rel",
    "src",
    "config", "apps", "assets", "priv", "test",
  ]

  private static func isOurs(_ name: String) -> Bool { ours.contains(name) || Staging.isName(name) }

  /// Whether a folder, such as `vendor`, holds an Elixir or Erlang project. The release already has its compiled code.
  private static func isProject(_ folder: String) -> Bool {
    let places =
      [folder]
      + ((try? Files.list(folder, skippingOthers: true)) ?? []).map {
        folder + "/" + $0
      }
    return places.contains { place in
      ["mix.exs", "rebar.config"].contains { Files.exists(place + "/" + $0) }
    }
  }

  /// Copies a folder without entries that no slug can hold: devices, names that are not UTF-8, and links to paths of the
  /// build image. A link to `/app/…` becomes a relative link.
  /// - Returns: the links that were left out, as paths in the slug.
  static func copy(_ source: String, to target: String) throws(PosixError) -> [String] {
    try FileTree.copy(source, to: target, skippingOthers: true)
    var leftOut: [String] = []
    for entry in try FileTree.entries(of: target) where entry.info.kind == .link {
      let (place, path) = (target + "/" + entry.path, Files.name(of: target) + "/" + entry.path)
      let link = try Files.target(ofLink: place)
      if CachePath.staysInside(link: path, target: link) { continue }
      try Files.remove(place)
      if link.hasPrefix("/app/") {
        let up = String(repeating: "../", count: path.split(separator: "/").count - 1)
        try Files.symbolicLink(to: up + link.dropFirst("/app/".count), at: place)
      } else {
        leftOut.append(path)
      }
    }
    return leftOut
  }
}
