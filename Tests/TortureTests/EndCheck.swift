import Events
import Journal
import Posix
import TestSupport

/// What must hold when all apps were stopped and the agent has left: no process, and a log that tells all of it.
struct EndCheck {
  let scene: TortureScene

  func run() {
    stopAll()
    checkProcesses()
    checkLog()
    checkNotes()
  }

  private func stopAll() {
    for app in scene.account().board.apps.keys { scene.request(["stop", app]) }
    guard let answer = try? scene.rack.run(["relctl", "agent", "stop"]), answer.exit == .code(0)
    else { return scene.violations.note(.oneOutcome, "the agent does not leave") }
  }

  private func checkProcesses() {
    if eventually(3000, { scene.processes().isEmpty }) { return }
    for process in scene.processes() {
      let words = ProcessTable.words(of: process.pid).joined(separator: " ")
      scene.violations.note(
        .oneOwner, "after the end \(process.pid), child of \(process.parent), is left: \(words)")
    }
  }

  /// The whole log, read anew, is what was seen of it as it grew.
  private func checkLog() {
    let account = scene.account()
    var ids: [String] = []
    guard let verification = try? scene.rack.log.verify({ ids.append(Event($0).id) }) else {
      return scene.violations.note(.oneLog, "it cannot be read")
    }
    if !verification.damage.isEmpty || verification.unfinished != nil {
      scene.violations.note(.oneLog, "damage: \(verification.damage)")
    }
    if ids != account.ids { scene.violations.note(.oneLog, "lines have changed") }
    if Set(ids).count != ids.count { scene.violations.note(.oneLog, "an event is there twice") }
    for (words, count) in scene.successes where account.finished[words, default: 0] < count {
      scene.violations.note(
        .oneLog, "\(words): \(count) were done, \(account.finished[words] ?? 0) are in the log")
    }
    for request in account.board.requests {
      scene.violations.note(.oneOutcome, "\(request.type.rawValue) of \(request.app) is open")
    }
  }

  /// What the slugs wrote down themselves.
  private func checkNotes() {
    let phases = (try? scene.notes.lines(scene.notes.phases)) ?? []
    for (phase, count) in Dictionary(phases.map { ($0, 1) }, uniquingKeysWith: +)
    where count > 1 && !phase.contains("-pr-") {
      scene.violations.note(.oneOutcome, "the release phase of \(phase) ran \(count) times")
    }
    for worker in (try? scene.notes.lines(scene.notes.twice)) ?? [] {
      scene.violations.note(.oneOutcome, "\(worker) ran twice at once")
    }
  }
}
