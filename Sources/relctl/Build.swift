import CommandLine
import Disk
import Journal
import Posix
import ReleaseModel
import SlugStore

extension Verb {
  static let build = Verb(
    Command(
      "build", "DIR", count: 1...1, "turn a folder of source into a slug",
      details: """
        A folder with a built OTP release (releases/start_erl.data) becomes a slug as it is. RELEASE_NAME and
        the variables RELPACK_... in the environment steer the build as config vars do on a platform.
        """,
      options: [.json])
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

/// A folder that somebody named to be built, and what it holds.
struct Source {
  enum Kind { case project, otpRelease }

  let path: String
  let kind: Kind

  /// - Throws: a cause before anything is made or copied.
  init(_ name: String, _ context: Context) throws(Cause) {
    do throws(PosixError) { path = try Files.resolve(context.absolute(name)) } catch {
      throw Cause(.sourceMissing, "cannot build '\(name)': \(error.errno)")
    }
    guard Files.isFolder(path) else {
      throw Cause(.sourceMissing, "cannot build '\(name)': it is no folder")
    }
    if Files.exists(path + "/releases/start_erl.data") {
      kind = .otpRelease
    } else if try Self.isProject(path, context) {
      kind = .project
    } else {
      throw Cause(
        .sourceUnknown,
        "'\(name)' holds neither one project of mix or rebar3 nor a built OTP release")
    }
    try checkTexts()
  }

  /// Asks whoever would build it; a folder that is chosen in it is looked at when it is built.
  private static func isProject(_ path: String, _ context: Context) throws(Cause) -> Bool {
    if context.environment["RELPACK_FOLDER"] != nil { return true }
    let detect = Invocation(
      [try context.sibling("relpack"), "detect", path], environment: ["PATH": "/usr/bin:/bin"])
    do throws(PosixError) { return try detect.run(errors: .null, limit: 30_000).isSuccess } catch {
      throw Cause(error)
    }
  }

  /// What people write by hand is read first: a slip there must not cost a build.
  private func checkTexts() throws(Cause) {
    func read(_ file: String) throws(Cause) -> [UInt8]? {
      do throws(PosixError) {
        return try Files.readIfThere(path + "/" + file, limit: 1 << 20)
      } catch {
        throw Cause(error)
      }
    }
    if let bytes = try read("Procfile") {
      _ = try Procfile(text: String(decoding: bytes, as: UTF8.self))
    }
    if let bytes = try read("app.json") { _ = try AppJSON(bytes: bytes) }
  }
}

/// Makes a slug of a source and puts it into the home's store.
struct SlugMaker {
  let call: Call
  /// Whose build it is, for the events; nil where nobody said.
  let app: String?
  /// Whether its boot is rehearsed where nobody says; not if it is booted at once anyway.
  var isRehearsed = true

  func make(from source: Source) throws(Cause) -> String {
    let home = try call.home()
    try Ballast(home: home).requireSpace()
    let build = Random.hex(8)
    let journal = Journal(home: home, program: "relctl")
    let provenance = provenance(of: source, journal.mask())
    let slug: String
    if source.kind == .project, User.isRoot {
      let guest = GuestBuild(
        call: call, app: app, build: build, home: home, provenance: provenance,
        variables: environment(build, provenance))
      slug = try guest.run {
        tree throws(Cause) in
        try copy(source, to: tree)
      } store: { tree throws(Cause) in
        try SlugStore(home: home).store(tree, provenance: provenance).id
      }
    } else {
      slug = try make(build, source, home, provenance)
    }
    try journal.append(
      .slugStored, app: app,
      EventData {
        ($0.slug, $0.build, $0.by, $0.folder) = (slug, build, call.user, provenance.folder)
        ($0.commit, $0.line) = (provenance.commit, provenance.line)
      })
    return slug
  }

  private func make(_ build: String, _ source: Source, _ home: Home, _ provenance: Provenance)
    throws(Cause) -> String
  {
    let folder = home.builds + "/" + build
    do throws(PosixError) { try Files.makeFolder(folder) } catch {
      throw Cause(error, as: .homeUnwritable)
    }
    defer { try? Files.remove(folder) }
    let tree = folder + "/app"
    try copy(source, to: tree)
    switch source.kind {
    case .project:
      try compile(tree, build, try call.context.sibling("relpack"), home, provenance)
    case .otpRelease: try describe(tree)
    }
    return try SlugStore(home: home).store(tree: tree, provenance: provenance)
  }

  private func copy(_ source: Source, to tree: String) throws(Cause) {
    let leftOut =
      switch source.kind {
      case .project: ["_build", ".git", ".elixir_ls"]
      // The cookie of a built release is a secret of whoever built it.
      case .otpRelease: ["releases/COOKIE", "tmp", "log", ".reltui"]
      }
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

  /// What `relpack` needs of the environment; it gets nothing else of ours.
  private static let passed: Set<String> = [
    "PATH", "HOME", "LANG", "http_proxy", "https_proxy", "SSL_CERT_FILE", "HEX_CACERTS_PATH",
    "RELEASE_NAME",
  ]

  private func environment(_ build: String, _ provenance: Provenance) -> [String: String] {
    var environment = call.context.environment.filter {
      Self.passed.contains($0.key) || $0.key.hasPrefix("RELPACK_")
    }
    if !isRehearsed { environment["RELPACK_REHEARSAL"] = environment["RELPACK_REHEARSAL"] ?? "off" }
    environment["RELPACK_BUILD"] = build
    environment["RELPACK_APP"] = app
    environment["SOURCE_VERSION"] = provenance.commit
    return environment
  }

  private func compile(
    _ tree: String, _ build: String, _ builder: String, _ home: Home, _ provenance: Provenance
  ) throws(Cause) {
    var environment = environment(build, provenance)
    environment["RELTUI_HOME"] = home.root
    let invocation = Invocation(
      [builder, "compile", tree, home.buildCache], in: tree, environment: environment)
    let exit: Exit
    do throws(PosixError) {
      // What the build says is for people; with --json standard output is for the facts.
      let output = call.wantsJSON ? call.context.errors : call.context.output
      let child = try Child.start(invocation, output: .file(output), errors: .file(output))
      exit = child.wait()
    } catch { throw Cause(error) }
    guard exit == .code(0) else { throw failure(of: build, exit, home) }
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
    var findings: [NativeCode.Finding] = []
    let manifest = try ManifestBuilder.describe(tree) { findings.append($0) }
    tell(manifest, findings)
    do throws(PosixError) {
      try Files.makeFolder(tree + "/.reltui")
      try Files.replace(tree + "/" + Manifest.path, with: manifest.bytes, mode: 0o644)
    } catch { throw Cause(error) }
  }

  /// A built release seldom has Procfile and app.json beside it; what goes without them must not go unsaid.
  private func tell(_ manifest: Manifest, _ findings: [NativeCode.Finding]) {
    if call.wantsJSON { return }
    for finding in findings { call.context.print(" !     \(call.shown(finding.sentence))") }
    let processes = manifest.processes.map { "\($0.process): \($0.command)" }
    for line in processes
      + (manifest.appJSON == nil ? ["no app.json: no health check, one web"] : [])
    {
      call.context.print("       \(call.shown(line))")
    }
  }

  private func provenance(of source: Source, _ mask: Mask) -> Provenance {
    let environment = call.context.environment.filter { ["PATH", "HOME"].contains($0.key) }
    let git = Invocation(
      ["git", "-C", source.path, "log", "-1", "--format=%H%n%s", "--", "."],
      environment: environment)
    let lines = (try? git.run(errors: .null, limit: 5000)).flatMap { $0.isSuccess ? $0.text : nil }?
      .split(separator: "\n").map(String.init)
    return Provenance(
      time: Timestamp(milliseconds: Clock.now()), by: call.user, folder: mask(source.path),
      commit: lines?.first, line: lines?.dropFirst().first.map { mask($0) })
  }
}
