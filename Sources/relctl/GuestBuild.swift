import CommandLine
import DiskReserve
import Events
import HomeLayout
import Journal
import PlainText
import Posix
import ReleaseModel
import SlugStore

/// A build by root's relctl: the source's code runs as the build user, in a folder outside the home, and what it made
/// is taken over when nothing of it runs any more.
struct GuestBuild {
  let call: Call
  let app: String?
  let build: String
  let home: Home
  let provenance: Provenance
  let variables: BuildVariables
  /// For `relpack`, but for what depends on the folder.
  let environment: [String: String]

  /// - Parameters:
  ///   - copy: puts the source into a folder.
  ///   - store: takes the tree in, holding each file against its manifest.
  /// - Returns: the slug's id.
  func run(
    copy: (String) throws(Cause) -> Void, store: (SlugTree) throws(Cause) -> String
  ) throws(Cause) -> String {
    let builder = try call.context.sibling("relpack")
    let user = try BuildUser(call.context)
    let journal = Journal(home: home, program: "relctl", config: variables.config.values)
    let start = Clock.monotonic()
    func tell(_ type: EventType, _ fill: (inout EventData) -> Void) throws(Cause) {
      var data = EventData(fill)
      data.build = build
      if type != .buildStarted { data.milliseconds = Clock.monotonic() - start }
      try journal.append(type, app: app, data)
    }
    try tell(.buildStarted) { ($0.by, $0.commit) = (call.user, provenance.commit) }
    do throws(Cause) {
      let slug = try make(user, builder, journal, copy, store)
      try tell(.buildFinished) { $0.slug = slug }
      return slug
    } catch {
      // A log that cannot be written does not hide why.
      try? tell(.buildFailed) { $0.cause = error }
      throw error
    }
  }

  private func make(
    _ user: BuildUser, _ builder: String, _ journal: Journal,
    _ copy: (String) throws(Cause) -> Void, _ store: (SlugTree) throws(Cause) -> String
  ) throws(Cause) -> String {
    let cache = try user.cache(of: home)
    let folder = try user.makeFolder(build, call.context.environment)
    defer { try? Files.remove(folder) }
    let tree = folder + "/app"
    try copy(tree)
    let file: File
    var environment = environment(folder)
    // Where it is installed need not be a place that the build user can enter.
    let (own, env) = (folder + "/relpack", folder + "/env")
    try variables.write(to: env)
    do throws(PosixError) {
      try FileTree.copyFile(builder, to: own, mode: 0o555)
      let tools = GuestTools(environment: call.context.environment, folder: folder)
      environment.merge(try tools.handOn()) { $1 }
      file = try File.open(folder + "/events", .create)
      for name in ["home", "tmp"] { try Files.makeFolder(folder + "/" + name) }
      try FileTree.give(folder, to: BuildUser.id)
    } catch { throw Cause(error) }
    let compile = Invocation(
      user.words + [own, "compile", tree, cache, env], in: tree, environment: environment)
    try run(compile, file, journal)
    do throws(PosixError) { try FileTree.give(folder, to: User.id) } catch { throw Cause(error) }
    return try store(try SlugTree.find(in: tree, called: "app"))
  }

  private func run(_ invocation: Invocation, _ file: File, _ journal: Journal) throws(Cause) {
    let mask = journal.mask()
    var news = BuildNews(file, build: build)
    var (failure, problem): (Cause?, Cause?)
    func read() {
      for item in news.take() {
        switch item {
        case .failed(let cause): failure = cause
        case .step(let step):
          let data = EventData { ($0.build, $0.step) = (build, step) }
          do throws(Cause) { try journal.append(.buildStep, app: app, data) } catch {
            problem = problem ?? error
          }
        }
      }
    }
    let ending: Tool.Ending
    do throws(PosixError) {
      let signals = try Signals([.hup, .int, .term])
      try Child.becomeSubreaper()
      defer { BuildUser.endAll() }
      let tool = Tool(invocation: invocation, interrupts: signals)
      func isOver() -> Bool { problem != nil }
      ending = try tool.run(until: isOver) { line in
        show(Printable.clean(mask(line)))
        read()
      }
    } catch { throw Cause(error, as: .buildUser) }
    read()
    if let problem { throw problem }
    try check(ending, failure)
  }

  private func check(_ ending: Tool.Ending, _ failure: Cause?) throws(Cause) {
    switch ending {
    case .exit(.code(0)): return
    case .interrupted(let signal):
      throw Cause(.buildInterrupted, "the build was stopped by signal \(signal)")
    // setpriv's own.
    case .exit(.code(126)), .exit(.code(127)):
      throw Cause(
        .buildUser, "the build user cannot run relpack",
        remedy: "Install setpriv (util-linux), and see that TMPDIR is not mounted noexec.")
    case .exit(let exit):
      throw Cause(ifDiskIsFull: home.root) ?? failure
        ?? Cause(.releaseStep, "the build ended with \(exit)")
    case .cut, .expired: throw Cause(.releaseStep, "the build was cut off")
    }
  }

  /// What the build says is for people; with --json standard output is for the facts.
  private func show(_ line: String) {
    if call.wantsJSON { call.context.note(line) } else { call.context.print(line) }
  }

  private func environment(_ folder: String) -> [String: String] {
    var environment = self.environment
    // Of root's; the build user may not use it.
    environment["SSH_AUTH_SOCK"] = nil
    (environment["HOME"], environment["TMPDIR"]) = (folder + "/home", folder + "/tmp")
    environment[BuildNews.variable] = folder + "/events"
    return environment
  }
}
