import HomeLayout
import Posix

/// The parent of the home's router. It holds the listening sockets, so that HAProxy can be replaced, or be killed and
/// started again, while connections wait in their queues.
///
/// Each HAProxy gets copies of the sockets. For another configuration a second one is started; when it answers, the first
/// one is asked to finish what it has begun (SIGUSR1).
struct RouterKeeper {
  private let folder: RouterFolder
  private let program: String
  private var lock: Lock?
  private let directory: File
  private let log: File
  private var sockets: RouterListeners
  private var requests: AccessLog
  private var wakes: WakeCalls
  private var loop: EventLoop<Source>
  private var status: RouterStatus

  private var generation = 0
  private var current: HAProxy?
  private var next: HAProxy?
  /// Those that finish what they have begun. Each ends within `hard-stop-after`.
  private var leaving: [Child] = []
  private var mustReload = false
  private static let longestLog = 1 << 20
  private var isEnding = false
  /// Milliseconds until a HAProxy that ended is started again.
  private var pause: Int64 = 0

  private enum Source { case answer, start, end, late, record, listen, requests, wakes }

  private struct HAProxy {
    var number: Int
    var child: Child
    var startedAt = Clock.monotonic()
    /// A connection to its admin socket, on which it answers once it serves.
    var question: File?
  }

  /// - Parameter agent: the program that starts an agent.
  init(_ path: String, program: String, agent: String) throws {
    (folder, self.program) = (RouterFolder(path: path), program)
    guard let lock = try Lock.take(folder.lock) else {
      throw PosixError("take", folder.lock, .again)
    }
    self.lock = lock
    loop = EventLoop(signals: try Signals([.term, .int, .hup, .chld]))
    directory = try File.open(path, .folder)
    log = try File.open(folder.log, .append)
    guard let own = ProcessIdentity(of: Program.processID) else {
      throw PosixError("read", "/proc/self/stat", .noSuchFile)
    }
    status = RouterStatus(keeper: RunStatus.Process(own))
    let text = Array(status.text.utf8)
    try lock.file.write(text, at: 0)
    try lock.file.truncate(to: text.count)
    // Sockets of an earlier parent; a new generation must not have the name of one that still ends.
    Self.endFormer(folder)
    for name in try Files.list(path) where name.hasPrefix("admin.") || name.hasPrefix("stats.") {
      let number = Int(name.drop { $0 != "." }.dropFirst()) ?? 0
      generation = max(generation, min(number, 1 << 30))
      try Files.remove("\(path)/\(name)")
    }
    sockets = try RouterListeners(folder) { [folder] signal in Self.endFormer(folder, signal) }
    requests = try AccessLog(folder)
    loop.watch(requests.reading.descriptor, as: .requests)
    let home = Home(root: Files.parent(of: path))
    wakes = try WakeCalls(folder, agent: AgentStart(program: agent, home: home))
    loop.watch(wakes.reading.descriptor, as: .wakes)
    listen()
    record()
  }

  /// Serves until a signal asks it to end (SIGTERM).
  mutating func run() throws {
    start()
    while !isEnding || current != nil || next != nil || !leaving.isEmpty {
      let turn = try loop.wait()
      for signal in turn.signals {
        switch signal {
        case .chld: reap()
        case .hup:
          listen()
          // The status may have been damaged.
          record()
          reload()
        default: end()
        }
      }
      if turn.has(.answer) { readAnswer() }
      if turn.has(.requests) { requests.take() }
      if turn.has(.wakes) { wakes.take() }
      if turn.has(.start) { start() }
      if turn.has(.listen), !isEnding, listen() { reload() }
      if turn.has(.late) { next?.child.signal(.kill) }
      if turn.has(.record) { record() }
      if turn.has(.end) { for child in leaving { child.signal(.kill) } }
    }
  }

  /// A HAProxy whose parent was killed holds the sockets until it is asked to leave. Its parent may have died before it
  /// wrote a status.
  private static func endFormer(_ folder: RouterFolder, _ signal: Signal = .usr1) {
    for haproxy in ProcessTable.processes(withArguments: folder.arguments) {
      haproxy.signal(signal)
    }
  }

  // MARK: - Listening

  /// Milliseconds until a socket that could not be opened is tried again: a HAProxy that leaves may still have the port.
  private static let retry: Int64 = 500

  /// Opens the sockets that are wanted now and can be opened.
  /// - Returns: whether HAProxy must be given others than it has.
  @discardableResult
  private mutating func listen() -> Bool {
    let isChanged = sockets.follow()
    (status.addresses, status.closed) = (sockets.names(.loopback), sockets.failures)
    (status.http, status.https) = (sockets.names(.http), sockets.names(.https))
    status.metrics = sockets.names(.metrics)
    loop.wake(.listen, at: sockets.failures.isEmpty ? nil : Clock.monotonic() + Self.retry)
    return isChanged
  }

  // MARK: - Generations

  private mutating func reload() {
    mustReload = next != nil
    if next == nil, !isEnding { start() }
  }

