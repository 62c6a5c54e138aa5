import Events
import HomeLayout
import Journal
import PlainText
import Posix
import ReleaseModel
import SlugStore

/// A build for a home: it makes a slug of a copy of a source and puts the slug into the home's store.
///
/// relpack does the work as a program of its own. When root builds source code, it runs as the build user:
/// `UnprivilegedBuild`.
public struct HomeBuild {
  public enum Content {
    /// Source code, built by the relpack at this path.
    case project(relpack: String)
    /// An OTP release that mix or relx has built. It becomes a slug as it is.
    case otpRelease
  }

  let home: Home
  let journal: EventJournal
  let app: String?
  let operatorName: String
  let variables: BuildVariables
  /// The environment of the program that asks for the build.
  let environment: [String: String]
  let output: File
  let write: (String) -> Void
  let id = Random.hex(8)
  /// Whether the source is code of a fork: it is built as a user that nothing else has, and without a cache.
  public var isFork = false
  /// Whether the build checks that the slug boots, if neither a variable nor a config var says so.
  public var isBootChecked = true

  /// - Parameters:
  ///   - journal: masks the values of `variables`.
  ///   - output: the file to which relpack writes its output.
  public init(
    home: Home, journal: EventJournal, app: String?, by operatorName: String,
    variables: BuildVariables,
    environment: [String: String], output: File, write: @escaping (String) -> Void
  ) {
    (self.home, self.journal, self.app) = (home, journal, app)
    (self.operatorName, self.variables) = (operatorName, variables)
    (self.environment, self.output, self.write) = (environment, output, write)
  }

  /// Builds and stores a source.
  /// - Parameter origin: the folder or archive that the operator named, for the events.
  public func run(_ source: String, origin: String, _ content: Content) throws(Cause) -> String {
    let provenance = provenance(of: source, origin)
    if case .project(let relpack) = content, User.isRoot {
      warnOfSSH(source)
      let build = UnprivilegedBuild(build: self, relpack: relpack, provenance: provenance)
      return try record(
        build.run { folder, _ throws(Cause) in
          try copy(source, content, to: folder + "/app")
          return nil
        })
    }
    let slug = try BuildFolder.use(in: home, id) { folder throws(Cause) in
      try copy(source, content, to: folder + "/app")
      return try make(content, in: folder, provenance)
    }
    return try record((slug, provenance))
  }

  /// Builds and stores what a repository has.
  public func run(_ source: GitSource, relpack: String) throws(Cause) -> String {
    let provenance = Provenance(
      time: Timestamp(milliseconds: Clock.now()), by: operatorName, folder: source.url, commit: nil,
      line: nil)
    write("-----> Fetching \(source.ref) of \(source.url)")
    if User.isRoot {
      let build = UnprivilegedBuild(build: self, relpack: relpack, provenance: provenance)
      return try record(
        build.run { folder, user throws(Cause) in
          func own(_ path: String) throws(Cause) {
            try Cause.explaining(FileTree.give(path, to: user.id))
          }
          try own(folder)
          return try fetch(source, into: folder, as: user.words, own: own)
        })
    }
    return try record(
      BuildFolder.use(in: home, id) { folder throws(Cause) in
        let commit = try fetch(source, into: folder, as: []) { _ in }
        let known = provenance.with(commit)
        return (try make(.project(relpack: relpack), in: folder, known), known)
      })
  }

  private func fetch(
    _ source: GitSource, into folder: String, as words: [String],
    own: (String) throws(Cause) -> Void
  ) throws(Cause) -> GitSource.Commit {
    let variables = isFork ? variables.environment : environment
    var commit = try source.fetch(into: folder, as: words, variables, own: own)
    commit.line = commit.line.map { Self.short(Printable.clean(journal.mask()($0))) }
    write("       \(commit.id.prefix(12)) \(commit.line ?? "")")
    return commit
  }

  private func record(_ made: (slug: String, provenance: Provenance)) throws(Cause) -> String {
    let (slug, provenance) = made
    try journal.append(
      .slugStored, app: app,
      EventData {
        ($0.slug, $0.build, $0.by, $0.folder) = (slug, id, operatorName, provenance.folder)
        ($0.commit, $0.line) = (provenance.commit, provenance.line)
      })
    return slug
  }

  private func make(_ content: Content, in folder: String, _ provenance: Provenance) throws(Cause)
    -> String
  {
    let tree = folder + "/app"
    switch content {
    case .otpRelease: try describe(tree)
    case .project(let relpack):
      try variables.write(to: folder + "/env")
      var environment = builderEnvironment(provenance)
      environment["RELTUI_HOME"] = home.root
      let words = [relpack, "compile", tree, home.buildCache, folder + "/env"]
      try compile(Invocation(words, in: tree, environment: environment))
    }
    return try store(try SlugTree(tree), provenance)
  }

