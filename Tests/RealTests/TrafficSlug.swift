import Posix
import TestSupport

extension Stage {
  /// Writes a slug whose `web` is an HTTP server that keeps its connections and tells what it was sent.
  /// - Parameters:
  ///   - version: makes one slug different from another.
  ///   - rollout: more settings below the key `reltui` of app.json, with a comma in front.
  /// - Returns: its path.
  func writeTrafficSlug(
    _ name: String = "slug", version: Int = 1, rollout: String = ""
  ) throws -> String {
    let path = folder.path + "/" + name
    if !Files.isFolder(path) {
      try FileTree.copy(try Greeter.slug.get(), to: path, skipping: { $0 == ".reltui" })
    }
    let server = try Files.read(Workspace.root + "/Tests/Fixtures/traffic/server.py")
    try folder.write(name + "/server.py", server + Array("\n# version \(version)\n".utf8))
    try folder.write(name + "/Procfile", "web: exec python3 server.py\n")
    try folder.write(
      name + "/app.json",
      #"""
      {"reltui": {"observe": 0\#(rollout)},
       "healthchecks": {"web": [{"type": "startup", "path": "/health"}]}}
      """#)
    return path
  }
}
