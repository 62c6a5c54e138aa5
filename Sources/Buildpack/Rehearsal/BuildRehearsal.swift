import Posix

/// The rehearsal as a step of a build.
extension Rehearsal {
  /// Starts it beside what is left to do; nothing changes the tree meanwhile.
  /// - Returns: nil where none is wanted.
  static func begin(
    _ build: Build, _ releases: [OTPRelease], _ processes: [Procfile.Entry],
    _ variables: [Manifest.Variable], _ appJSON: AppJSON?, tree: String, scratch: String
  ) throws(BuildFailure) -> Rehearsal? {
    if build.settings.rehearsal == .off { return nil }
    do throws(PosixError) {
      return try begin(
        Request(
          tree: tree, releases: releases, processes: processes, variables: variables,
          appJSON: appJSON, config: build.config.values, mode: build.settings.rehearsal,
          scratch: scratch, program: try Files.target(ofLink: "/proc/self/exe")))
    } catch { throw .unreadable(error) }
  }

  /// Waits for it, and tells.
  /// - Returns: whether it booted.
  func end(_ build: Build) throws(BuildFailure) -> Bool {
    try build.begin(.rehearse)
    let results = try end(interrupts: build.interrupts)
    // The failure is told when it ends the build.
    if let cause = build.settings.rehearsal.failure(results) { throw .rehearsal(cause) }
    build.output.tell(results)
    return results.allSatisfy { $0.problem == nil }
  }

  /// Rehearses a slug that was made before.
  static func perform(_ build: Build, _ manifest: Manifest, _ staging: Staging)
    throws(BuildFailure)
  {
    let rehearsal = try begin(
      build, manifest.otpReleases, manifest.processes, manifest.variables ?? [],
      manifest.appJSON, tree: staging.slug, scratch: staging.scratch)
    defer { rehearsal?.stop() }
    _ = try rehearsal?.end(build)
  }
}
