import Diagnosis
import Events
import HomeLayout
import Instance
import Operations
import Posix
import ReleaseModel

// Looks at runs, and performs what their reconciler plans.
extension Agent {
  func look(at id: UInt64, of name: String) throws(Cause) {
    defer { listen(to: id) }
    guard let app = board.apps[name], let run = app.run(id), run.state.isLive else {
      adopt(watches[id]?.takeShim())
      adopt(watches[id]?.gate?.stopAsking())
      watches[id] = nil
      groups.clear(board)
      return complaints.forget(.run(id))
    }
    watches[id, default: WatchedRun(app: name)].beginLook()
    for action in RunReconciler.plan(run, try see(run, of: app)) {
      guard try perform(action, run, of: app) else { return }
    }
  }

  private func see(_ run: Board.Run, of app: Board.App) throws(Cause) -> RunReconciler.Seen {
    var folder = try RunObservation(folder(of: run, app))
    if case .live = folder, watches[run.id]?.gate == nil {
      try watch(run, of: app)
      // A change before the watch began would not be noticed.
      folder = try RunObservation(self.folder(of: run, app))
    }
    // A run that stops, or whose `relshim` is gone, is not checked any more.
    if run.state == .stopping || folder.isLost { adopt(watches[run.id]?.gate?.stopAsking()) }
    if folder.isLost { watches[run.id]?.gate = nil }
    var seen = RunReconciler.Seen(folder: folder)
    if case .live(let status) = folder {
      watches[run.id]?.noteLife()
      watches[run.id]?.gate?.watch(status)
      if watches[run.id]?.gate?.watchesShim == false { watches[run.id]?.lookAgain(in: 250) }
      if status != nil {
        seen.gate = watches[run.id]?.gate?.advance(run, mask: journal.mask)
        tellAnswer(of: run, status?.process == nil ? nil : watches[run.id]?.gate?.answer, app)
      }
      seen.isBooting = watches[run.id]?.gate?.isBooting == true
      if run.state == .stopping, status?.wasAsked == false {
        seen.hasRequests = hasRequests(run, of: app)
        if seen.hasRequests { watches[run.id]?.lookAgain(in: 100) }
      }
    } else if case .lost(let status) = folder {
      seen.mayServeOn =
        app.mayRunTwice(run.instance.process, run.release)
        && status?.processIdentity?.isAlive == true
      if seen.mayServeOn { watches[run.id]?.lookAgain(in: WatchedRun.orphanPause) }
    } else if case .absent = folder {
      seen.shimExit = watches[run.id]?.shimExit
      seen.isLaunching = watches[run.id]?.isLaunching == true
    }
    return seen
  }

  /// - Returns: whether to continue with the next action.
  private func perform(_ action: RunAction, _ run: Board.Run, of app: Board.App) throws(Cause)
    -> Bool
  {
    let folder = folder(of: run, app)
    switch action {
    case .launch: try launch(run, of: app)
    case .askToStop: try RunObservation(folder).status?.shimIdentity.signal(.term)
    case .endOrphan: return endOrphan(run, app, folder)
    case .killProcesses: return killProcesses(of: run, app, folder)
    case .bury:
      guard watches[run.id]?.mayBury() == true else { return false }
      return try bury(run, folder)
    case .renewPortMapper:
      if let tree = watches[run.id]?.gate?.specification.tree { _ = try? ensurePortMapper(tree) }
    case .record(let news): try record(news, run, of: app)
    }
    return true
  }

  /// Writes the last answer of the run's check into its folder, where `ps` and the screens find it.
  private func tellAnswer(of run: Board.Run, _ answer: String?, _ app: Board.App) {
    guard watches[run.id]?.isNewAnswer(answer) == true else { return }
    let path = folder(of: run, app).gate
    guard let answer else {
      try? Files.remove(path)
      return
    }
    try? Files.replace(
      path, with: Array(String(journal.mask()(answer).prefix(300)).utf8), isDurable: false)
  }

  func folder(of run: Board.Run, _ app: Board.App) -> RunFolder {
    home.app(app.name).run(run.instance.description, run.id)
  }

