import Posix
import SlugStore

/// Makes a slug of what mix or rebar3 left.
struct SlugFinish {
  /// The slug's tree.
  let slug: String
  let plan: BuildPlan
  let tools: BuildTools
  let facts: BuilderRun.Facts

  /// Makes the tree what it will be, but for what is said of it in `.reltui`.
  /// - Returns: the OTP releases in it.
  func arrange() throws(BuildFailure) -> [OTPRelease] {
    let releases: [OTPRelease]
    do throws(Cause) { releases = try ManifestBuilder.otpReleases(in: slug) } catch {
      throw .slug(error)
    }
    do throws(PosixError) {
      // The project's own files may lie anywhere in its release; these tell of our build.
      try Files.remove(slug + "/.reltui")
      for release in releases { try clean(release) }
      try plan.kept.write(to: slug)
      try ProfileScript.add(to: slug, releases)
      try Files.makeFolder(slug + "/.reltui")
      try setModes()
    } catch { throw .unwritable(error) }
    return releases
  }

  /// Writes the manifest of a tree that is arranged.
  func describe() throws(BuildFailure) -> Manifest {
    let manifest: Manifest
    do throws(Cause) {
      manifest = try ManifestBuilder.describe(
        slug, BuildFacts(tools: tools.versions, variables: facts.sortedVariables))
    } catch { throw .slug(error) }
    do throws(PosixError) {
      try Files.replace(slug + "/" + Manifest.path, with: manifest.bytes, mode: 0o644)
      try Files.setMode(slug + "/" + Manifest.path, 0o644)
    } catch { throw .unwritable(error) }
    return manifest
  }

  /// Takes out what no slug holds: the cookie of whoever built it, and source.
  private func clean(_ release: OTPRelease) throws(PosixError) {
    let folder = release.folder.map { "\(slug)/\($0)" } ?? slug
    try Files.remove(folder + "/releases/COOKIE")
    // What mix's step :tar adds: all of it once more, with the cookie.
    try Files.remove("\(folder)/\(release.name)-\(release.version).tar.gz")
    for name in try Files.list(folder + "/lib") {
      try Files.remove("\(folder)/lib/\(name)/src")
    }
    if release.kind == .mix {
      try Self.addSnippet(to: "\(folder)/releases/\(release.version)/env.sh")
    }
    // Its start command does not work by a link, and a copy would look for its files beside itself.
    if release.folder != nil { try Self.addShims(of: folder, release, to: slug + "/bin") }
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
  private func setModes() throws(PosixError) {
    for entry in try FileTree.entries(of: slug) where entry.info.kind != .link {
      let isExecutable = entry.info.kind == .folder || entry.info.isExecutable
      let mode = isExecutable ? 0o755 : 0o644 as UInt32
      if entry.info.mode != mode { try Files.setMode(slug + "/" + entry.path, mode) }
    }
  }
}