  private mutating func start() {
    if isEnding || next != nil { return }
    // Each start adds some lines, and each change of a server.
    if (try? log.size()) ?? 0 > Self.longestLog { try? log.truncate(to: 0) }
    generation += 1
    do {
      let admin = try ListeningSocket.local(RouterFolder.adminSocket(generation), in: directory)
      let statistics = try ListeningSocket.local(
        RouterFolder.statisticsSocket(generation), in: directory)
      let invocation = Invocation(
        [program] + folder.arguments, in: folder.path,
        environment: sockets.environment(from: 8).merging(["PATH": Invocation.standardPath]) { $1 })
      let child = try Child.start(
        invocation, output: .file(log), errors: .file(log),
        more: [admin, statistics, requests.writing, wakes.writing] + sockets.files,
        newSession: true)
      next = HAProxy(number: generation, child: child)
      loop.wake(.late, at: Clock.monotonic() + Self.patience)
      let question = try LocalSocket.connect(RouterFolder.adminSocket(generation), in: directory)
      _ = try Dial.write(Array("show info\n".utf8), to: question)
      loop.watch(question.descriptor, as: .answer)
      next?.question = question
    } catch {
      // Its end is told by a signal.
      if let next { return next.child.signal(.kill) }
      removeSockets(of: generation)
      fail("\(error)")
    }
  }

  /// Milliseconds in which a HAProxy must serve.
  private static let patience: Int64 = 5000

  private mutating func readAnswer() {
    guard var haproxy = next, let question = haproxy.question else { return }
    let answer = (try? question.read(upTo: 4096)) ?? []
    loop.watch(nil, as: .answer)
    haproxy.question = nil
    next = haproxy
    // Its end is told by a signal.
    if answer.isEmpty { return haproxy.child.signal(.kill) }
    loop.wake(.late, at: nil)
    if let current { leave(current) }
    (current, next, status.failure) = (haproxy, nil, nil)
    status.serving = ProcessIdentity(of: haproxy.child.pid).map {
      RouterStatus.Generation(number: haproxy.number, process: RunStatus.Process($0))
    }
    record()
    if mustReload { reload() }
  }

  private mutating func leave(_ haproxy: HAProxy) {
    haproxy.child.signal(.usr1)
    leaving.append(haproxy.child)
    status.left = Clock.monotonic()
    removeSockets(of: haproxy.number)
  }

  private func removeSockets(of number: Int) {
    for name in [RouterFolder.adminSocket(number), RouterFolder.statisticsSocket(number)] {
      try? Files.remove("\(folder.path)/\(name)")
    }
  }

  // MARK: - Ends

  private mutating func reap() {
    while let (pid, exit) = Child.reapAny() {
      leaving.removeAll { $0.pid == pid }
      if leaving.isEmpty, status.left != nil {
        status.left = nil
        record()
      }
      if pid == next?.child.pid { nextEnded(exit) }
      if pid == current?.child.pid { currentEnded() }
    }
  }

  /// A HAProxy ended before it served: its configuration is wrong.
  private mutating func nextEnded(_ exit: Exit) {
    if let next { removeSockets(of: next.number) }
    loop.watch(nil, as: .answer)
    loop.wake(.late, at: nil)
    next = nil
    fail("\(lastWords ?? "haproxy ended (\(exit))")")
    if mustReload { reload() }
  }

  private mutating func currentEnded() {
    guard let ended = current else { return }
    removeSockets(of: ended.number)
    let lived = Clock.monotonic() - ended.startedAt
    (current, status.serving) = (nil, nil)
    record()
    if isEnding || next != nil { return }
    pause = lived > 5000 ? 0 : min(5000, max(100, pause * 2))
    loop.wake(.start, at: Clock.monotonic() + (lived > 5000 ? 0 : pause))
  }

  private mutating func fail(_ words: String) {
    status.failure = String(words.prefix(500).filter { !$0.isNewline })
    record()
    // While another one serves, the next configuration is waited for.
    if current != nil || isEnding { return }
    pause = min(5000, max(100, pause * 2))
    loop.wake(.start, at: Clock.monotonic() + pause)
  }

  /// What HAProxy printed last of an error.
  private var lastWords: String? {
    guard let size = try? log.size(),
      let reading = try? File.open(folder.log, .read),
      let bytes = try? reading.read(upTo: 8192, at: max(0, size - 8192))
    else { return nil }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    let start = lines.lastIndex { $0.contains("haproxy version is") } ?? lines.startIndex
    return (lines[start...].first { $0.contains("[ALERT]") } ?? lines.last).map(String.init)
  }

  /// Milliseconds for which requests may finish when the router ends.
  private static let grace: Int64 = 10_000

  private mutating func end() {
    if isEnding { return }
    isEnding = true
    // Another parent may begin at once.
    try? Files.remove(folder.status)
    try? lock?.file.truncate(to: 0)
    sockets.close()
    lock = nil
    if let current { leave(current) }
    if let next { leave(next) }
    (current, next) = (nil, nil)
    loop.watch(nil, as: .answer)
    loop.wake(.end, at: Clock.monotonic() + Self.grace)
  }

  private mutating func record() {
    if isEnding { return }
    do throws(PosixError) {
      try Files.replace(folder.status, with: Array(status.text.utf8), isDurable: false)
    } catch {
      loop.wake(.record, at: Clock.monotonic() + 1000)
    }
  }
}