  /// - Returns: whether the run's processes have ended, or had their time.
  private func endOrphan(_ run: Board.Run, _ app: Board.App, _ folder: RunFolder) -> Bool {
    let left = Orphans.processes(of: folder, run: run.id)
    if watches[run.id, default: WatchedRun(app: app.name)].noteOrphanEnd(left.isEmpty) {
      return true
    }
    for process in left { process.signal(.term) }
    return false
  }

  /// - Returns: whether no process is left, or the rest cannot be killed; else the run is looked at again soon.
  private func killProcesses(of run: Board.Run, _ app: Board.App, _ folder: RunFolder) -> Bool {
    let wereNone = Orphans.end(folder, run: run.id)
    return watches[run.id, default: WatchedRun(app: app.name)].noteKill(wereNone)
  }

  private func bury(_ run: Board.Run, _ folder: RunFolder) throws(Cause) -> Bool {
    do throws(Cause) { return try Orphans.bury(folder) } catch {
      // If the folder has no space left, the log alone records that the `relshim` has ended.
      if watches[run.id]?.shimExit != nil, error.isOfFullDisk { return true }
      throw error
    }
  }
}

// MARK: - Recording

extension Agent {
  private func record(_ news: RunNews, _ run: Board.Run, of app: Board.App) throws(Cause) {
    if news.isEnd { closeRoute(to: run, of: app.name) }
    var data = EventData { ($0.instance, $0.run) = (run.instance, run.id) }
    let type: EventType
    switch news {
    case .booting(let pid): (type, data.pid) = (.instanceBooting, pid)
    case .ready(let boot):
      type = .instanceReady
      (data.boot, data.phases) = (boot?.applications, boot?.phases)
    case .unready(let cause): (type, data.cause) = (.instanceUnready, cause)
    case .orphaned: type = .instanceOrphaned
    case .stopped(let exit):
      type = .instanceStopped
      data.describe(exit)
      data.cause = killCause(run, folder(of: run, app))
    case .crashed(let status):
      type = .instanceCrashed
      data.describe(status?.exit)
      data.cause = crashCause(run, of: app, status)
    case .notStarted(let exit):
      type = .instanceCrashed
      data.cause = startCause(run, folder(of: run, app), exit)
    }
    let told = data
    try record(type, app: app.name) { $0 = told }
    if type == .instanceStopped || type == .instanceCrashed { try removeOldFolders(run, of: app) }
  }

  private func crashCause(_ run: Board.Run, of app: Board.App, _ status: RunStatus?) -> Cause {
    let mask = journal.mask()
    let tree = app.release(run.release).map { manifests.store.tree($0.slug) } ?? ""
    let facts = RunFacts(
      of: run, app: app.name, folder: folder(of: run, app), tree: tree,
      manifest: try? manifest(of: run.release, app), mask: { mask($0) })
    return groups.cause(Diagnosis(facts.facts(status)).causeOfEnd(), run, of: app)
  }

  /// Says what did not end by itself; nil if the run did.
  private func killCause(_ run: Board.Run, _ folder: RunFolder) -> Cause? {
    guard let bytes = try? Files.readIfThere(folder.killed, limit: 4096) else { return nil }
    let processes = String(decoding: bytes, as: UTF8.self)
    return Cause(
      .stopKilled,
      "\(run.instance) of \(run.release) did not end in its grace period and was killed: \(processes)",
      remedy: "Give it more time with reltui.processes in app.json, or make it end on SIGTERM.")
  }

  private func startCause(_ run: Board.Run, _ folder: RunFolder, _ exit: Exit) -> Cause {
    let bytes = (try? Files.read(folder.shimLog, limit: 1 << 16)) ?? []
    let said =
      String(decoding: bytes, as: UTF8.self).split(separator: "\n").last ?? "and said nothing"
    var cause =
      Cause(ifDiskIsFull: home.root) ?? Cause(.startFailed, "relshim: \(exit), \(said)")
    cause.sentence = "\(run.instance) of \(run.release) was not started: \(cause.sentence)"
    return cause
  }

  private static let endedRunsKept = 5