  private func copy(_ source: String, _ content: Content, to tree: String) throws(Cause) {
    let leftOut =
      if case .project = content {
        ["_build", ".git", ".elixir_ls"]
      } else {
        // The cookie is a secret of the host on which the release was built.
        ["releases/COOKIE", "tmp", "log", ".reltui"]
      }
    do throws(PosixError) {
      try FileTree.copy(source, to: tree) { leftOut.contains($0) }
    } catch {
      guard error.errno == .invalid else { throw Cause(error) }
      throw Cause(
        .slugContent,
        "\(error.subject) is neither file, folder nor link, or its name is not UTF-8",
        remedy: "Remove it from the source.")
    }
  }

  /// A text from outside, cut so that the provenance which holds it can be read again.
  private static func short(_ text: String) -> String { String(text.prefix(500)) }

  /// Compares each file with the manifest while it stores the tree.
  func store(_ tree: SlugTree, _ provenance: Provenance) throws(Cause) -> String {
    var provenance = provenance
    // The tree knows in which folder the build's tools saw the source.
    provenance.place = try tree.provenance()?.place.map { Self.short(Printable.clean($0)) }
    provenance.fork = isFork ? true : nil
    return try StoredSlugs(home: home).store(tree, provenance: provenance).id
  }

  /// The environment of relpack, except for what depends on the folder.
  func builderEnvironment(_ provenance: Provenance) -> [String: String] {
    var environment = variables.environment
    let isChosen = BuildSettings.bootCheckNames.contains {
      environment[$0] != nil || variables.config.values[$0] != nil
    }
    if !isBootChecked, !isChosen { environment[BuildSettings.bootCheckNames[0]] = "off" }
    environment["RELPACK_BUILD"] = id
    environment["RELPACK_APP"] = app
    environment["SOURCE_VERSION"] = provenance.commit
    return environment
  }

  private func compile(_ invocation: Invocation) throws(Cause) {
    let exit: Exit
    do throws(PosixError) {
      let passed: Set<Signal> = [.hup, .int, .term]
      let signals = try Signals(Array(passed))
      let child = try Child.start(
        invocation, output: .file(output), errors: .file(output), deathSignal: .term)
      // relpack ends its tools and records that it was stopped.
      exit = try child.wait(passing: passed, of: signals)
    } catch { throw Cause(error) }
    guard exit == .code(0) else { throw failure(exit) }
  }

  /// The cause that relpack has recorded.
  private func failure(_ exit: Exit) -> Cause {
    var follower = Follower(journal, recent: 500)
    let events = (try? follower.take()) ?? []
    let failed = events.last { $0.type == .buildFailed && $0.data.build == id }
    // On a full disk the tools fail with messages of their own.
    return Cause(ifDiskIsFull: home.root) ?? failed?.data.cause
      ?? Cause(.releaseStep, "the build ended with \(exit)")
  }

  /// Adds a manifest to a built release, and prints its process types, since such a release seldom has a Procfile or
  /// app.json.
  private func describe(_ tree: String) throws(Cause) {
    let manifest = try ManifestBuilder.describe(tree) { write(" !     " + $0.sentence) }
    for entry in manifest.processes { write("       \(entry.process): \(entry.command)") }
    if manifest.appJSON == nil { write("       no app.json: no health check, one web") }
    do throws(PosixError) {
      try Files.makeFolder(tree + "/.reltui")
      try Files.replace(tree + "/" + Manifest.path, with: manifest.bytes, mode: 0o644)
    } catch { throw Cause(error) }
  }

  /// Warns if a dependency is fetched by SSH: the build user gets no access to root's SSH agent.
  private func warnOfSSH(_ source: String) {
    let folder = environment["RELPACK_FOLDER"].map { "/" + $0 } ?? ""
    for lock in ["mix.lock", "rebar.lock"] {
      let bytes = (try? Files.readIfThere(source + folder + "/" + lock, limit: 16 << 20)) ?? []
      let text = String(decoding: bytes, as: UTF8.self)
      if !["git@", "ssh://"].contains(where: { text.contains($0) }) { continue }
      write(
        " !     \(lock) has a dependency by SSH, and SSH_AUTH_SOCK is not handed to the build user: "
          + "fetch it by HTTPS with a token, or build as another user than root")
    }
  }

  private func provenance(of source: String, _ origin: String) -> Provenance {
    let mask = journal.mask()
    // A fork's repository may name programs that git would run.
    let lines = source == origin && !isFork ? lastCommit(of: source) : nil
    return Provenance(
      time: Timestamp(milliseconds: Clock.now()), by: operatorName, folder: mask(origin),
      commit: lines?.first, line: lines?.dropFirst().first.map { mask($0) })
  }

  private func lastCommit(of folder: String) -> [String]? {
    let environment = environment.filter { ["PATH", "HOME"].contains($0.key) }
    let git = Invocation(
      ["git", "-C", folder, "log", "-1", "--format=%H%n%s", "--", "."], environment: environment)
    return (try? git.run(errors: .null, limit: 5000)).flatMap { $0.isSuccess ? $0.text : nil }?
      .split(separator: "\n").map(String.init)
  }
}
