import Events
import Glibc
import Posix
import Redaction
import ReleaseModel
import SlugStore

/// The assembly of a slug: it cleans, searches, boots and describes the release that mix or rebar3 has built.
struct SlugAssembly {
  let build: Build
  let plan: BuildPlan
  let place: BuildPlace
  let staging: Staging
  let tools: BuildTools
  let facts: BuilderRun.Facts
  let inputs: BuildInputs

  struct Finished {
    var manifest: Manifest
    /// Whether the cache may keep the slug for the next build.
    var isSound: Bool
  }

  private var slug: String { place.real.slug }
  /// The project's copy, as mix or rebar3 left it.
  private var project: Project { plan.project.at(place.real.source) }
  private var output: BuildOutput { build.output }

  func run() throws(BuildFailure) -> Finished {
    let releases = try arrange()
    // The boot check needs the final modules, so stripping ends before the check begins.
    let isStripping = plan.project.builder == .rebar3 && build.settings.debugInfo == .strip
    let stripper = try beginStripper(isStripping: isStripping)
    let stripped = isStripping ? try end(stripper) : nil
    let processes = try processes(of: releases)
    let check =
      plan.has(.bootCheck)
      ? try BuildFailure.reading(
        BootCheck.begin(
          .init(
            build, releases, processes, facts.sortedVariables, plan.runtimeFiles.appJSON,
            tree: slug, scratch: staging.scratch))) : nil
    defer { check?.stop() }
    var manifest = try describe()
    let beams = if let stripped { stripped } else { try end(stripper) }
    manifest.debugInfo = beams.debugInfo
    try search(beams, releases)
    build.describe(manifest)
    let isSound = try check?.end(build, manifest) ?? true
    try write(manifest)
    return Finished(manifest: manifest, isSound: isSound)
  }

  /// The process types of the slug, checked against its programs.
  private func processes(of releases: [OTPRelease]) throws(BuildFailure) -> [Procfile.Entry] {
    let processes = try BuildFailure.explained(ManifestBuilder.processes(in: slug, releases))
    if processes.isEmpty { output.warn("the Procfile is empty: nothing will be started") }
    let has = { (program: String) in Files.isExecutableFile("\(slug)/\(program)") }
    let missing = ProcessFault.release(in: processes, names: releases.map(\.name), has: has)
    if let missing { throw .process(missing) }
    for line in ProcessFault.absent(in: processes, has: has) { output.warn(line) }
    return processes
  }

  // MARK: - The tree

  /// Makes the final tree except for the manifest.
  private func arrange() throws(BuildFailure) -> [OTPRelease] {
    try checkLinks()
    let releases = try BuildFailure.explained(ManifestBuilder.otpReleases(in: slug))
    do throws(PosixError) {
      // The project may put files anywhere in its release. This folder belongs to the buildpack.
      try Files.remove(slug + "/.reltui")
      for release in releases { try clean(release, releases) }
      let leftOut = try plan.runtimeFiles.write(from: project.source, to: slug)
      if let first = leftOut.first {
        let more = leftOut.count > 1 ? " and \(leftOut.count - 1) more links" : ""
        output.warn(
          "'\(first)'\(more) of earlier buildpacks left out: links may not lead out of the slug")
      }
      try ProfileScript.add(to: slug, releases)
      let bill = SBOM.bytes(releases, components)
      try Files.makeFolder(slug + "/.reltui", mode: 0o755)
      try File.open(slug + "/" + SBOM.path, .create, mode: 0o644).write(bill)
      try FileTree.setPlainModes(slug)
    } catch { throw .unwritable(error) }
    return releases
  }

  /// Checks links before anything is changed, because a change through a link could hit a file of the host. In its
  /// development mode relx links to the host's Erlang.
  private func checkLinks() throws(BuildFailure) {
    let links = try BuildFailure.reading(SlugLinks(in: slug))
    do throws(Cause) { try links.check() } catch {
      var cause = error
      if project.builder == .rebar3 {
        cause.remedy =
          "relx makes links in its development mode: set {mode, prod} in rebar.config's relx."
      }
      throw .cause(cause)
    }
  }

  private var components: [Component] {
    let deps =
      project.builder == .mix ? project.folder + "/deps" : place.real.build + "/default/lib"
    let locks = ["mix.lock", "rebar.lock"].map { project.folder + "/" + $0 }
    return Components.read(deps: deps, locks: locks)
      + facts.own.sorted { $0.key < $1.key }.map {
        Component(application: $0.key, licences: $0.value)
      }
  }

