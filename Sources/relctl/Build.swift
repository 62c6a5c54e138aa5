import CommandLine
import DiskReserve
import Events
import HomeLayout
import Journal
import PlainText
import Posix
import Redaction
import ReleaseModel
import SlugStore

extension Verb {
  static let build = Verb(
    CommandSyntax(
      "build", "DIR|FILE", count: 1...1, "turn source, or what was built elsewhere, into a slug",
      details: """
        A folder of source is built. A built OTP release (releases/start_erl.data) becomes a slug as it
        is; what this buildpack has made elsewhere is imported and keeps its id. FILE is a tar archive of
        either, plain or packed with gzip or zstd. RELEASE_NAME and the variables RELPACK_... in the
        environment steer the build as config vars do on a platform, and so do --env and --env-file: their
        values are masked in the output and get into no argument list. Variables for mirrors, proxies and
        certificates (HEX_..., HTTPS_PROXY, SSL_CERT_FILE ...) are handed on.
        """,
      options: BuildVariables.options + [.json])
  ) { call throws(Cause) in
    let source = try Source(call.positional(0), call.context)
    let slug = try SlugMaker(call: call, app: nil).make(from: source)
    if call.wantsJSON {
      call.print(json: ["slug": slug])
    } else {
      call.context.print("-----> Slug \(slug)")
    }
    return .success
  }
}

/// Makes a slug of what the operator named, and puts it into the home's store.
struct SlugMaker {
  let call: Call
  /// Whose build it is, for the events; nil where nobody said.
  let app: String?
  /// Whether its boot is rehearsed where nobody says; not if it is booted at once anyway.
  var isRehearsed = true

  func make(from source: Source) throws(Cause) -> String {
    try ReservedSpace(home: call.home()).requireSpace()
    let slugImport = SlugImport(call: call, name: source.name, origin: source.origin)
    switch source.kind {
    case .project: return try build(source)
    case .otpRelease:
      try call.refuseBuildVariables(for: source.name)
      return try build(source)
    case .slug:
      try call.refuseBuildVariables(for: source.name)
      tell("Importing the slug in '\(source.name)'")
      let imported = try slugImport.take(source.path)
      slugImport.tell(imported)
      return imported.slug
    case .archive:
      try call.refuseBuildVariables(for: source.name)
      return try slugImport.unpacking(source.path) { folder throws(Cause) in
        try make(from: Source(unpacked: folder, of: source))
      }
    }
  }

  private func tell(_ step: String) {
    if !call.wantsJSON { call.context.print(call.shown("-----> \(step)")) }
  }

  private func build(_ source: Source) throws(Cause) -> String {
    let home = try call.home()
    let build = Random.hex(8)
    let variables = try BuildVariables(call, app: app)
    let journal = Journal(home: home, program: "relctl", config: variables.config.values)
    let provenance = provenance(of: source, journal.mask())
    let slug: String
    if source.kind == .project, User.isRoot {
      warnOfSSH(source)
      let guest = GuestBuild(
        call: call, app: app, build: build, home: home, provenance: provenance,
        variables: variables, environment: environment(build, provenance, variables))
      slug = try guest.run { tree throws(Cause) in
        try copy(source, to: tree)
      } store: { tree throws(Cause) in
        try SlugStore(home: home).store(tree, provenance: provenance.placed(by: tree)).id
      }
    } else {
      slug = try BuildFolder.use(in: home, build) { folder throws(Cause) in
        try make(build, source, in: folder, home, provenance, variables)
      }
    }
    try journal.append(
      .slugStored, app: app,
      EventData {
        ($0.slug, $0.build, $0.by, $0.folder) = (slug, build, call.user, provenance.folder)
        ($0.commit, $0.line) = (provenance.commit, provenance.line)
      })
    return slug
  }

  private func make(
    _ build: String, _ source: Source, in folder: String, _ home: Home, _ provenance: Provenance,
    _ variables: BuildVariables
  ) throws(Cause) -> String {
    let tree = folder + "/app"
    try copy(source, to: tree)
    if source.kind == .project {
      try variables.write(to: folder + "/env")
      var environment = environment(build, provenance, variables)
      environment["RELTUI_HOME"] = home.root
      let words = [
        try call.context.sibling("relpack"), "compile", tree, home.buildCache, folder + "/env",
      ]
      try compile(Invocation(words, in: tree, environment: environment), build, home)
    } else {
      tell("Taking the built OTP release in '\(source.name)' as it is")
      try describe(tree)
    }
    let made = try SlugTree(tree)
    return try SlugStore(home: home).store(made, provenance: provenance.placed(by: made)).id
  }

  private func copy(_ source: Source, to tree: String) throws(Cause) {
    let leftOut =
      source.kind == .project
      ? ["_build", ".git", ".elixir_ls"]
      // The cookie of a built release is a secret of whoever built it.
      : ["releases/COOKIE", "tmp", "log", ".reltui"]
    do throws(PosixError) {
      try FileTree.copy(source.path, to: tree) { leftOut.contains($0) }
    } catch {
      guard error.errno == .invalid else { throw Cause(error) }
      throw Cause(
        .slugContent,
        "\(error.subject) is neither file, folder nor link, or its name is not UTF-8",
        remedy: "Take it out of the source.")
    }
  }

