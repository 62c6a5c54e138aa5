import DiskReserve
import Events
import HomeLayout
import Instance
import Journal
import Posix
import ReleaseModel
import SlugStore

// MARK: - Looking at the runs

extension Agent {
  func observe(_ readable: Set<Int32>) {
    // One run that cannot be looked at must not hide the others.
    for app in board.apps.values {
      for run in app.liveRuns {
        do throws(Cause) { try observe(run, of: app, readable) } catch { note(error) }
      }
    }
    let live = Set(board.apps.values.flatMap { $0.liveRuns.map(\.id) })
    watches = watches.filter { live.contains($0.key) }
    shimExits = shimExits.filter { live.contains($0.key) }
  }

  private func observe(_ run: Board.Run, of app: Board.App, _ readable: Set<Int32>) throws(Cause) {
    let folder = home.app(app.name).run(run.instance.description, run.id)
    switch try RunObservation(folder) {
    case .absent:
      if let exit = shimExits[run.id] { return try refuse(run, of: app, folder, exit) }
      if watches[run.id]?.isLaunching == true { return }
      if run.state == .starting { return try launch(run, of: app) }
      if try Orphans.bury(folder) { try end(run, of: app, nil) }
    case .ended(let status): try end(run, of: app, status)
    case .lost(let status):
      // Its output goes nowhere and its end would go unseen: an orphan is replaced, not adopted.
      Orphans.end(folder, run: run.id)
      try end(run, of: app, status)
    case .live(nil) where run.state == .stopping:
      // We cannot tell its shim; without processes the shim ends by itself, and says so anew.
      Orphans.end(folder, run: run.id)
    case .live(let status):
      if watches[run.id] == nil {
        watches[run.id] = try watch(run, of: app)
        try? folders?.add(folder.path)
      }
      watches[run.id]?.watch(status, readable: readable)
      if let status { try follow(run, of: app, status, readable) }
    }
  }

  private func follow(
    _ run: Board.Run, of app: Board.App, _ status: RunStatus, _ readable: Set<Int32>
  ) throws(Cause) {
    let news = watches[run.id]?.advance(run, readable: readable, mask: journal.mask)
    // What is ready has booted, also where its node could not be asked.
    let isBooting = watches[run.id]?.isBooting == true || news?.type == .instanceReady
    if run.state == .starting, isBooting, let process = status.process {
      try record(.instanceBooting, app: app.name) {
        ($0.instance, $0.run, $0.pid) = (run.instance, run.id, process.pid)
      }
    }
    if run.state == .stopping, !status.wasAsked { status.shimIdentity.signal(.term) }
    guard let news else { return }
    // A node that has lost its epmd cannot be asked; nodes register again by themselves.
    if news.type == .instanceUnready, let watch = watches[run.id] {
      _ = try? EPMDKeeper(home: home).ensure(
        tree: watch.specification.tree, environment: environment)
    }
    try record(news.type, app: app.name) {
      ($0.instance, $0.run, $0.cause) = (run.instance, run.id, news.cause)
      $0.boot = news.boot
    }
  }

  /// The run is over: as it was meant to, or not.
  private func end(_ run: Board.Run, of app: Board.App, _ status: RunStatus?) throws(Cause) {
    let isPhase = run.instance.process == ProcessType.release
    let isDone = isPhase && status?.exit == .code(0)
    defer { prune(run, of: app) }
    var exit: (code: Int32?, signal: Int32?) = (nil, nil)
    switch status?.exit {
    case .code(let code): exit.code = code
    case .signal(let signal): exit.signal = signal
    default: break
    }
    // Half a release phase is no release phase, whoever ended it.
    if run.state == .stopping || status?.wasAsked == true && !isPhase || isDone {
      return try record(.instanceStopped, app: app.name) {
        ($0.instance, $0.run, $0.exit, $0.signal) = (run.instance, run.id, exit.code, exit.signal)
      }
    }
    var cause = ExitCause.of(
      run, app: app.name, status: status, lines: lastLines(of: run, app),
      wasReady: run.state == .ready)
    if status?.exit == nil { cause.id = ProblemID.runLost.rawValue }
    let told = cause
    try record(.instanceCrashed, app: app.name) {
      ($0.instance, $0.run, $0.exit, $0.signal) = (run.instance, run.id, exit.code, exit.signal)
      $0.cause = told
    }
  }

