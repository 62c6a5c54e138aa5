import ReleaseModel

/// Rules for the paths in a cache, which is not trusted.
enum CachePath {
  /// Whether a path is relative and has no empty part, `.` or `..`.
  static func isPlain(_ path: String) -> Bool {
    path.utf8.count < 4096 && path.utf8.count { $0 == UInt8(ascii: "/") } < 128
      && Manifest.isInside(path)
  }

  /// Whether the text of a link's target stays in the folder from which the link's path starts.
  static func staysInside(link path: String, target: String) -> Bool {
    if target.isEmpty || target.hasPrefix("/") || target.utf8.contains(0) { return false }
    var depth = path.split(separator: "/").count - 1
    for part in target.split(separator: "/") where part != "." {
      depth += part == ".." ? -1 : 1
      if depth < 0 { return false }
    }
    return true
  }

  /// The application of a path in the folder for compiled code: mix has `lib/APP/…`, rebar3 `default/lib/APP/…` and
  /// `default/plugins/APP/…`. Nil if the path belongs to no application.
  static func application(_ path: String) -> String? {
    let parts = path.split(separator: "/", maxSplits: 3)
    var name: Substring?
    if parts.count > 1, parts[0] == "lib" {
      name = parts[1]
    } else if parts.count > 2, parts[1] == "lib" || parts[1] == "plugins" {
      name = parts[2]
    }
    // `lib/.rebar3` holds rebar3's own data about all applications.
    return name?.hasPrefix(".") == true ? nil : name.map(String.init)
  }

  /// The application or dependency of a path; the cache keeps each completely or not at all.
  static func unit(of path: String, _ part: CacheIndex.Part) -> String? {
    part == .build ? application(path) : path.split(separator: "/").first.map(String.init)
  }

  /// `path` relative to `folder`; empty if `path` is not below `folder`.
  static func relative(_ path: String, to folder: String) -> String {
    path.hasPrefix(folder + "/") ? String(path.dropFirst(folder.utf8.count + 1)) : ""
  }

  /// Whether a path is `NAME/.fetch` in a folder of dependencies.
  static func isFetchMark(_ path: String) -> Bool {
    path.hasSuffix("/.fetch") && path.split(separator: "/").count == 2
  }

  static func join(_ folder: String, _ path: String) -> String {
    folder.isEmpty ? path : folder + "/" + path
  }
}
