import Posix
import SlugStore

/// Makes a slug of what mix or rebar3 left.
enum SlugFinish {
  /// - Returns: the manifest, which is also in the tree now.
  static func finish(_ slug: String, _ kept: KeptFiles, _ facts: BuilderRun.Facts)
    throws(BuildFailure) -> Manifest
  {
    let releases: [OTPRelease]
    do throws(Cause) { releases = try ManifestBuilder.otpReleases(in: slug) } catch {
      throw .slug(error)
    }
    do throws(PosixError) {
      // The project's own files may lie anywhere in its release; these tell of our build.
      try Files.remove(slug + "/.reltui")
      for release in releases { try clean(release, in: slug) }
      try kept.write(to: slug)
      try Files.makeFolder(slug + "/.reltui")
      try setModes(slug)
    } catch { throw .unwritable(error) }
    let manifest: Manifest
    do throws(Cause) {
      manifest = try ManifestBuilder.describe(
        slug,
        BuildFacts(tools: facts.tools, variables: facts.sortedVariables))
    } catch { throw .slug(error) }
    do throws(PosixError) {
      try Files.replace(slug + "/" + Manifest.path, with: manifest.bytes, mode: 0o644)
      try Files.setMode(slug + "/" + Manifest.path, 0o644)
    } catch { throw .unwritable(error) }
    return manifest
  }

  /// Takes out what no slug holds: the cookie of whoever built it, and source.
  private static func clean(_ release: OTPRelease, in slug: String) throws(PosixError) {
    let folder = release.folder.map { "\(slug)/\($0)" } ?? slug
    try Files.remove(folder + "/releases/COOKIE")
    // What mix's step :tar adds: all of it once more, with the cookie.
    try Files.remove("\(folder)/\(release.name)-\(release.version).tar.gz")
    for name in try Files.list(folder + "/lib") {
      try Files.remove("\(folder)/lib/\(name)/src")
    }
    if release.kind == .mix {
      try addSnippet(to: "\(folder)/releases/\(release.version)/env.sh")
    }
    // Its start command does not work by a link, and a copy would look for its files beside itself.
    if release.folder != nil { try addShims(of: folder, release, to: slug + "/bin") }
  }

  /// Programs at the tree's top for those of a release in `rel/NAME`.
  private static func addShims(of folder: String, _ release: OTPRelease, to target: String)
    throws(PosixError)
  {
    try Files.makeFolder(target, mode: 0o755)
    for name in try Files.list(folder + "/bin") {
      let (program, shim) = ("\(folder)/bin/\(name)", "\(target)/\(name)")
      guard Files.isExecutableFile(program), try Files.info(shim) == nil else { continue }
      let place = "\(release.folder ?? "")/bin/\(name)"
      let script = "#!/bin/sh\nexec \"$(cd \"$(dirname \"$0\")/..\" && pwd -P)/\(place)\" \"$@\"\n"
      try File.open(shim, .create, mode: 0o755).write(script)
    }
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
