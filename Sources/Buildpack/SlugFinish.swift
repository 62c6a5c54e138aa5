import Posix
import SlugStore

/// Makes a slug of what `mix release` left.
enum SlugFinish {
  /// - Returns: the manifest, which is also in the tree now.
  static func finish(_ slug: String, _ kept: KeptFiles, tools: [String: String])
    throws(BuildFailure) -> Manifest
  {
    let releases: [OTPRelease]
    do throws(Cause) { releases = try ManifestBuilder.otpReleases(in: slug) } catch {
      throw .slug(error)
    }
    do throws(PosixError) {
      // The project's own files may lie anywhere in its release; this one tells of our build.
      try Files.remove(slug + "/" + SlugRecord.path)
      for release in releases {
        let folder = release.folder.map { "\(slug)/\($0)" } ?? slug
        try Files.remove(folder + "/releases/COOKIE")
        if release.kind == .mix {
          try addSnippet(to: "\(folder)/releases/\(release.version)/env.sh")
        }
      }
      try kept.write(to: slug)
      try Files.makeFolder(slug + "/.reltui")
      try setModes(slug)
    } catch { throw .unwritable(error) }
    let manifest: Manifest
    do throws(Cause) {
      manifest = try ManifestBuilder.describe(slug, BuildFacts(tools: tools))
    } catch {
      throw .slug(error)
    }
    do throws(PosixError) {
      try Files.replace(slug + "/" + Manifest.path, with: manifest.bytes, mode: 0o644)
      try Files.setMode(slug + "/" + Manifest.path, 0o644)
    } catch { throw .unwritable(error) }
    return manifest
  }

  private static func addSnippet(to path: String) throws(PosixError) {
    let script = try Files.readIfThere(path, limit: 1 << 20) ?? Array("#!/bin/sh\n".utf8)
    try Files.remove(path)
    try File.open(path, .create, mode: 0o644).write(script + Array(StartSnippet.text.utf8))
  }

  /// The modes that the manifest tells, whatever the builder's umask.
  private static func setModes(_ slug: String) throws(PosixError) {
    for entry in try FileTree.entries(of: slug) where entry.info.kind != .link {
      let isExecutable = entry.info.kind == .folder || entry.info.isExecutable
      let mode = isExecutable ? 0o755 : 0o644 as UInt32
      if entry.info.mode != mode { try Files.setMode(slug + "/" + entry.path, mode) }
    }
  }
}
