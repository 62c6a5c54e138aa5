import ErlangDistribution
import ErlangTerm
import Events
import NodeModel

// Questions to the node, and what their answers change.

extension NodeWatch {
  /// Asks what is wanted and due.
  mutating func ask(now: Int64) throws(DistributionError) {
    if let collector = talk.collector, collector.least != leastLevel { try stopLog(now: now) }
    if tree != talk.openTree?.application { talk.openTree = nil }
    for index in deeds.indices where !deeds[index].isBegun {
      deeds[index].isBegun = true
      try put(deeds[index].action.call, .deed(deeds[index].id), now: now)
    }
    for kind in talk.wanted(by: self) where talk.isDue(kind, now: now) {
      talk.begin(kind, now: now)
      try begin(kind, now: now)
    }
  }

  private mutating func begin(
    _ kind: Conversation.Kind, now: Int64
  ) throws(DistributionError) {
    switch kind {
    case .vitals: try put(Vitals.call, .vitals, now: now)
    case .boot: try put(Vitals.bootCall, .boot, now: now)
    case .stack: try put(Call("erlang", "processes"), .processes, now: now)
    case .survey:
      let count = report.snapshot?.processes.count ?? 0
      try put(Survey.call(processes: count), .survey, now: now)
    case .settings: try askSettings(now: now)
    case .tree:
      guard let tree else { return }
      var walk = TreeWalk(tree)
      let calls = walk.begin()
      talk.openTree = walk
      try put(calls, now: now)
    case .log: try startLog(now: now)
    }
  }

  private mutating func put(
    _ call: Call, _ question: Conversation.Question, now: Int64
  ) throws(DistributionError) {
    guard let id = try connection?.call(call, now: now) else { return }
    talk.asked[id] = question
  }

  private mutating func put(
    _ calls: [(TreeWalk.Step, Call)], now: Int64
  ) throws(DistributionError) {
    guard let application = talk.openTree?.application else { return }
    for (step, call) in calls { try put(call, .tree(application, step), now: now) }
  }

  private mutating func askSettings(now: Int64) throws(DistributionError) {
    guard let applications = talk.applications else { return }
    try put(Settings.flagsCall, .flags, now: now)
    let names = applications.loaded.map(\.name).sorted()
    try put(Settings.environmentCall(names), .environment(names), now: now)
    if applications.running.contains("sasl") {
      try put(Settings.releasesCall, .releases, now: now)
    }
  }

  /// The least severe level that is wanted of the log.
  private var leastLevel: NodeLogLine.Level? {
    parts.contains(.log) ? .debug : parts.contains(.happenings) ? .error : nil
  }

  private mutating func startLog(now: Int64) throws(DistributionError) {
    guard talk.collector == nil, let least = leastLevel,
      let (mailbox, pid) = try connection?.openMailbox(),
      let id = try connection?.call(LogCollector.start(for: pid, least: least), now: now)
    else { return }
    talk.collector = LogCollector(call: id, mailbox: mailbox, least: least)
  }

  private mutating func stopLog(now: Int64) throws(DistributionError) {
    guard let collector = talk.collector, let pid = collector.pid else { return }
    // Politely: it must take its filter out of the node's logger.
    try connection?.send(.tuple([.atom("EXIT"), .list([]), .list([])]), to: pid, now: now)
    talk.collector = nil
    talk.hurry(.log)
  }

  // MARK: - Answers

  mutating func take(_ happening: Happening, now: Int64) throws(DistributionError) {
    switch happening {
    case .up(let peer): meet(peer)
    case .answer(let id, let answer):
      if id == talk.collector?.call { return collectorEnded(answer, now: now) }
      guard let question = talk.asked.removeValue(forKey: id) else { return }
      try take(answer, to: question, now: now)
    case .message(let mailbox, let message):
      if mailbox == talk.collector?.mailbox { try takeLog(message, now: now) }
    case .unreadable(let mailbox, let error):
      // It waits for an acknowledgement that cannot be given: another one takes its place.
      if mailbox == talk.collector?.mailbox {
        note("lines of the log cannot be read: \(error)", isBad: true)
        try stopLog(now: now)
      }
    case .output, .down: break
    }
  }

