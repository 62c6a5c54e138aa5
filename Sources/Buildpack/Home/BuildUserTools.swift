import Posix

/// Root's tools that the build user needs: mix's Hex and rebar3, the rebar3 of MIX_REBAR3, and certificate files. Those
/// that the build user cannot read are copied. They are programs or public files; no other file of root is copied.
struct BuildUserTools {
  /// Root's own environment.
  let environment: [String: String]
  /// The folder of one build, before it is given to the build user.
  let folder: String

  private static let files = [
    "MIX_REBAR3", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS",
    "HEX_CACERTS_PATH",
  ]

  /// Copies the tools that the build user cannot read.
  /// - Returns: the variables that name the tools.
  func handOn() throws(PosixError) -> [String: String] {
    var variables: [String: String] = [:]
    for name in Self.files {
      guard let path = environment[name], Files.isFile(path), !Self.isPublic(path) else { continue }
      let copy = folder + "/" + name
      try FileTree.copyFile(path, to: copy, mode: 0o555)
      variables[name] = copy
    }
    let mix = environment["MIX_HOME"] ?? (environment["HOME"] ?? "") + "/.mix"
    // These two of mix's folders hold programs.
    let parts = ["archives", "elixir"].filter { Files.isFolder(mix + "/" + $0) }
    if parts.isEmpty { return variables }
    if parts.allSatisfy({ Self.isPublicTree(mix + "/" + $0) }) {
      variables["MIX_HOME"] = mix
    } else {
      variables["MIX_HOME"] = folder + "/mix"
      for part in parts { try FileTree.copy(mix + "/" + part, to: folder + "/mix/" + part) }
    }
    return variables
  }

  private static func isPublicTree(_ folder: String) -> Bool {
    guard isPublic(folder), let entries = try? FileTree.entries(of: folder) else { return false }
    return entries.allSatisfy { $0.info.kind == .link || isOpen($0.info) }
  }

  /// Whether every user can reach and read a file or folder.
  private static func isPublic(_ path: String) -> Bool {
    guard var place = try? Files.resolve(path), let own = try? Files.info(place), isOpen(own) else {
      return false
    }
    while place != "/" {
      place = Files.parent(of: place)
      guard let info = try? Files.info(place), info.mode & 0o001 != 0 else { return false }
    }
    return true
  }

  private static func isOpen(_ info: Files.Info) -> Bool {
    let needed: UInt32 = info.kind == .folder ? 0o005 : 0o004
    return info.mode & needed == needed
  }
}
