import Events
import Journal
import PlainText
import Posix
import ReleaseModel
import SlugStore

/// A build that root starts: relpack and the source's code run as the build user, in a folder outside the home. The home
/// takes the slug when no process of the build runs any more.
struct UnprivilegedBuild {
  let build: HomeBuild
  let relpack: String
  let provenance: Provenance

  private var journal: EventJournal { build.journal }

  func run(copy: (String) throws(Cause) -> Void) throws(Cause) -> String {
    let user = try BuildUser(build.environment) {
      build.write("       Waiting for another build on this host to end")
    }
    let start = Clock.monotonic()
    func tell(_ type: EventType, _ fill: (inout EventData) -> Void) throws(Cause) {
      var data = EventData(fill)
      data.build = build.id
      if type != .buildStarted { data.milliseconds = Clock.monotonic() - start }
      try journal.append(type, app: build.app, data)
    }
    try tell(.buildStarted) { ($0.by, $0.commit) = (build.operatorName, provenance.commit) }
    do throws(Cause) {
      let slug = try make(user, copy)
      try tell(.buildFinished) { $0.slug = slug }
      return slug
    } catch {
      // An error of the log must not replace the failure itself.
      try? tell(.buildFailed) { $0.cause = error }
      throw error
    }
  }

  private func make(_ user: BuildUser, _ copy: (String) throws(Cause) -> Void) throws(Cause)
    -> String
  {
    let cache = try user.cache(of: build.home)
    let folder = try user.makeFolder(build.id, build.environment)
    defer { try? Files.remove(folder) }
    let tree = folder + "/app"
    try copy(tree)
    let events: File
    var environment = environment(folder)
    // The build user may not be able to reach the folder in which relpack is installed.
    let (own, env) = (folder + "/relpack", folder + "/env")
    try build.variables.write(to: env)
    do throws(PosixError) {
      try FileTree.copyFile(relpack, to: own, mode: 0o555)
      let tools = BuildUserTools(environment: build.environment, folder: folder)
      environment.merge(try tools.handOn()) { $1 }
      events = try File.open(folder + "/events", .create)
      for name in ["home", "tmp"] { try Files.makeFolder(folder + "/" + name) }
      try FileTree.give(folder, to: BuildUser.id)
    } catch { throw Cause(error) }
    let compile = Invocation(
      user.words + [own, "compile", tree, cache, env], in: tree, environment: environment)
    try run(compile, events)
    try BuildUser.checkProcesses()
    try Cause.explaining(FileTree.give(folder, to: User.id))
    return try build.store(try SlugTree.find(in: tree, called: "app"), provenance)
  }

  private func run(_ compile: Invocation, _ events: File) throws(Cause) {
    let mask = journal.mask()
    var progress = BuildProgress(events, build: build.id)
    var (failure, problem): (Cause?, Cause?)
    func read() {
      for item in progress.take() {
        switch item {
        case .failed(let cause): failure = cause
        case .step(let step):
          let data = EventData { ($0.build, $0.step) = (build.id, step) }
          do throws(Cause) { try journal.append(.buildStep, app: build.app, data) } catch {
            problem = problem ?? error
          }
        }
      }
    }
    let ending: Tool.Ending
    do throws(PosixError) {
      let signals = try Signals([.hup, .int, .term])
      // Orphans of the build become children of this process, so that it can end them all.
      try Child.becomeSubreaper()
      defer {
        ProcessTable.endDescendants(of: Program.processID) { while Child.reapAny() != nil {} }
      }
      let tool = Tool(invocation: compile, interrupts: signals)
      func isOver() -> Bool { problem != nil }
      ending = try tool.run(until: isOver) { line in
        build.write(Printable.clean(mask(line)))
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
    // setpriv could not run relpack. setpriv(1), "EXIT STATUS"
    case .exit(.code(126)), .exit(.code(127)):
      throw Cause(
        .buildUser, "the build user cannot run relpack",
        remedy: "Install setpriv (util-linux), and see that TMPDIR is not mounted noexec.")
    case .exit(let exit):
      throw Cause(ifDiskIsFull: build.home.root) ?? failure
        ?? Cause(.releaseStep, "the build ended with \(exit)")
    case .cut, .expired: throw Cause(.releaseStep, "the build was cut off")
    }
  }

  private func environment(_ folder: String) -> [String: String] {
    var environment = build.builderEnvironment(provenance)
    // The build user has no access to root's SSH agent.
    environment["SSH_AUTH_SOCK"] = nil
    (environment["HOME"], environment["TMPDIR"]) = (folder + "/home", folder + "/tmp")
    environment[BuildProgress.variable] = folder + "/events"
    return environment
  }
}