  /// Removes all but the last few folders of ended runs; an operator may need those.
  private func removeOldFolders(_ run: Board.Run, of app: Board.App) throws(Cause) {
    let folder = home.app(app.name).instances + "/\(run.instance)"
    let live = Set(board.apps[app.name]?.liveRuns.map(\.id) ?? [])
    let ended = ((try? Files.list(folder)) ?? []).compactMap { UInt64($0) }.sorted()
      .filter { !live.contains($0) }
    let old = ended.dropLast(Self.endedRunsKept).map { "\(folder)/\($0)" }
    if old.isEmpty { return }
    do throws(PosixError) { try startHelper(launcher.removal(of: old), errors: .inherited) } catch {
      throw Cause(error)
    }
  }
}

extension EventData {
  fileprivate mutating func describe(_ exit: RunStatus.Exit?) {
    switch exit {
    case .code(let code): self.exit = code
    case .signal(let signal): self.signal = signal
    case .notStarted, nil: return
    }
  }
}

// MARK: - Starting runs

extension Agent {
  private func launch(_ run: Board.Run, of app: Board.App) throws(Cause) {
    do throws(Cause) {
      reserve.giveIfLow()
      let isFull = reserve.shortage != nil
      do throws(Cause) { try launch(run, of: app, onFullDisk: isFull) } catch {
        // A user's quota can be exhausted while the disk has space.
        guard error.isOfFullDisk, reserve.give() else { throw error }
        try launch(run, of: app, onFullDisk: true)
      }
    } catch {
      try record(.instanceCrashed, app: app.name) {
        ($0.instance, $0.run, $0.cause) = (run.instance, run.id, error)
      }
    }
  }

  private func launch(_ run: Board.Run, of app: Board.App, onFullDisk isFull: Bool) throws(Cause) {
    try makeGroups(for: run, of: app)
    try watch(run, of: app)
    guard var specification = watches[run.id]?.gate?.specification else { return }
    // The launch is tried again when epmd has had time to start.
    guard try ensurePortMapper(specification.tree) else {
      watches[run.id]?.lookAgain(in: PortMapper.pause)
      return
    }
    // A crash dump would use up the space that was released to start the run.
    if isFull { specification.config["ERL_CRASH_DUMP_BYTES"] = "0" }
    let shim = try launcher.start(specification)
    adopt(watches[run.id]?.takeShim())
    watches[run.id]?.noteLaunch(shim)
  }

  private func makeGroups(for run: Board.Run, of app: Board.App) throws(Cause) {
    let check = try manifest(of: run.release, app).appJSON?.gateCommand(of: run.instance.process)
    do throws(PosixError) { try groups.make(for: run, of: app, hasCheck: check != nil) } catch {
      throw Cause(error, as: .startFailed)
    }
  }

  private func ensurePortMapper(_ tree: String) throws(Cause) -> Bool {
    try portMapper.ensure(tree) { invocation throws(PosixError) in try startHelper(invocation) }
  }

  /// Starts watching the run. Its folder is watched first, so that the first status of its `relshim` is not missed.
  private func watch(_ run: Board.Run, of app: Board.App) throws(Cause) {
    let manifest = try manifest(of: run.release, app)
    var specification = try RunSpecification(
      run, of: app, manifest, home: home, environment: environment)
    (specification.group, specification.clientGroup) = groups.made(for: run, of: app)
    var watched = watches[run.id] ?? WatchedRun(app: app.name)
    do throws(PosixError) { try Files.makeFolder(specification.folder.path) } catch {
      throw Cause(error)
    }
    // What another agent has found may not be so any more.
    try? Files.remove(specification.folder.peers)
    watched.folderWatch = watched.folderWatch ?? watchFolder(specification.folder.path)
    watched.gate = RunWatch(specification, manifest)
    watches[run.id] = watched
  }

  func manifest(of number: ReleaseNumber, _ app: Board.App) throws(Cause) -> Manifest {
    guard let release = app.release(number) else {
      throw Refusal.unknownRelease(number, app: app.name).cause
    }
    return try manifests.manifest(release.slug).fit(for: app)
  }
}