  /// What `relpack` gets of ours.
  private func environment(
    _ build: String, _ provenance: Provenance, _ variables: BuildVariables
  ) -> [String: String] {
    var environment = variables.environment
    if !isRehearsed { environment["RELPACK_REHEARSAL"] = environment["RELPACK_REHEARSAL"] ?? "off" }
    environment["RELPACK_BUILD"] = build
    environment["RELPACK_APP"] = app
    environment["SOURCE_VERSION"] = provenance.commit
    return environment
  }

  private func compile(_ invocation: Invocation, _ build: String, _ home: Home) throws(Cause) {
    let exit: Exit
    do throws(PosixError) {
      let signals = try Signals([.hup, .int, .term])
      // What the build says is for people; with --json standard output is for the facts.
      let output = call.wantsJSON ? call.context.errors : call.context.output
      let child = try Child.start(
        invocation, output: .file(output), errors: .file(output), deathSignal: .term)
      exit = try wait(for: child, passingOn: signals)
    } catch { throw Cause(error) }
    guard exit == .code(0) else { throw failure(of: build, exit, home) }
  }

  /// A signal that comes to us is one for the build, which ends its tools and says that it was stopped.
  private func wait(for child: Child, passingOn signals: Signals) throws(PosixError) -> Exit {
    let end = ProcessIdentity(of: child.pid)?.endWatch()
    while let end {
      let ready = try Poll.wait([end.descriptor, signals.file.descriptor], milliseconds: nil)
      if ready.contains(end.descriptor) { break }
      if signals.next() != nil { child.signal(.term) }
    }
    return child.wait()
  }

  /// What the build itself wrote of its end.
  private func failure(of build: String, _ exit: Exit, _ home: Home) -> Cause {
    var follower = Follower(Journal(home: home, program: "relctl"), recent: 500)
    let events = (try? follower.take()) ?? []
    let failed = events.last { $0.type == .buildFailed && $0.data.build == build }
    // The build's tools have words of their own for it.
    return Cause(ifDiskIsFull: home.root) ?? failed?.data.cause
      ?? Cause(.releaseStep, "the build ended with \(exit)")
  }

  private func describe(_ tree: String) throws(Cause) {
    var findings: [NativeCode.Incompatibility] = []
    let manifest = try ManifestBuilder.describe(tree) { findings.append($0) }
    tell(manifest, findings)
    do throws(PosixError) {
      try Files.makeFolder(tree + "/.reltui")
      try Files.replace(tree + "/" + Manifest.path, with: manifest.bytes, mode: 0o644)
    } catch { throw Cause(error) }
  }

  /// The one thing of root's that private dependencies often need and that is not handed to the build user.
  private func warnOfSSH(_ source: Source) {
    let folder = call.context.environment["RELPACK_FOLDER"].map { "/" + $0 } ?? ""
    for lock in ["mix.lock", "rebar.lock"] {
      let bytes = (try? Files.readIfThere(source.path + folder + "/" + lock, limit: 16 << 20)) ?? []
      let text = String(decoding: bytes, as: UTF8.self)
      if !["git@", "ssh://"].contains(where: { text.contains($0) }) { continue }
      warn(
        "\(lock) has a dependency by SSH, and SSH_AUTH_SOCK is not handed to the build user: fetch it "
          + "by HTTPS with a token, or build as another user than root")
    }
  }

  private func warn(_ text: String) {
    let line = " !     " + call.shown(text)
    if call.wantsJSON { call.context.note(line) } else { call.context.print(line) }
  }

  /// A built release seldom has Procfile and app.json beside it; what goes without them must not go unsaid.
  private func tell(_ manifest: Manifest, _ findings: [NativeCode.Incompatibility]) {
    if call.wantsJSON { return }
    for finding in findings { warn(finding.sentence) }
    let processes = manifest.processes.map { "\($0.process): \($0.command)" }
    for line in processes
      + (manifest.appJSON == nil ? ["no app.json: no health check, one web"] : [])
    {
      call.context.print("       \(call.shown(line))")
    }
  }

  private func provenance(of source: Source, _ mask: Redactor) -> Provenance {
    let lines = source.path == source.origin ? lastCommit(of: source.path) : nil
    return Provenance(
      time: Timestamp(milliseconds: Clock.now()), by: call.user, folder: mask(source.origin),
      commit: lines?.first, line: lines?.dropFirst().first.map { mask($0) })
  }

  /// Its id and its subject line.
  private func lastCommit(of folder: String) -> [String]? {
    let environment = call.context.environment.filter { ["PATH", "HOME"].contains($0.key) }
    let git = Invocation(
      ["git", "-C", folder, "log", "-1", "--format=%H%n%s", "--", "."], environment: environment)
    return (try? git.run(errors: .null, limit: 5000)).flatMap { $0.isSuccess ? $0.text : nil }?
      .split(separator: "\n").map(String.init)
  }
}

extension Provenance {
  /// With the folder that the build's tools saw: what else a tree says of itself its builder knows better.
  fileprivate func placed(by tree: SlugTree) throws(Cause) -> Provenance {
    var provenance = self
    provenance.place = try tree.provenance()?.place.map(Printable.clean)
    return provenance
  }
}
