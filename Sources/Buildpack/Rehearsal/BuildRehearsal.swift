import DiskReserve
import Posix
import ReleaseModel

/// The rehearsal as a step of a build.
extension Rehearsal {
  /// Starts it beside what is left to do; nothing changes the tree meanwhile.
  /// - Returns: nil where none is wanted.
  static func begin(
    _ build: Build, _ releases: [OTPRelease], _ processes: [Procfile.Entry],
    _ variables: [Manifest.Variable], _ appJSON: AppJSON?, tree: String, scratch: String
  ) throws(BuildFailure) -> Rehearsal? {
    if build.settings.rehearsal == .off { return nil }
    let request = try request(
      build, releases, processes, variables, appJSON, tree: tree, scratch: scratch)
    do throws(PosixError) { return try begin(request) } catch { throw .unreadable(error) }
  }

  private static func request(
    _ build: Build, _ releases: [OTPRelease], _ processes: [Procfile.Entry],
    _ variables: [Manifest.Variable], _ appJSON: AppJSON?, tree: String, scratch: String
  ) throws(BuildFailure) -> Request {
    do throws(PosixError) {
      return Request(
        tree: tree, releases: releases, processes: processes, variables: variables,
        appJSON: appJSON, config: build.config.values, mode: build.settings.rehearsal,
        scratch: scratch, program: try Files.target(ofLink: "/proc/self/exe"))
    } catch { throw .unreadable(error) }
  }

  /// Waits for it, tells, and keeps the verdict.
  /// - Parameter manifest: of the slug that is booted.
  /// - Returns: whether it booted.
  func end(_ build: Build, _ manifest: Manifest) throws(BuildFailure) -> Bool {
    try build.begin(.rehearse)
    let results = try end(interrupts: build.interrupts)
    // The failure is told when it ends the build.
    if let cause = build.settings.rehearsal.failure(results) { throw .rehearsal(cause) }
    build.output.tell(results)
    if let folder = Self.folder(build) {
      KeptVerdict.write(results, digest: Self.digest(manifest, request), to: folder)
    }
    return results.allSatisfy { $0.problem == nil }
  }

  /// Rehearses a slug that was made before; where it has booted here in the same way, says so instead.
  static func perform(_ build: Build, _ manifest: Manifest, _ staging: Staging)
    throws(BuildFailure)
  {
    if build.settings.rehearsal == .off { return }
    let request = try request(
      build, manifest.otpReleases, manifest.processes, manifest.variables ?? [], manifest.appJSON,
      tree: staging.slug, scratch: staging.scratch)
    if let folder = folder(build),
      let kept = KeptVerdict.read(
        folder, digest: digest(manifest, request), releases: request.releases.map(\.name))
    {
      try build.begin(.rehearse)
      for line in kept.compactMap(\.line) {
        build.output.detail(line + " (as when this slug was last rehearsed here)")
      }
      return
    }
    let rehearsal: Rehearsal
    do throws(PosixError) { rehearsal = try begin(request) } catch { throw .unreadable(error) }
    defer { rehearsal.stop() }
    _ = try rehearsal.end(build, manifest)
  }

  private static func digest(_ manifest: Manifest, _ request: Request) -> String {
    KeptVerdict.digest(slug: Hex.encode(SHA256.digest(manifest.bytes)), request)
  }

  /// Where the verdict is kept; nil where nothing is.
  private static func folder(_ build: Build) -> String? {
    build.settings.usesCache ? build.request.cache.map { $0 + "/reltui" } : nil
  }
}