  private mutating func take(
    _ answer: Answer, to question: Conversation.Question, now: Int64
  ) throws(DistributionError) {
    if case .deed(let id) = question { return try takeDeed(id, answer, now: now) }
    switch question {
    case .vitals:
      noteSilence(answer)
      if let value = answer.value { try takeVitals(value, now: now) }
      if answer == .timedOut { talk.miss(.vitals, now: now) } else { talk.end(.vitals, now: now) }
    case .boot:
      noteSilence(answer)
      if let parts = answer.value?.list, parts.count == 2, let info = Applications(parts[0]) {
        lookAtBoot(info, status: Vitals.status(parts[1]), now: now)
      }
      talk.endBoot(current: report.boot?.currentMilliseconds ?? 0, now: now)
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
      talk.end(.stack, now: now)
    case .survey:
      let masters = talk.applications?.masters ?? [:]
      if let survey = answer.value.flatMap({ Survey.read($0, masters: masters) }) {
        report.survey = survey
      }
      talk.end(.survey, now: now)
    case .flags, .environment, .releases: takeSettings(answer, question, now: now)
    case .tree(let application, let step):
      if var walk = talk.openTree, walk.application == application {
        let calls = walk.take(step, answer)
        talk.openTree = walk
        try put(calls, now: now)
        if walk.isOver {
          report.tree = walk.tree
          talk.end(.tree, now: now)
        }
      }
    case .deed: break
    }
  }

  /// A node that answers nothing is connected all the same: it is suspended or has too much to do.
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

  /// A node that was started again is another one: what was known of it is over.
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
      let snapshot = Vitals.snapshot(value, ownName: ownName, dependencies: talk.dependencies)
    else { return }
    report.snapshot = snapshot
    lookAtBoot(info, status: snapshot.status, now: now)
    let unknown = info.loaded.map(\.name).filter { talk.dependencies[$0] == nil }
    let isAsked = talk.asked.values.contains { if case .dependencies = $0 { true } else { false } }
    if !unknown.isEmpty, !isAsked {
      let names = unknown.map { Term.atom($0) }
      let call = Vitals.each(names, "application", "get_key", .atom("applications"))
      try put(call, .dependencies(unknown), now: now)
    }
  }

  private mutating func takeDependencies(_ answer: Answer, of names: [String]) {
    for (name, entry) in zip(names, answer.value?.list ?? []) {
      let list = entry.tuple(tagged: "ok")?.first?.list ?? []
      talk.dependencies[name] = list.compactMap(\.atom)
    }
    guard var snapshot = report.snapshot else { return }
    for index in snapshot.applications.indices {
      let name = snapshot.applications[index].name
      snapshot.applications[index].dependencies = talk.dependencies[name] ?? []
    }
    report.snapshot = snapshot
  }

  private mutating func lookAtBoot(_ info: Applications, status: String, now: Int64) {
    talk.applications = info
    let isReady = status == "started" && info.starting.isEmpty
    if !talk.hasLooked {
      // A node that had booted before we came: nobody saw how long it took. A timeline of ours stays.
      if !isReady || report.boot == nil { report.boot = BootTimeline() }
      talk.hasLooked = true
    }
    talk.isReady = isReady
    if report.boot?.isFinished == false {
      report.boot?.look(at: now, starting: info.starting, running: info.running, isReady: isReady)
    }
    if report.snapshot?.isReady == false, isReady { report.snapshot?.isReady = true }
  }

  private mutating func takeSettings(
    _ answer: Answer, _ question: Conversation.Question, now: Int64
  ) {
    var settings = report.settings ?? NodeSettings()
    switch question {
    case .flags: settings.flags = answer.value.map(Settings.flags) ?? settings.flags
    case .environment(let names):
      if let value = answer.value {
        settings.values = Settings.values(value, applications: names)
      }
      talk.end(.settings, now: now)
    case .releases: settings.releases = answer.value.map(Settings.releases) ?? settings.releases
    default: break
    }
    settings.flags = settings.flags.map { mask($0) }
    for index in settings.values.indices {
      settings.values[index].text = mask(settings.values[index].text)
    }
    report.settings = settings
  }

  private mutating func takeDeed(
    _ id: String, _ answer: Answer, now: Int64
  ) throws(DistributionError) {
    guard let index = deeds.firstIndex(where: { $0.id == id }) else { return }
    if let next = answer.value.flatMap({ deeds[index].action.next(after: $0) }) {
      return try put(next, .deed(id), now: now)
    }
    let failure = deeds[index].action.failure(answer, node: report.name)
    deeds[index].outcome = failure.map { .failure($0) } ?? .success(())
  }

  // MARK: - The log

  private mutating func takeLog(_ message: Term, now: Int64) throws(DistributionError) {
    switch talk.collector?.read(message) {
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
      if let pid = talk.collector?.pid {
        try connection?.send(acknowledgement, to: pid, now: now)
      }
    case .happening(let text): note(text)
    case .started(hasFilter: false):
      note("the node's log is watched by too many others already", isBad: true)
    case .started, nil: break
    }
  }

  private mutating func collectorEnded(_ answer: Answer, now: Int64) {
    talk.collector = nil
    if let complaint = answer.complaint { note("the log is not given: \(complaint)", isBad: true) }
    talk.miss(.log, now: now)
  }
}

extension NodeLogLine.Level: Comparable {
  /// The worse one is the less.
  public static func < (left: Self, right: Self) -> Bool {
    let all = Self.allCases
    return (all.firstIndex(of: left) ?? 0) < (all.firstIndex(of: right) ?? 0)
  }
}
