import EventLog
import Events
import HomeLayout
import Journal
import Posix
import Synchronization
import TestSupport
import Testing

/// A home under torture: the real programs in it, and what is known of it from its log.
final class TortureScene: Sendable {
  let rack: Rack
  let home: Home
  private let noteFolder: TemporaryFolder
  let notes: TortureSlug.Notes
  let violations = Violations()
  private let log: Mutex<(reader: Reader, account: LogAccount)>
  private let done = Mutex<[String: Int]>([:])

  init() throws {
    rack = try Rack("operations")
    home = Home(root: rack.home)
    noteFolder = try TemporaryFolder("notes")
    notes = TortureSlug.Notes(folder: noteFolder.path)
    // Each app writes as a user of its own.
    try Files.setMode(noteFolder.path, 0o777)
    for file in [notes.phases, notes.twice] {
      try Files.replace(file, with: [], mode: 0o666)
      try Files.setMode(file, 0o666)
    }
    log = Mutex((Reader(rack.log), LogAccount()))
  }

  /// What the log says by now.
  func account() -> LogAccount { read { $0 } }

  /// Reads the log on, and gives or changes what is known of it.
  func read<Result>(_ body: (inout LogAccount) -> Result) -> Result {
    log.withLock {
      while let lines = try? $0.reader.next(), !lines.isEmpty {
        for line in lines { $0.account.take(Event(line), violations) }
      }
      return body(&$0.account)
    }
  }

  /// The end of the log, for an operator who looks for what went wrong.
  var lastLines: [String] {
    var lines: [String] = []
    _ = try? rack.log.verify { lines.append(String(decoding: $0.bytes, as: UTF8.self)) }
    return lines.suffix(120)
  }

  /// How many requests of each kind `relctl` said were done, by words such as `deploy alpha`.
  var successes: [String: Int] { done.withLock { $0 } }

  /// Makes a request as an operator does, and waits for its outcome.
  func request(_ arguments: [String]) {
    guard let answer = try? rack.run(["relctl"] + arguments) else {
      return violations.note(.oneOutcome, "relctl \(arguments) could not be run")
    }
    // A change of the config vars that changes nothing makes no request.
    if answer.exit == .code(0), !answer.errors.contains("nothing changes") {
      let app = arguments[1].split(separator: "/")[0]
      // The log names a preview by its own name.
      if arguments[0] != "preview" {
        done.withLock { $0["\(arguments[0]) \(app)", default: 0] += 1 }
      }
    }
    // Failed, usage, data, unavailable, try again: all others are no answers.
    if ![0, 1, 64, 65, 69, 75].contains(where: { answer.exit == .code($0) }) {
      violations.note(.oneOutcome, "relctl \(arguments): \(answer.exit) \(answer.errors)")
    }
  }

  /// Makes the slugs and gives their ids.
  func makeSlugs(_ kinds: [TortureSlug.Kind]) throws -> [TortureSlug.Kind: String] {
    var slugs: [TortureSlug.Kind: String] = [:]
    for kind in kinds {
      let tree = try TortureSlug(kind: kind, notes: notes).make(in: rack.folder)
      let answer = try rack.run(["relctl", "build", tree])
      let last = answer.output.split(whereSeparator: \.isWhitespace).last
      slugs[kind] = String(try #require(last, "\(answer.errors)"))
    }
    return slugs
  }
}

// MARK: - Processes

extension TortureScene {
  /// The process that the agent's lock names.
  var agent: ProcessIdentity? {
    let bytes = (try? Files.readIfThere(home.agentLock)) ?? nil
    let lines = String(decoding: bytes ?? [], as: UTF8.self).split(separator: "\n")
    let words = lines.last?.split(separator: " ") ?? []
    guard words.count == 3, let pid = Int32(words[1]), let started = UInt64(words[2]) else {
      return nil
    }
    let identity = ProcessIdentity(pid: pid, started: started)
    return identity.isAlive ? identity : nil
  }

  /// What the run's `relshim` says of it.
  func status(of run: Board.Run, _ app: String) -> RunStatus? {
    let path = home.app(app).run(run.instance.description, run.id).status
    guard let bytes = try? Files.readIfThere(path) else { return nil }
    return try? RunStatus(text: String(decoding: bytes, as: UTF8.self))
  }

  /// Every process that was started for this home, epmd among them, by its environment or its arguments.
  func processes() -> [ProcessTable.Stat] {
    let place = rack.folder.path
    let text = ((try? Files.readIfThere(home.epmd)) ?? nil).map {
      String(decoding: $0, as: UTF8.self)
    }
    let port = text?.split(whereSeparator: \.isWhitespace).last.map(String.init)
    return ProcessTable.all().filter { process in
      if process.hasEnded || process.pid == Program.processID { return false }
      let words = ProcessTable.words(of: process.pid)
      return words.contains { $0.hasPrefix(place) }
        || words.contains("-daemon") && words.contains { $0 == port }
        || ProcessTable.environment(of: process.pid).contains { $0.hasPrefix("HOME=" + place) }
    }
  }

  /// Ends what is left, also after a failure. Until nothing is found: a `relshim` may be starting an agent.
  func end() {
    for _ in 0..<50 {
      let left = processes()
      if left.isEmpty { return }
      for process in left { process.identity.signal(.kill) }
    }
  }
}