  /// Removes the cookie and the source files, and adds the buildpack's start scripts.
  private func clean(_ release: OTPRelease, _ releases: [OTPRelease]) throws(PosixError) {
    let folder = release.folder.map { "\(slug)/\($0)" } ?? slug
    try Files.remove(folder + "/releases/COOKIE")
    // mix's step :tar adds a second copy of the release, with the cookie.
    try Files.remove("\(folder)/\(release.name)-\(release.version).tar.gz")
    for name in try Files.list(folder + "/lib") {
      for part in ["src", "include"] { try Files.remove("\(folder)/lib/\(name)/\(part)") }
    }
    if plan.project.builder == .mix, build.settings.debugInfo != .strip {
      try keepDebugInfo(folder)
    }
    if release.kind == .mix {
      try Self.add(
        StartSnippet(release, among: releases), to: "\(folder)/releases/\(release.version)/env.sh")
    }
    // The start script works neither through a link nor as a copy: it looks for files beside itself.
    if release.folder != nil { try Self.addShims(of: folder, release, to: slug + "/bin") }
  }

  /// Adds to the tree's `bin` a script for each program of a release in `rel/NAME`. The script runs that program.
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

  /// Copies the project's modules again from where mix compiled them, since `mix release` strips all code.
  private func keepDebugInfo(_ folder: String) throws(PosixError) {
    for name in try Files.list(folder + "/lib") {
      let application = String(name.prefix { $0 != "-" })
      let compiled = "\(place.real.build)/lib/\(application)/ebin"
      if ToolchainApplications.all.contains(application) || !Files.isFolder(compiled) { continue }
      for module in try Files.list(compiled) where module.hasSuffix(".beam") {
        let target = "\(folder)/lib/\(name)/ebin/\(module)"
        guard try Files.info(target)?.kind == .file else { continue }
        try Files.remove(target)
        try FileTree.copyFile("\(compiled)/\(module)", to: target, mode: 0o644)
      }
    }
  }

  private static func add(_ snippet: StartSnippet, to path: String) throws(PosixError) {
    let script = try Files.readIfThere(path, limit: 1 << 20) ?? Array("#!/bin/sh\n".utf8)
    try Files.remove(path)
    try File.open(path, .create, mode: 0o644).write(
      Array(snippet.head.utf8) + script + Array(snippet.tail.utf8))
  }

  // MARK: - Its content

  private func beginStripper(isStripping: Bool) throws(BuildFailure) -> BeamStripper {
    try BuildFailure.reading(
      BeamStripper.begin(
        slug, in: place.real.modules, toolchain: ToolchainApplications.all,
        isStripping: isStripping, environment: tools.environment().variables))
  }

  private func end(_ stripper: BeamStripper) throws(BuildFailure) -> BeamStripper.Result {
    do throws(Cause) {
      if let result = try stripper.end(interrupts: build.interrupts) { return result }
    } catch { throw .cause(error) }
    throw .interrupted(signal: .term)
  }

  private func describe() throws(BuildFailure) -> Manifest {
    do throws(Cause) {
      let manifest = try ManifestBuilder.describe(
        slug, tools: tools.versions, variables: facts.sortedVariables
      ) { build.tell([.native($0)]) }
      // The slug store refuses links that lead out of the slug.
      try SlugLinks(manifest).check()
      return manifest
    } catch { throw .cause(error) }
  }

  /// Refuses a slug with a secret in it, and warns of other findings.
  private func search(_ beams: BeamStripper.Result, _ releases: [OTPRelease]) throws(BuildFailure) {
    let search = SlugSearch(ConfigSet(build.settings.mayLeak(build.configVars.values)))
    let fetched = project.builder == .rebar3 ? place.real.build + "/default/lib" : nil
    let paths = BuildPathSearch(place.seen, own: Set(facts.own.keys))
    var findings: [SlugFinding]
    do throws(PosixError) {
      findings = try search.findings(
        in: slug, beams,
        SlugSearch.Origin(
          source: project.source, fetched: fetched, toolchain: ToolchainApplications.all,
          releases: releases, isSource: inputs.isUnchanged))
      if let line = BuildPathSearch.line(try paths.buildPaths(in: slug, beams)) {
        output.warn(line)
      }
      findings += try CookieSearch.findings(in: slug, releases)
    } catch { throw .unreadable(error) }
    let secrets = findings.filter { if case .value = $0 { true } else { false } }
    if !secrets.isEmpty { throw .secret(secrets) }
    let harmless = findings.filter { finding in
      if case .harmless(let name, _) = finding { !facts.baked.contains(name) } else { false }
    }
    if let line = SlugFinding.harmless(harmless) { output.warn(line) }
    build.tell(findings.filter { if case .harmless = $0 { false } else { true } })
  }

  private func write(_ manifest: Manifest) throws(BuildFailure) {
    try BuildFailure.writing(
      Files.replace(slug + "/" + Manifest.path, with: manifest.bytes, mode: 0o644))
  }
}

extension FileTree {
  /// Sets the modes that a manifest can describe, so that the umask has no effect: every user may read all files and
  /// execute the programs.
  static func setPlainModes(_ tree: String) throws(PosixError) {
    for entry in try entries(of: tree) where entry.info.kind != .link {
      let isExecutable = entry.info.kind == .folder || entry.info.isExecutable
      let mode: UInt32 = isExecutable ? 0o755 : 0o644
      if entry.info.mode != mode { try Files.setMode(tree + "/" + entry.path, mode) }
    }
  }
}
