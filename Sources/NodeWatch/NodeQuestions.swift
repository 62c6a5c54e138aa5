import ErlangDistribution
import ErlangTerm
import Events
import NodeModel

// Questions to the node, and the changes that their answers make.

extension NodeMonitor {
  /// Asks the questions that are wanted and due.
  mutating func ask(now: Int64) throws(DistributionError) {
    if let collector = schedule.collector, collector.least != leastLevel { try stopLog(now: now) }
    if tree != schedule.openTree?.application { schedule.openTree = nil }
    for index in actions.indices where !actions[index].isBegun {
      actions[index].isBegun = true
      try put(actions[index].action.call, .action(actions[index].id), now: now)
    }
    for kind in schedule.wanted(by: self) where schedule.isDue(kind, now: now) {
      schedule.begin(kind, now: now)
      try begin(kind, now: now)
    }
  }

  private mutating func begin(_ kind: QuestionSchedule.Kind, now: Int64) throws(DistributionError) {
    switch kind {
    case .vitals: try put(Vitals.call, .vitals, now: now)
    case .boot: try put(Vitals.bootCall, .boot, now: now)
    case .stack: try put(RemoteCall("erlang", "processes"), .processes, now: now)
    case .survey:
      let count = report.snapshot?.processes.count ?? 0
      try put(Survey.call(processes: count), .survey, now: now)
    case .settings: try askSettings(now: now)
    case .tree:
      guard let tree else { return }
      var walk = TreeWalk(tree)
      let calls = walk.begin()
      schedule.openTree = walk
      try put(calls, now: now)
    case .log: try startLog(now: now)
    }
  }

  private mutating func put(
    _ call: RemoteCall, _ question: QuestionSchedule.Question, now: Int64
  ) throws(DistributionError) {
    guard let id = try connection?.call(call, now: now) else { return }
    schedule.asked[id] = question
  }

  private mutating func put(
    _ calls: [(TreeWalk.Step, RemoteCall)], now: Int64
  ) throws(DistributionError) {
    guard let application = schedule.openTree?.application else { return }
    for (step, call) in calls { try put(call, .tree(application, step), now: now) }
  }

  private mutating func askSettings(now: Int64) throws(DistributionError) {
    guard let applications = schedule.applications else { return }
    try put(Settings.flagsCall, .flags, now: now)
    let names = applications.loaded.map(\.name).sorted()
    try put(Settings.environmentCall(names), .environment(names), now: now)
    if applications.running.contains("sasl") {
      try put(Settings.releasesCall, .releases, now: now)
    }
  }

  /// The least severe level of the log that is read; nil for none.
  private var leastLevel: NodeLogLine.Level? {
    parts.contains(.log) ? .debug : parts.contains(.happenings) ? .error : nil
  }

  private mutating func startLog(now: Int64) throws(DistributionError) {
    guard schedule.collector == nil, let least = leastLevel,
      let (mailbox, pid) = try connection?.openMailbox(),
      let id = try connection?.call(LogCollector.start(for: pid, least: least), now: now)
    else { return }
    schedule.collector = LogCollector(call: id, mailbox: mailbox, least: least)
  }

  private mutating func stopLog(now: Int64) throws(DistributionError) {
    guard let collector = schedule.collector, let pid = collector.pid else { return }
    // Asked to exit rather than killed: it must remove its filter from the node's logger.
    try connection?.send(.tuple([.atom("EXIT"), .list([]), .list([])]), to: pid, now: now)
    schedule.collector = nil
    schedule.hurry(.log)
  }

  // MARK: - Answers

  mutating func take(_ event: SessionEvent, now: Int64) throws(DistributionError) {
    switch event {
    case .up(let peer): meet(peer)
    case .answer(let id, let answer):
      if id == schedule.collector?.call { return collectorEnded(answer, now: now) }
      guard let question = schedule.asked.removeValue(forKey: id) else { return }
      try take(answer, to: question, now: now)
    case .message(let mailbox, let message):
      if mailbox == schedule.collector?.mailbox { try takeLog(message, now: now) }
    case .unreadable(let mailbox, let error):
      // This collector waits for an acknowledgement that cannot be given: another one replaces it.
      if mailbox == schedule.collector?.mailbox {
        note("lines of the log cannot be read: \(error)", isBad: true)
        try stopLog(now: now)
      }
    case .output: break
    }
  }

  private mutating func take(
    _ answer: Answer, to question: QuestionSchedule.Question, now: Int64
  ) throws(DistributionError) {
    if case .action(let id) = question { return try takeAction(id, answer, now: now) }
    switch question {
    case .vitals:
      noteSilence(answer)
      if let value = answer.value { try takeVitals(value, now: now) }
      if answer == .timedOut {
        schedule.miss(.vitals, now: now)
      } else {
        schedule.end(.vitals, now: now)
      }
    case .boot:
      noteSilence(answer)
      if let parts = answer.value?.list, parts.count == 2, let info = Applications(parts[0]) {
        lookAtBoot(info, status: Vitals.status(parts[1]), now: now)
      }
      schedule.endBoot(current: report.boot?.currentMilliseconds ?? 0, now: now)
    case .dependencies(let names): takeDependencies(answer, of: names)
    case .processes:
      let pids = Array((answer.value?.list ?? []).prefix(BootStack.mostProcesses))
      try put(BootStack.call(pids), .stack(pids), now: now)
    case .stack(let pids):
      if let value = answer.value {
        let (awaited, lines) = BootStack.read(value, pids: pids)
        report.boot?.awaited = awaited.map { mask($0) }
        report.boot?.stack = lines.map { mask($0) }
      }
      schedule.end(.stack, now: now)
    case .survey:
      let masters = schedule.applications?.masters ?? [:]
      if let survey = answer.value.flatMap({ Survey.read($0, masters: masters) }) {
        report.survey = survey
      }
      schedule.end(.survey, now: now)
    case .flags, .environment, .releases: takeSettings(answer, question, now: now)
    case .tree(let application, let step):
      if var walk = schedule.openTree, walk.application == application {
        let calls = walk.take(step, answer)
        schedule.openTree = walk
        try put(calls, now: now)
        if walk.isOver {
          report.tree = walk.tree
          schedule.end(.tree, now: now)
        }
      }
    case .action: break
    }
  }

