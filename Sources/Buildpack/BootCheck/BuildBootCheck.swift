import Posix
import ReleaseModel

extension BootCheck.Request {
  init(
    _ build: Build, _ releases: [OTPRelease], _ processes: [Procfile.Entry],
    _ variables: [Manifest.Variable], _ appJSON: AppJSON?, tree: String, scratch: String
  ) {
    self.init(
      tree: tree, releases: releases, processes: processes, variables: variables,
      appJSON: appJSON, config: build.configVars.values, mode: build.settings.bootCheck,
      scratch: scratch)
  }
}

extension BootCheck {
  /// Waits for the result, prints it, and saves it in the cache if all releases booted.
  /// - Returns: whether all releases booted, or could not be tried.
  func end(_ build: Build, _ manifest: Manifest) throws(BuildFailure) -> Bool {
    try build.begin(.bootCheck)
    let results = try end(interrupts: build.interrupts)
    // The output shows this failure when it ends the build.
    if let cause = build.settings.bootCheck.failure(results) { throw .cause(cause) }
    build.output.tell(results)
    if let folder = Self.folder(build) {
      SavedBootCheck.write(results, digest: Self.digest(manifest, request), to: folder)
    }
    return results.allSatisfy { $0.problem == nil }
  }

  /// Checks a slug that came from the cache. If the cache says that this slug has booted here in the same way, the slug
  /// is not booted again.
  static func perform(_ build: Build, _ manifest: Manifest, _ staging: Staging)
    throws(BuildFailure)
  {
    let request = Request(
      build, manifest.otpReleases, manifest.processes, manifest.variables ?? [], manifest.appJSON,
      tree: staging.slug, scratch: staging.scratch)
    if let folder = folder(build),
      let saved = SavedBootCheck.read(
        folder, digest: digest(manifest, request), releases: request.releases.map(\.name))
    {
      try build.begin(.bootCheck)
      for line in saved.compactMap(\.line) {
        build.output.detail(line + " (result of the last boot check of this slug)")
      }
      return
    }
    let check = try BuildFailure.reading(begin(request))
    defer { check.stop() }
    _ = try check.end(build, manifest)
  }

  private static func digest(_ manifest: Manifest, _ request: Request) -> String {
    SavedBootCheck.digest(slug: Hex.encode(SHA256.digest(manifest.bytes)), request)
  }

  /// The cache folder for the result; nil if the build has no cache.
  private static func folder(_ build: Build) -> String? {
    build.settings.usesCache ? build.request.cache.map { $0 + "/reltui" } : nil
  }
}
