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

  /// Puts the source into the folder's `app`.
  typealias Fill = (_ folder: String, _ user: BuildUser) throws(Cause) -> GitSource.Commit?

  /// - Returns: the slug, and where it comes from.
  func run(_ fill: Fill) throws(Cause) -> (slug: String, provenance: Provenance) {
    let user = try BuildUser(build.environment, isFork: build.isFork) {
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
      let made = try make(user, fill)
      try tell(.buildFinished) { $0.slug = made.slug }
      return made
    } catch {
      // An error of the log must not replace the failure itself.
      try? tell(.buildFailed) { $0.cause = error }
      throw error
    }
  }

  private func make(_ user: BuildUser, _ fill: Fill) throws(Cause)
    -> (slug: String, provenance: Provenance)
  {
    let folder = try user.makeFolder(build.id, build.environment)
    defer {
      user.leave()
      try? Files.remove(folder)
    }
    let cache = try user.isFresh ? folder + "/cache" : user.cache(of: build.home)
    let tree = folder + "/app"
    let commit = try fetch(user, folder, fill)
    let provenance = provenance.with(commit)
    let events: File
    var environment = environment(folder, provenance)
    // The build user may not be able to reach the folder in which relpack is installed.
    let (own, env) = (folder + "/relpack", folder + "/env")
    try build.variables.write(to: env)
    do throws(PosixError) {
      try FileTree.copyFile(relpack, to: own, mode: 0o555)
      let tools = BuildUserTools(environment: build.environment, folder: folder)
      environment.merge(try tools.handOn()) { $1 }
      events = try File.open(folder + "/events", .create)
      let own = ["home", "tmp"] + (user.isFresh ? ["cache"] : [])
      for name in own { try Files.makeFolder(folder + "/" + name) }
      try FileTree.give(folder, to: user.id)
    } catch { throw Cause(error) }
    let compile = Invocation(
      user.words + [own, "compile", tree, cache, env], in: tree, environment: environment)
    try run(compile, events, as: user)
    try user.endProcesses()
    // A file with a second name outside of the folder would be root's there.
    try user.removeTraces(besides: folder)
    try Cause.explaining(FileTree.give(folder, to: User.id))
    return (try build.store(try SlugTree.find(in: tree, called: "app"), provenance), provenance)
  }

  /// Has the source put into the folder, and takes back what belongs to the build's user meanwhile.
  private func fetch(_ user: BuildUser, _ folder: String, _ fill: Fill) throws(Cause)
    -> GitSource.Commit?
  {
    try Cause.explaining(Files.makeFolder(folder + "/home"))
    guard let commit = try fill(folder, user) else { return nil }
    try user.endProcesses()
    try Cause.explaining(FileTree.give(folder, to: User.id))
    return commit
  }

  private func run(_ compile: Invocation, _ events: File, as user: BuildUser) throws(Cause) {
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
      ending = try tool.run(
        deadline: user.isFresh ? Clock.monotonic() + BuildUser.forkLimit : nil, until: isOver
      ) { line in
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
    case .expired:
      throw Cause(
        .timeLimit, "the build of a fork was ended after \(BuildUser.forkLimit / 60_000) minutes")
    case .cut: throw Cause(.releaseStep, "the build was cut off")
    }
  }

  private func environment(_ folder: String, _ provenance: Provenance) -> [String: String] {
    var environment = build.builderEnvironment(provenance)
    // The build user has no access to root's SSH agent.
    environment["SSH_AUTH_SOCK"] = nil
    (environment["HOME"], environment["TMPDIR"]) = (folder + "/home", folder + "/tmp")
    environment[BuildProgress.variable] = folder + "/events"
    return environment
  }
}
