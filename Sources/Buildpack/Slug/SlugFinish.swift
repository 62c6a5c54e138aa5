import Events
import Glibc
import Posix
import Redaction
import ReleaseModel
import SlugStore

/// Makes a slug of what mix or rebar3 left: cleans it, looks through it, boots it, describes it.
struct SlugFinish {
  let build: Build
  let plan: BuildPlan
  let place: BuildPlace
  let staging: Staging
  let tools: BuildTools
  let facts: BuilderRun.Facts
  let inputs: BuildInputs

  struct Finished {
    var manifest: Manifest
    /// Whether the next build may take the slug as it is.
    var isSound: Bool
  }

  private var slug: String { place.real.slug }
  /// As mix or rebar3 left it.
  private var project: Project { plan.project.at(place.real.source) }
  private var output: BuildOutput { build.output }

  func run() throws(BuildFailure) -> Finished {
    let releases = try arrange()
    // The rehearsal's copy is made of what is stripped.
    let isStripping = plan.project.builder == .rebar3 && build.settings.debugInfo == .strip
    let pass = try beginPass(isStripping: isStripping)
    let stripped = isStripping ? try end(pass) : nil
    let processes = try processes(of: releases)
    let rehearsal = try Rehearsal.begin(
      build, releases, processes, facts.sortedVariables, plan.kept.appJSON, tree: slug,
      scratch: staging.scratch)
    defer { rehearsal?.stop() }
    var manifest = try describe()
    let searched = if let stripped { stripped } else { try end(pass) }
    manifest.debugInfo = searched.debugInfo
    try search(searched, releases)
    build.describe(manifest)
    let isSound = try rehearsal?.end(build, manifest) ?? true
    try write(manifest)
    return Finished(manifest: manifest, isSound: isSound)
  }

  /// What will be started.
  private func processes(of releases: [OTPRelease]) throws(BuildFailure) -> [Procfile.Entry] {
    let processes: [Procfile.Entry]
    do throws(Cause) {
      processes = try ManifestBuilder.processes(in: slug, releases)
    } catch { throw .slug(error) }
    if processes.isEmpty { output.warn("the Procfile is empty: nothing will be started") }
    let has = { (program: String) in Files.isExecutableFile("\(slug)/\(program)") }
    let missing = ProcessFault.release(in: processes, names: releases.map(\.name), has: has)
    if let missing { throw .process(missing) }
    for line in ProcessFault.absent(in: processes, has: has) { output.warn(line) }
    return processes
  }

  // MARK: - The tree

  /// Makes the tree what it will be, but for the manifest.
  /// - Returns: the OTP releases in it.
  private func arrange() throws(BuildFailure) -> [OTPRelease] {
    try checkLinks()
    let releases: [OTPRelease]
    do throws(Cause) { releases = try ManifestBuilder.otpReleases(in: slug) } catch {
      throw .slug(error)
    }
    do throws(PosixError) {
      // The project's own files may lie anywhere in its release; these tell of our build.
      try Files.remove(slug + "/.reltui")
      for release in releases { try clean(release, releases) }
      let leftOut = try plan.kept.write(from: project.source, to: slug)
      if let first = leftOut.first {
        let more = leftOut.count > 1 ? " and \(leftOut.count - 1) more links" : ""
        output.warn(
          "'\(first)'\(more) of earlier buildpacks: left out, as no link may leave a slug")
      }
      try ProfileScript.add(to: slug, releases)
      let bill = SBOM.bytes(releases, components)
      try Files.makeFolder(slug + "/.reltui", mode: 0o755)
      try File.open(slug + "/" + SBOM.path, .create, mode: 0o644).write(bill)
      try setModes()
    } catch { throw .unwritable(error) }
    return releases
  }

  /// Before anything is changed: what is removed or written by way of a link could be the host's own. relx in its mode
  /// for development links to Erlang itself.
  private func checkLinks() throws(BuildFailure) {
    let links: SlugLinks
    do throws(PosixError) { links = try SlugLinks(in: slug) } catch { throw .unreadable(error) }
    do throws(Cause) { try links.check() } catch {
      var cause = error
      if project.builder == .rebar3 {
        cause.remedy = "relx links where it is to develop: set {mode, prod} in rebar.config's relx."
      }
      throw .slug(cause)
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

  /// Takes out what no slug holds: the cookie of whoever built it, and source.
  private func clean(_ release: OTPRelease, _ releases: [OTPRelease]) throws(PosixError) {
    let folder = release.folder.map { "\(slug)/\($0)" } ?? slug
    try Files.remove(folder + "/releases/COOKIE")
    // What mix's step :tar adds: all of it once more, with the cookie.
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

  /// mix strips all code; what it compiled still has everything.
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

  /// The modes that the manifest tells, whatever the builder's umask.
  private func setModes() throws(PosixError) {
    for entry in try FileTree.entries(of: slug) where entry.info.kind != .link {
      let isExecutable = entry.info.kind == .folder || entry.info.isExecutable
      let mode = isExecutable ? 0o755 : 0o644 as UInt32
      if entry.info.mode != mode { try Files.setMode(slug + "/" + entry.path, mode) }
    }
  }

  // MARK: - What is in it

  private func beginPass(isStripping: Bool) throws(BuildFailure) -> BeamPass {
    do throws(PosixError) {
      return try BeamPass.begin(
        slug, in: place.real.modules, toolchain: ToolchainApplications.all,
        isStripping: isStripping, environment: tools.environment().variables)
    } catch { throw .unreadable(error) }
  }

  private func end(_ pass: BeamPass) throws(BuildFailure) -> BeamPass.Result {
    do throws(Cause) {
      if let result = try pass.end(interrupts: build.interrupts) { return result }
    } catch { throw .slug(error) }
    throw .interrupted(signal: .term)
  }

  private func describe() throws(BuildFailure) -> Manifest {
    do throws(Cause) {
      let known = BuildFacts(tools: tools.versions, variables: facts.sortedVariables)
      let manifest = try ManifestBuilder.describe(slug, known) { finding in
        build.tell([.native(finding)])
      }
      // No store takes one whose links lead out.
      try SlugLinks(manifest).check()
      return manifest
    } catch { throw .slug(error) }
  }

  /// Refuses a slug with what looks like a secret in it, and tells of what else is found.
  private func search(_ pass: BeamPass.Result, _ releases: [OTPRelease]) throws(BuildFailure) {
    let search = SlugSearch(ConfigSet(build.settings.mayLeak(build.config.values)))
    let fetched = project.builder == .rebar3 ? place.real.build + "/default/lib" : nil
    let paths = BuildPathSearch(place.seen, own: Set(facts.own.keys))
    var findings: [SlugFinding]
    do throws(PosixError) {
      findings = try search.findings(
        in: slug, pass,
        SlugSearch.Origin(
          source: project.source, fetched: fetched, toolchain: ToolchainApplications.all,
          releases: releases, isSource: inputs.isUnchanged))
      if let line = BuildPathSearch.line(try paths.findings(in: slug, pass)) { output.warn(line) }
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
    do throws(PosixError) {
      try Files.replace(slug + "/" + Manifest.path, with: manifest.bytes, mode: 0o644)
    } catch { throw .unwritable(error) }
  }
}