  /// Masked before anybody cuts them: half a value would not be found any more.
  private func lastLines(of run: Board.Run, _ app: Board.App) -> [LogLine] {
    let folder = home.app(app.name).run(run.instance.description, run.id)
    let mask = journal.mask()
    return LogTail.lines(of: folder, count: 60).map {
      LogLine(time: $0.time, text: mask($0.text))
    }
  }

  /// Old folders of an instance go, but for the last few, where people look for what went wrong.
  private func prune(_ run: Board.Run, of app: Board.App) {
    let folder = home.app(app.name).instances + "/\(run.instance)"
    let live = Set(board.apps[app.name]?.liveRuns.map(\.id) ?? [])
    let ended = ((try? Files.list(folder)) ?? []).compactMap { UInt64($0) }.sorted()
      .filter { !live.contains($0) }
    for old in ended.dropLast(Self.endedRunsKept) { try? Files.remove("\(folder)/\(old)") }
  }

  private static let endedRunsKept = 5

  /// Its shim left without a word in the status, so it never ran.
  private func refuse(_ run: Board.Run, of app: Board.App, _ folder: RunFolder, _ exit: Exit)
    throws(Cause)
  {
    let bytes = (try? Files.read(folder.shimLog, limit: 1 << 16)) ?? []
    let said =
      String(decoding: bytes, as: UTF8.self).split(separator: "\n").last ?? "and said nothing"
    let full = Cause(ifDiskIsFull: home.root)
    var cause = full ?? Cause(.startFailed, "relshim: \(exit), \(said)")
    cause.sentence = "\(run.instance) of \(run.release) was not started: \(cause.sentence)"
    let told = cause
    do throws(Cause) { guard try Orphans.bury(folder) else { return } } catch {
      // It was our own shim and has ended: without room for its end in the folder, the log alone has it.
      if !error.isOfFullDisk { throw error }
    }
    try record(.instanceCrashed, app: app.name) {
      ($0.instance, $0.run, $0.cause) = (run.instance, run.id, told)
    }
  }
}

// MARK: - Starting runs

extension Agent {
  private func launch(_ run: Board.Run, of app: Board.App) throws(Cause) {
    ballast.giveIfLow()
    let isFull = ballast.shortage != nil
    do throws(Cause) {
      do throws(Cause) { try launch(run, of: app, onFullDisk: isFull) } catch {
        // What is left may say nothing, where a user has a share of it.
        guard error.isOfFullDisk, ballast.give() else { throw error }
        try launch(run, of: app, onFullDisk: true)
      }
    } catch {
      try record(.instanceCrashed, app: app.name) {
        ($0.instance, $0.run, $0.cause) = (run.instance, run.id, error)
      }
    }
  }

  private func launch(_ run: Board.Run, of app: Board.App, onFullDisk isFull: Bool) throws(Cause) {
    var watch = try watch(run, of: app)
    var specification = watch.specification
    // A crash dump would take what was set free for the next run.
    if isFull { specification.config["ERL_CRASH_DUMP_BYTES"] = "0" }
    _ = try EPMDKeeper(home: home).ensure(tree: specification.tree, environment: environment)
    do throws(PosixError) { try Files.makeFolder(specification.folder.path) } catch {
      throw Cause(error)
    }
    // Watched before it is started, so that its first word is not missed.
    try? folders?.add(specification.folder.path)
    shims[run.id] = try launcher.start(specification)
    watch.noteLaunch()
    watches[run.id] = watch
  }

  private func watch(_ run: Board.Run, of app: Board.App) throws(Cause) -> RunWatch {
    let specification = try RunSpecification(
      run, of: app, home: home, environment: environment)
    let manifest = try manifest(of: run.release, app)
    return RunWatch(
      specification, check: manifest.appJSON?.readiness(of: run.instance.process))
  }

  func manifest(of number: ReleaseNumber, _ app: Board.App) throws(Cause) -> Manifest {
    guard let release = app.release(number) else {
      throw Cause(.releaseUnknown, "'\(app.name)' has no release \(number)")
    }
    if let known = facts[release.slug] { return known }
    let manifest = try store.manifest(release.slug)
    facts[release.slug] = manifest
    return manifest
  }
}
