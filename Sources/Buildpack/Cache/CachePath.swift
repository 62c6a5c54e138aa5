/// Rules for the names in a cache, which anybody may have written.
enum CachePath {
  /// Whether it names something below a folder, in its plainest form.
  static func isPlain(_ path: String) -> Bool {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count <= 128 && path.utf8.count < 4096 && !path.utf8.contains(0)
      && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
  }

  /// Whether a link's target, taken by its letters, is in the folder that the link's own path starts from.
  static func staysInside(link path: String, target: String) -> Bool {
    if target.isEmpty || target.hasPrefix("/") || target.utf8.contains(0) { return false }
    var depth = path.split(separator: "/").count - 1
    for part in target.split(separator: "/") where part != "." {
      depth += part == ".." ? -1 : 1
      if depth < 0 { return false }
    }
    return true
  }

  /// The application whose code a path of a build folder belongs to: `lib/APP/…` is mix's way, `default/lib/APP/…`
  /// rebar3's, which keeps its plugins beside them. Nil for what belongs to none.
  static func application(_ path: String) -> String? {
    let parts = path.split(separator: "/", maxSplits: 3)
    var name: Substring?
    if parts.count > 1, parts[0] == "lib" {
      name = parts[1]
    } else if parts.count > 2, parts[1] == "lib" || parts[1] == "plugins" {
      name = parts[2]
    }
    // rebar3's notes on all of them are in `lib/.rebar3`.
    return name?.hasPrefix(".") == true ? nil : name.map(String.init)
  }

  /// What is kept whole or not at all: an application, a dependency.
  static func unit(of path: String, _ part: CacheIndex.Part) -> String? {
    part == .build ? application(path) : path.split(separator: "/").first.map(String.init)
  }

  /// `path` as seen from `folder`; empty where it is not below it.
  static func relative(_ path: String, to folder: String) -> String {
    path.hasPrefix(folder + "/") ? String(path.dropFirst(folder.utf8.count + 1)) : ""
  }

  /// `NAME/.fetch` in a folder of dependencies.
  static func isFetchMark(_ path: String) -> Bool {
    path.hasSuffix("/.fetch") && path.split(separator: "/").count == 2
  }

  static func join(_ folder: String, _ path: String) -> String {
    folder.isEmpty ? path : folder + "/" + path
  }
}