  /// A node that does not answer is still connected: it is suspended or overloaded.
  private mutating func noteSilence(_ answer: Answer) {
    if answer == .timedOut, report.state == .up {
      report.state = .silent
      report.cause = Cause(DistributionError.tooSlow(.talking))
      note("the node does not answer", isBad: true)
    } else if answer != .timedOut, report.state == .silent {
      connected()
      note("the node answers again")
    }
  }

  /// Forgets what was known of a node that was started again.
  private mutating func meet(_ peer: Peer) {
    if let creation, creation != peer.creation {
      (report.boot, report.survey, report.settings, report.tree) = (nil, nil, nil, nil)
      note("the node was started again")
    }
    creation = peer.creation
    connected()
  }

  private mutating func takeVitals(_ value: Term, now: Int64) throws(DistributionError) {
    let ownName = connection?.session?.identity.ownName ?? ""
    guard let parts = value.list, parts.count > 7, let info = Applications(parts[6]),
      let snapshot = Vitals.snapshot(value, ownName: ownName, dependencies: schedule.dependencies)
    else { return }
    report.snapshot = snapshot
    lookAtBoot(info, status: snapshot.status, now: now)
    let unknown = info.loaded.map(\.name).filter { schedule.dependencies[$0] == nil }
    let isAsked = schedule.asked.values.contains {
      if case .dependencies = $0 { true } else { false }
    }
    if !unknown.isEmpty, !isAsked {
      let names = unknown.map { Term.atom($0) }
      let call = Vitals.each(names, "application", "get_key", .atom("applications"))
      try put(call, .dependencies(unknown), now: now)
    }
  }

  private mutating func takeDependencies(_ answer: Answer, of names: [String]) {
    for (name, entry) in zip(names, answer.value?.list ?? []) {
      let list = entry.tuple(tagged: "ok")?.first?.list ?? []
      schedule.dependencies[name] = list.compactMap(\.atom)
    }
    guard var snapshot = report.snapshot else { return }
    for index in snapshot.applications.indices {
      let name = snapshot.applications[index].name
      snapshot.applications[index].dependencies = schedule.dependencies[name] ?? []
    }
    report.snapshot = snapshot
  }

  private mutating func lookAtBoot(_ info: Applications, status: String, now: Int64) {
    schedule.applications = info
    let isReady = status == "started" && info.starting.isEmpty
    if !schedule.hasLooked {
      // A node that has already booted gets an empty timeline, unless it has one from an earlier connection.
      if !isReady || report.boot == nil { report.boot = BootTimeline() }
      schedule.hasLooked = true
    }
    schedule.isReady = isReady
    if report.boot?.isFinished == false {
      report.boot?.look(at: now, starting: info.starting, running: info.running, isReady: isReady)
    }
    if report.snapshot?.isReady == false, isReady { report.snapshot?.isReady = true }
  }

  private mutating func takeSettings(
    _ answer: Answer, _ question: QuestionSchedule.Question, now: Int64
  ) {
    var settings = report.settings ?? NodeSettings()
    switch question {
    case .flags: settings.flags = answer.value.map(Settings.flags) ?? settings.flags
    case .environment(let names):
      if let value = answer.value {
        settings.values = Settings.values(value, applications: names)
      }
      schedule.end(.settings, now: now)
    case .releases: settings.releases = answer.value.map(Settings.releases) ?? settings.releases
    default: break
    }
    settings.flags = settings.flags.map { mask($0) }
    for index in settings.values.indices {
      settings.values[index].text = mask(settings.values[index].text)
    }
    report.settings = settings
  }

  private mutating func takeAction(
    _ id: String, _ answer: Answer, now: Int64
  ) throws(DistributionError) {
    guard let index = actions.firstIndex(where: { $0.id == id }) else { return }
    if let next = answer.value.flatMap({ actions[index].action.next(after: $0) }) {
      return try put(next, .action(id), now: now)
    }
    let failure = actions[index].action.failure(answer, node: report.name)
    actions[index].outcome = failure.map { .failure($0) } ?? .success(())
  }

  // MARK: - The log

  private mutating func takeLog(_ message: Term, now: Int64) throws(DistributionError) {
    switch schedule.collector?.read(message) {
    case .lines(let lines, let lost, let acknowledgement):
      let masked = lines.map { line in
        var line = line
        line.text = mask(line.text)
        return line
      }
      if parts.contains(.log) { log.append(masked, lost: lost) }
      for line in masked where line.level <= .error {
        let first = line.text.split(separator: "\n").first.map(String.init) ?? ""
        note("\(line.level.rawValue): \(first.prefix(200))", isBad: true)
      }
      if let pid = schedule.collector?.pid {
        try connection?.send(acknowledgement, to: pid, now: now)
      }
    case .happening(let text): note(text)
    case .started(hasFilter: false):
      note("too many other programs watch the node's log already", isBad: true)
    case .started, nil: break
    }
  }

  private mutating func collectorEnded(_ answer: Answer, now: Int64) {
    schedule.collector = nil
    if let complaint = answer.complaint {
      note("the log cannot be read: \(complaint)", isBad: true)
    }
    schedule.miss(.log, now: now)
  }
}
